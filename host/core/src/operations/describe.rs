//! What is known of one session without measuring it.

use quarterdeck_terminal::Size;

use crate::error::HostError;
use crate::host::Host;
use crate::session::{BackendKind, Session, SessionId};

/// A session in a few words.
#[derive(Clone, Debug)]
pub struct SessionDescription {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
    /// What carries it.
    pub backend: BackendKind,
    /// The program that it was opened with.
    pub program: String,
    /// The screen's size.
    pub size: Size,
    /// Whether its program has ended.
    pub ended: bool,
}

impl Host {
    /// Describes one session.
    pub async fn describe_session(&self, id: &str) -> Result<SessionDescription, HostError> {
        Ok(describe(&*self.registry.get(id)?).await)
    }

    /// Describes all sessions, oldest first.
    pub async fn describe_sessions(&self) -> Vec<SessionDescription> {
        let sessions = self.registry.all();
        futures_util::future::join_all(sessions.iter().map(|session| describe(session))).await
    }
}

async fn describe(session: &Session) -> SessionDescription {
    let status = session.terminal.status().await;
    SessionDescription {
        id: session.id.clone(),
        name: session.name.clone(),
        backend: session.backend,
        program: session.program.clone(),
        size: status.size,
        ended: status.has_ended(),
    }
}
