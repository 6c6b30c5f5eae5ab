//! What sessions use.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// `performance.update`: the shape of `performance_monitor`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceUpdate {
    /// RFC 3339.
    pub timestamp: String,
    /// All sessions together.
    pub overall: OverallPerformance,
    /// Each session.
    pub sessions: Vec<SessionPerformance>,
}

/// All sessions together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverallPerformance {
    /// Percent of one core.
    pub cpu: f64,
    /// Megabytes.
    pub memory: f64,
    /// Sessions that are open.
    pub active_sessions: usize,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionPerformance {
    /// The session.
    pub session_id: String,
    /// What it uses.
    pub metrics: SessionMetrics,
}

/// What one session uses.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionMetrics {
    /// Percent of one core.
    pub cpu: f64,
    /// Megabytes.
    pub memory: f64,
    /// How long its last command took, in milliseconds.
    pub response_time: f64,
    /// Further metrics by name: disk, network.
    #[serde(flatten)]
    pub more: BTreeMap<String, f64>,
}
