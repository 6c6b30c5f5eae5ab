//! Which events there are.

use serde::Serialize;

use crate::monitor::{Component, PerformanceReport, Severity};

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
    /// A recovery has ended.
    #[serde(rename = "session.recovery")]
    SessionRecovery {
        /// The session that was to be mended.
        session_id: String,
        /// The one in its place, where there is one.
        new_session_id: Option<String>,
        /// The recovery that decided.
        strategy: String,
        /// Steps that were taken.
        attempts: u32,
        /// Whether it is well.
        recovered: bool,
    },
    /// What belonged to a session belongs to another one.
    #[serde(rename = "session.failover")]
    SessionFailover {
        /// The session that is left.
        session_id: String,
        /// The one that takes over.
        new_session_id: String,
    },
    /// What sessions use: the enhanced-iterm-mcp document's `PerformanceMetrics`.
    #[serde(rename = "performance.update")]
    PerformanceUpdate(PerformanceReport),
    /// Something is not as it should be, and was a moment ago.
    #[serde(rename = "health.alert", rename_all = "camelCase")]
    HealthAlert {
        /// How bad.
        severity: Severity,
        /// Where.
        component: Component,
        /// What, in words.
        message: String,
        /// The session that it is about, where it is about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        session_id: Option<String>,
    },
    /// Something is further than it was.
    #[serde(rename = "progress.update", rename_all = "camelCase")]
    ProgressUpdate {
        /// The session that works on it.
        session_id: String,
        /// Between 0 and 100.
        progress: f64,
        /// What is going on, in a few words.
        #[serde(skip_serializing_if = "Option::is_none")]
        milestone: Option<String>,
    },
    /// The host in three numbers.
    #[serde(rename = "system.stats")]
    SystemStats {
        /// Of all sessions, MB.
        memory_usage_mb: f64,
        /// Of all sessions, percent of one core.
        cpu_percent: f64,
        /// How long the host has run.
        uptime_seconds: u64,
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

impl Happening {
    /// Whether it says how things are, so that of several only the last is worth
    /// keeping for those who come late.
    pub(super) fn replaces_earlier(&self) -> bool {
        matches!(self, Self::PerformanceUpdate(_) | Self::SystemStats { .. })
    }
}
