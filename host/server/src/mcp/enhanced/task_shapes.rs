//! Tasks in the document's shapes.

use std::time::{Duration, UNIX_EPOCH};

use quarterdeck_core::policy::TaskPriority;
use quarterdeck_core::tasks::{NewTask, TaskId, TaskReport, TaskResult, TaskState, Work};
use quarterdeck_core::{HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::task_payload::{Job, Payload};

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TaskShape {
    id: String,
    #[serde(rename = "type")]
    kind: Kind,
    /// Text, or an object of it
    payload: Payload,
    #[serde(default)]
    priority: Priority,
    /// ms for one attempt (3600000)
    timeout: Option<u64>,
    /// Ids that must complete first
    #[serde(default)]
    dependencies: Vec<String>,
    /// More attempts after a failure
    #[serde(default)]
    retries: u32,
    /// Run again if its session or the host dies under it
    #[serde(default = "yes")]
    rerun: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Command,
    Script,
    /// A prompt for the agent in a session
    Analysis,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Priority {
    High,
    #[default]
    Medium,
    Low,
}

impl TaskShape {
    /// The task that is meant. One that is done `here` has its folder looked for.
    pub(super) fn into_task(self, here: bool) -> Result<NewTask, HostError> {
        let parse = |id: String| {
            TaskId::try_from(id).map_err(|error| HostError::InvalidParameters(error.to_string()))
        };
        let id = parse(self.id)?;
        if self.timeout == Some(0) {
            return Err(HostError::InvalidParameters(format!(
                "the timeout of task {:?} is 0 ms, so it would end before it begins: give at least 1, or leave it out for an hour",
                id.as_str()
            )));
        }
        let Job { text, folder } = self.payload.into_job(self.kind).map_err(|error| {
            HostError::InvalidParameters(format!("the payload of task {:?} {error}", id.as_str()))
        })?;
        if let Some(folder) = folder.as_ref().filter(|folder| here && !folder.is_dir()) {
            return Err(HostError::InvalidParameters(format!(
                "workingDirectory {folder:?} of task {:?} is not a folder on this machine",
                id.as_str()
            )));
        }
        let work = match self.kind {
            Kind::Command => Work::Command {
                command: text,
                folder,
            },
            Kind::Script => Work::Script {
                script: text,
                folder,
            },
            Kind::Analysis => Work::Analysis { prompt: text },
        };
        let mut task = NewTask::new(id, work);
        task.priority = match self.priority {
            Priority::High => TaskPriority::High,
            Priority::Medium => TaskPriority::Medium,
            Priority::Low => TaskPriority::Low,
        };
        task.timeout = self.timeout.map_or(NewTask::TIMEOUT, Duration::from_millis);
        task.retries = self.retries;
        task.rerun = self.rerun;
        task.dependencies = self
            .dependencies
            .into_iter()
            .map(parse)
            .collect::<Result<_, _>>()?;
        Ok(task)
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportShape {
    pub(super) id: String,
    /// queued, running, completed or failed
    pub(super) status: String,
    /// Empty before it has one
    session_id: String,
    /// Percent
    progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    /// How often it was started
    attempts: u32,
    /// What became of earlier attempts
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milestone: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ResultShape {
    /// null where the shell does not tell
    exit_status: Option<i32>,
    /// The end of it
    output: String,
    truncated: bool,
    duration_ms: u64,
}

impl From<TaskResult> for ResultShape {
    fn from(result: TaskResult) -> Self {
        Self {
            exit_status: result.exit_status,
            output: result.output,
            truncated: result.truncated,
            duration_ms: result.duration_ms,
        }
    }
}

impl From<TaskReport> for ReportShape {
    fn from(report: TaskReport) -> Self {
        let time = |ms| rfc3339(UNIX_EPOCH + Duration::from_millis(ms));
        Self {
            id: report.id.into(),
            status: status_name(report.state).to_owned(),
            session_id: report.session_id.unwrap_or_default(),
            progress: report.progress,
            result: report.result.map(Into::into),
            error: report.error,
            started_at: report.started_ms.map(time),
            completed_at: report.ended_ms.map(time),
            attempts: report.attempts,
            notes: Some(report.notes).filter(|notes| !notes.is_empty()),
            waits_for: report.waits_for,
            milestone: report.milestone,
        }
    }
}

impl ReportShape {
    /// A line for the text form.
    pub(super) fn line(&self) -> String {
        let more = match (&self.error, &self.result, &self.waits_for) {
            (Some(error), ..) => format!(": {error}"),
            (None, Some(result), _) => format!(" in {} ms", result.duration_ms),
            (None, None, Some(reason)) => format!(": {reason}"),
            (None, None, None) => String::new(),
        };
        let mut line = format!("{}  {}{more}", self.id, self.status);
        for note in self.notes.iter().flatten() {
            line.push_str(&format!("\n  {note}"));
        }
        line
    }
}

/// The document's four words. What was called off has failed; its error says so.
pub(super) fn status_name(state: TaskState) -> &'static str {
    match state {
        TaskState::Cancelled => TaskState::Failed.as_str(),
        state => state.as_str(),
    }
}
