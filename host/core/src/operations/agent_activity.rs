//! What agents' programs in sessions do.

use std::time::Duration;

use quarterdeck_terminal::Until;
use serde::Serialize;
use tokio::sync::watch;

use crate::coding_agents::{Activity, AgentActivity};
use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};

/// What came of an Enter just before is waited for this long, so that a prompt that is
/// about to go is not taken for an end.
const SETTLING_PATIENCE: Duration = Duration::from_secs(1);

/// A command that was not noticed yet is looked for again after so long.
const NEXT_LOOK: Duration = Duration::from_millis(50);

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
    /// What goes on in a session: a command that was given just before has begun by then.
    pub async fn session_activity(&self, id: &SessionId) -> Result<SessionActivity, HostError> {
        let session = self.registry.get(id.as_str())?;
        if let Some(mut watch) = self.coding_agents.watch(&session.id) {
            catch_up(&session, &mut watch).await;
        }
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

/// Waits until what is believed of a shell is not from before a command began.
pub(super) async fn catch_up(session: &Session, watch: &mut watch::Receiver<AgentActivity>) {
    if watch.borrow().program.is_some() {
        return;
    }
    (session.terminal)
        .wait(Until::Settled, None, SETTLING_PATIENCE)
        .await;
    while watch.borrow_and_update().activity == Activity::Idle
        && session.terminal.status().await.is_running()
    {
        let _ = tokio::time::timeout(NEXT_LOOK, watch.changed()).await;
    }
}
