//! Coding agents that run in sessions. The names are those of the claude-mpm
//! document, whichever agent it is.

use schemars::JsonSchema;
use serde::Serialize;

/// `claude.status`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClaudeStatus {
    /// What it does.
    pub status: AgentProcess,
    /// Its process, while it is known.
    pub pid: Option<u32>,
    /// The same in words.
    pub message: String,
    /// The session that it runs in; none for one outside, whose hook tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The program: `claude`, `codex` and so on.
    pub program: String,
}

/// What the process of a coding agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentProcess {
    /// It is in front and has shown nothing yet.
    Starting,
    /// It has shown something.
    Running,
    /// It is in front no more.
    Stopped,
    /// It ended with an exit status other than 0.
    Error,
}

/// `claude.output`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClaudeOutput {
    /// What it has shown, without control characters; long output comes in several
    /// events. Of more than 256 KiB at once the middle is left out, and said to be.
    pub content: String,
    /// A terminal carries both streams as one.
    pub stream: OutputStream,
    /// The session that it runs in.
    pub session_id: String,
}

/// Where output came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output, and everything on a terminal.
    Stdout,
    /// Standard error, where it is known apart.
    Stderr,
}
