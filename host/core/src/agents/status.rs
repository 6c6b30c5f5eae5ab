//! How agents are doing, in a few words.

use super::notifications::Level;
use crate::clock::now_ms;
use crate::coding_agents::{AgentActivity, is_processing};
use crate::host::Host;

/// How one agent is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentLine {
    /// The agent.
    pub agent: String,
    /// What it said last, if it ever did.
    pub said: Option<Said>,
    /// The sessions that it has locked.
    pub locks: Vec<String>,
    /// Its session, while there is one.
    pub session_id: Option<String>,
    /// Whether something works there.
    pub is_processing: bool,
    /// What goes on there.
    pub activity: Option<AgentActivity>,
}

/// A notification, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// How it was meant.
    pub level: Level,
    /// Its one line.
    pub summary: String,
}

impl Host {
    /// A line for each agent, also for those that have left but had something to say.
    pub async fn agent_summary(&self) -> Vec<AgentLine> {
        let mut lines = self.lines();
        for line in &mut lines {
            let session = line.session_id.as_deref().map(|id| self.registry.get(id));
            match session {
                Some(Ok(session)) => {
                    let runs_command = session.terminal.status().await.is_running();
                    line.activity = self.coding_agents.activity(&session.id);
                    line.is_processing = is_processing(line.activity.as_ref(), runs_command);
                }
                _ => line.session_id = None,
            }
        }
        lines
    }

    fn lines(&self) -> Vec<AgentLine> {
        let now = now_ms();
        let state = self.agents.state();
        let latest = state.notifications.latest();
        let mut names: Vec<&str> = (state.roster.agents())
            .map(|agent| agent.name.as_str())
            .chain(latest.keys().copied())
            .collect();
        names.sort_unstable();
        names.dedup();
        (names.into_iter())
            .map(|name| {
                let said = latest.get(name).map(|said| Said {
                    level: said.level,
                    summary: said.summary.clone(),
                });
                AgentLine {
                    agent: name.to_owned(),
                    said,
                    locks: (state.leases.held(now))
                        .filter(|(_, lease)| lease.owner == name)
                        .map(|(session, _)| session.to_owned())
                        .collect(),
                    session_id: state
                        .roster
                        .agent(name)
                        .map(|agent| agent.session_id.clone()),
                    is_processing: false,
                    activity: None,
                }
            })
            .collect()
    }
}
