//! Which events there are.

use serde::Serialize;

/// Something that happened, with what is told of it. Serialised as
/// `{"type": …, "data": {…}}`, with the names of the claude-mpm document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "data")]
pub enum Happening {
    /// A session was opened.
    #[serde(rename = "session.start")]
    SessionStart {
        /// The session.
        session_id: String,
        /// Its name.
        name: String,
        /// RFC 3339.
        start_time: String,
        /// How its program was started: always `subprocess` here.
        launch_method: &'static str,
        /// Where it started, as far as that is known.
        working_directory: Option<String>,
    },
    /// A session is over.
    #[serde(rename = "session.end")]
    SessionEnd {
        /// The session.
        session_id: String,
        /// RFC 3339.
        end_time: String,
        /// How long it lived.
        duration_seconds: f64,
    },
    /// A task waits, runs, or has ended.
    #[serde(rename = "task.changed")]
    TaskChanged {
        /// The task.
        task_id: String,
        /// `queued`, `running`, `completed`, `failed` or `cancelled`.
        status: &'static str,
        /// Its worker, while it has one and in the end.
        session_id: Option<String>,
        /// Why it failed, or waits again.
        error: Option<String>,
    },
    /// A task shows how far it is.
    #[serde(rename = "task.progress")]
    TaskProgress {
        /// The task.
        task_id: String,
        /// Its worker.
        session_id: String,
        /// Between 0 and 100.
        progress: f64,
        /// What it is doing.
        milestone: Option<String>,
    },
    /// Something went wrong.
    #[serde(rename = "system.error")]
    SystemError {
        /// What, in words.
        error: String,
        /// Which part of the host says so.
        component: &'static str,
        /// `warning` or `error`.
        severity: &'static str,
    },
}
