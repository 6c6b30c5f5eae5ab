//! Agents and the work that is handed to them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::coding_agents::{Activity, Evidence};

/// `agent.delegation`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AgentDelegation {
    /// The agent.
    pub agent: String,
    /// What it is to do.
    pub task: String,
    /// How far it is.
    pub status: DelegationStatus,
    /// How long it took, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// How far a delegated task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DelegationStatus {
    /// The agent has it.
    Started,
    /// It is done.
    Completed,
    /// It could not be done.
    Failed,
}

/// `agent.status`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AgentStatus {
    /// Agents at work, and those that are registered for a session.
    pub active_agents: Vec<String>,
    /// What each agent has done, by its name.
    pub agent_stats: BTreeMap<String, AgentStats>,
}

/// What one agent has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgentStats {
    /// Tasks that are over.
    pub tasks: u64,
    /// Milliseconds that one took in the mean.
    pub avg_duration_ms: u64,
}

/// `agent.activity`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AgentActivityChanged {
    /// The session that it runs in.
    pub session_id: String,
    /// The agent's program: `claude`, `codex` and so on.
    pub program: String,
    /// What it does now.
    pub activity: Activity,
    /// What it did before.
    pub before: Activity,
    /// What says so.
    pub evidence: Evidence,
    /// The same in words.
    pub why: String,
    /// When its limit is lifted, where that is told; RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<String>,
}
