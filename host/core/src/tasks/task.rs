//! A task: what is to be done, and what is told of it.

use crate::agents::role::Role;
use crate::events::TaskStatus;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use quarterdeck_policy::TaskPriority;
use serde::{Deserialize, Serialize};

/// The longest id, in bytes.
const LONGEST_ID: usize = 200;

/// Names a task. Chosen by whoever hands it in; unique among those that have not
/// ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

/// An id that no task can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be a task's id: give 1 to {LONGEST_ID} bytes without control characters")]
pub struct BadTaskId(String);

impl TaskId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TaskId {
    type Error = BadTaskId;

    fn try_from(id: String) -> Result<Self, BadTaskId> {
        let possible = !id.trim().is_empty() && id.len() <= LONGEST_ID;
        if possible && !id.chars().any(char::is_control) {
            Ok(Self(id))
        } else {
            Err(BadTaskId(id))
        }
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> Self {
        id.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Work {
    /// A command line, in the worker's shell.
    Command {
        /// The line; may span lines.
        command: String,
        /// Where it runs; the worker's own folder where there is none.
        folder: Option<PathBuf>,
    },
    /// A shell script.
    Script {
        /// Its text.
        script: String,
        /// As with a command.
        folder: Option<PathBuf>,
    },
    /// A prompt for the agent's program that runs in the worker.
    Analysis {
        /// What it is asked.
        prompt: String,
    },
}

impl Work {
    /// The word that distributors and clients see.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Script { .. } => "script",
            Self::Analysis { .. } => "analysis",
        }
    }

    /// The command line, script or prompt.
    pub fn text(&self) -> &str {
        match self {
            Self::Command { command, .. } => command,
            Self::Script { script, .. } => script,
            Self::Analysis { prompt } => prompt,
        }
    }

    /// What has to be in front in a session that does this.
    pub(super) fn lane(&self) -> Lane {
        match self {
            Self::Command { .. } | Self::Script { .. } => Lane::Shell,
            Self::Analysis { .. } => Lane::Program,
        }
    }
}

/// What a worker has to show for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Lane {
    /// A shell that waits for a command.
    Shell,
    /// A program that takes a prompt.
    Program,
}

/// A task as it is handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewTask {
    /// Its name.
    pub id: TaskId,
    /// What is to be done.
    pub work: Work,
    /// How urgent it is.
    pub priority: TaskPriority,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often it is tried again after it has failed.
    pub retries: u32,
    /// Whether it is run again when its worker or the host dies under it, so that
    /// nobody knows how far it came.
    pub rerun: bool,
    /// What has to complete before.
    pub dependencies: Vec<TaskId>,
}

impl NewTask {
    /// How long an attempt may take where nobody says.
    pub const TIMEOUT: Duration = Duration::from_secs(3_600);

    /// A task of medium priority, with nothing to wait for.
    pub fn new(id: TaskId, work: Work) -> Self {
        Self {
            id,
            work,
            priority: TaskPriority::Medium,
            timeout: Self::TIMEOUT,
            retries: 0,
            rerun: true,
            dependencies: Vec::new(),
        }
    }
}

/// Which sessions do the tasks of one submission. With nothing chosen: every
/// session whose shell waits, other than a connection's own default session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerChoice {
    /// Only these, by id or name.
    pub sessions: Vec<String>,
    /// Only those that carry all of these; machines that have announced them, where
    /// machines are asked for.
    pub tags: Vec<String>,
    /// Other machines in place of this host's sessions.
    #[serde(default)]
    pub machines: bool,
    /// Only those of the agents of this team and the teams below it.
    #[serde(default)]
    pub team: Option<String>,
    /// Only those with this role.
    #[serde(default)]
    pub role: Option<Role>,
    /// The command that starts an agent's program in sessions that are opened, where
    /// tasks are prompts.
    #[serde(default)]
    pub agent_command: Option<String>,
    /// How many may be opened in addition; they are closed when nothing is left
    /// to do. Where nobody says, a few, and only while there is no other worker.
    pub open_up_to: Option<u32>,
}

impl WorkerChoice {
    /// Whether sessions were asked for, by whatever they go by.
    pub(super) fn is_explicit(&self) -> bool {
        !self.sessions.is_empty()
            || !self.tags.is_empty()
            || self.team.is_some()
            || self.role.is_some()
    }
}

/// What tasks are handed in with.
#[derive(Clone, Debug)]
pub struct DistributeTasks {
    /// The tasks, in order.
    pub tasks: Vec<NewTask>,
    /// Name of the distributor that decides.
    pub strategy: String,
    /// How many of them may run at once.
    pub max_concurrent: Option<u32>,
    /// Who does them.
    pub workers: WorkerChoice,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// It waits.
    Queued,
    /// A worker is at it.
    Running,
    /// It came to a good end.
    Completed,
    /// It came to a bad one.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

impl TaskState {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more comes of it.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl From<TaskState> for TaskStatus {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Queued => Self::Queued,
            TaskState::Running => Self::Running,
            TaskState::Completed => Self::Completed,
            TaskState::Failed => Self::Failed,
            TaskState::Cancelled => Self::Cancelled,
        }
    }
}

/// What an attempt brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// `None` where the shell does not tell.
    pub exit_status: Option<i32>,
    /// The end of its output.
    pub output: String,
    /// Whether there was more output before it.
    pub truncated: bool,
    /// From Enter to the prompt, in milliseconds.
    pub duration_ms: u64,
}

/// What is known of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskReport {
    /// Its name.
    pub id: TaskId,
    /// How far it is.
    pub state: TaskState,
    /// The worker that has it or had it last.
    pub session_id: Option<String>,
    /// Between 0 and 100.
    pub progress: f64,
    /// What it is doing, where its output shows it.
    pub milestone: Option<String>,
    /// What its last attempt brought.
    pub result: Option<TaskResult>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it waits for.
    pub waits_for: Option<String>,
    /// How often it was started.
    pub attempts: u32,
    /// What became of earlier attempts, each in a sentence.
    pub notes: Vec<String>,
    /// When its last attempt began, in milliseconds since the Unix epoch.
    pub started_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
}

/// One task of a submission, right after it was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributed {
    /// The task.
    pub id: TaskId,
    /// Its worker, where it has one already.
    pub session_id: Option<String>,
    /// How far it is.
    pub state: TaskState,
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributeOutcome {
    /// Its tasks, in order.
    pub distributed: Vec<Distributed>,
    /// How many tasks wait on this host, those of others included.
    pub queue_length: usize,
    /// How long it will be until all of them have ended, going by past runs.
    pub estimate: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_line_that_one_can_read() {
        let id = |text: &str| TaskId::try_from(text.to_owned());
        assert_eq!(id("build-1").expect("an id").as_str(), "build-1");
        for bad in ["", "  ", "a\nb", "\u{1b}[0m", &"x".repeat(LONGEST_ID + 1)] {
            let error = id(bad).expect_err(bad).to_string();
            assert!(error.contains("cannot be a task's id"), "{error}");
        }
    }
}
