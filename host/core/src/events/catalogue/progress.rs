//! How far a session's work is.

use schemars::JsonSchema;
use serde::Serialize;

/// `progress.update`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressUpdate {
    /// The session.
    pub session_id: String,
    /// Percent.
    pub progress: f64,
    /// What was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// The task, where the session works on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}
