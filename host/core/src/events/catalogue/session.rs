//! A session's life.

use schemars::JsonSchema;
use serde::Serialize;

/// `session.start`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SessionStart {
    /// The session.
    pub session_id: String,
    /// Its name.
    pub name: String,
    /// RFC 3339.
    pub start_time: String,
    /// How its program was started.
    pub launch_method: LaunchMethod,
    /// Where it started, as far as that is known.
    pub working_directory: Option<String>,
}

/// How a session's program was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LaunchMethod {
    /// In the place of the program that started it.
    Exec,
    /// As a process of its own, which is how every session starts here.
    Subprocess,
}

/// `session.end`: its program has ended, or it was closed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SessionEnd {
    /// The session.
    pub session_id: String,
    /// RFC 3339.
    pub end_time: String,
    /// How long it lived.
    pub duration_seconds: f64,
}

/// `session.recovery`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SessionRecovery {
    /// The session that was to be mended.
    pub session_id: String,
    /// The one in its place, where there is one.
    pub new_session_id: Option<String>,
    /// The recovery that decided.
    pub strategy: String,
    /// Steps that were taken.
    pub attempts: u32,
    /// Whether it is well.
    pub recovered: bool,
}

/// `session.failover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SessionFailover {
    /// The session that is left.
    pub session_id: String,
    /// The one that takes over.
    pub new_session_id: String,
    /// The agent that works there now, where one worked in the session that is left.
    pub agent: Option<String>,
    /// The teams of that agent.
    pub teams: Vec<String>,
    /// The role that it has now.
    pub role: Option<String>,
    /// The tags that it has now and had not before.
    pub tags: Vec<String>,
    /// Whose lock has moved.
    pub lock_owner: Option<String>,
    /// The new number of that lock: the one before is refused.
    pub fencing_token: Option<u64>,
    /// The tasks that wait for it, or that it has begun.
    pub tasks: Vec<String>,
}
