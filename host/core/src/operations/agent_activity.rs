//! What agents' programs in sessions do.

use serde::Serialize;

use crate::coding_agents::AgentActivity;
use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};

/// A session, and what its agent's program does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionActivity {
    /// The session.
    pub session_id: String,
    /// Its name.
    pub session_name: String,
    /// The agent that is registered for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What goes on there.
    #[serde(flatten)]
    pub now: AgentActivity,
}

impl Host {
    /// What goes on in a session, as it was looked at last.
    pub fn session_activity(&self, id: &SessionId) -> Result<SessionActivity, HostError> {
        let session = self.registry.get(id.as_str())?;
        self.activity_in(&session)
            .ok_or_else(|| HostError::SessionNotFound(id.to_string()))
    }

    /// The sessions in which a program of an agent runs or has ended, oldest first.
    pub fn agent_activities(&self) -> Vec<SessionActivity> {
        let sessions = self.registry.all();
        (sessions.iter())
            .filter_map(|session| self.activity_in(session))
            .filter(|it| it.now.program.is_some() || it.agent.is_some())
            .collect()
    }

    pub(crate) fn activity_in(&self, session: &Session) -> Option<SessionActivity> {
        let agent = self.agents.agent_of(session.id.as_str());
        Some(SessionActivity {
            session_id: session.id.to_string(),
            session_name: session.name.clone(),
            agent: agent.map(|agent| agent.name),
            now: self.coding_agents.activity(&session.id)?,
        })
    }
}
