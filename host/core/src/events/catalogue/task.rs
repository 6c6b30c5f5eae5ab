//! Tasks and the workers that run them.

use schemars::JsonSchema;
use serde::Serialize;

/// `task.update`: one task in the shape of `task_status`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskUpdate {
    /// The task.
    pub id: String,
    /// How far it is.
    pub status: TaskStatus,
    /// The worker that has it, once it is assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Percent.
    pub progress: f64,
    /// What it is doing, where that shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// It waits.
    Queued,
    /// A worker has it.
    Running,
    /// It is done.
    Completed,
    /// It could not be done.
    Failed,
    /// Somebody called it off.
    Cancelled,
}
