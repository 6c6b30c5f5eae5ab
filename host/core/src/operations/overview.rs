//! The host at a glance: what costs nothing to know.

use std::time::SystemTime;

use crate::coding_agents::AgentInFront;
use crate::gate::{Mode, VerdictCount};
use crate::host::Host;

/// What is known without asking any session.
#[derive(Clone, Debug)]
pub struct HostOverview {
    /// Since when it runs.
    pub started_at: SystemTime,
    /// Sessions that are open.
    pub sessions: usize,
    /// What its gate does with verdicts.
    pub gate: Mode,
    /// Commands that wait for a person.
    pub waiting: usize,
    /// Coding agents in front of sessions.
    pub coding_agents: Vec<AgentInFront>,
    /// Verdicts so far.
    pub verdicts: Vec<VerdictCount>,
    /// Requests that were refused for coming too often.
    pub requests_refused: u64,
}

impl Host {
    /// Looks at the host.
    pub fn overview(&self) -> HostOverview {
        HostOverview {
            started_at: self.started_at,
            sessions: self.registry.all().len(),
            gate: self.gate.mode(),
            waiting: self.gate.waiting().len(),
            coding_agents: self.coding_agents.in_front(),
            verdicts: self.gate.verdict_counts(),
            requests_refused: self.rates.refused(),
        }
    }
}
