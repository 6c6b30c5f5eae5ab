//! The host itself.

use schemars::JsonSchema;
use serde::Serialize;

/// `system.stats`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SystemStats {
    /// Memory of everything in the host's sessions.
    pub memory_usage_mb: f64,
    /// Percent of one core, of the same processes.
    pub cpu_percent: f64,
    /// How long the host runs.
    pub uptime_seconds: u64,
}

/// `system.error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SystemError {
    /// What went wrong, in words.
    pub error: String,
    /// Which part of the host says so.
    pub component: String,
    /// How bad it is.
    pub severity: ErrorSeverity,
}

/// How bad an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ErrorSeverity {
    /// Something else stands in.
    Warning,
    /// Something does not work.
    Error,
}
