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

/// `session.end`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SessionEnd {
    /// The session.
    pub session_id: String,
    /// RFC 3339.
    pub end_time: String,
    /// How long it lived.
    pub duration_seconds: f64,
}
