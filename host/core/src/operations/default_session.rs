//! The session that a call uses which names none.

use std::sync::{Arc, Weak};

use super::CreateSession;
use crate::caller::{Caller, ConnectionId};
use crate::default_sessions::close_when_unused;
use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};

impl Host {
    /// The session with this id, or the caller's default session, opened when it
    /// is first needed and again when its shell has ended.
    pub(crate) async fn session_or_default(
        &self,
        id: Option<&str>,
        caller: &Caller,
    ) -> Result<Arc<Session>, HostError> {
        if let Some(id) = id {
            return self.registry.get(id);
        }
        let turn = self.defaults.turn_of(&caller.connection).await;
        let former = turn.session();
        if let Some(id) = &former
            && let Ok(session) = self.registry.get(id.as_str())
            && !session.terminal.place().await.has_ended
        {
            return Ok(session);
        }
        let opened = self
            .open(CreateSession {
                name: Some("default".to_owned()),
                backend: caller.backend,
                working_directory: caller.folder.clone(),
                ..CreateSession::default()
            })
            .await?;
        turn.settle(&opened.id).map_err(|_| {
            HostError::Internal("the connection has ended, and its session with it".to_owned())
        })?;
        let session = opened.keep();
        // What looks after the former one looks after this one, too.
        if caller.connection.stands_alone() && former.is_none() {
            tokio::spawn(close_when_unused(
                Weak::clone(&self.this),
                caller.connection.clone(),
                self.sessions.default_idle,
            ));
        }
        Ok(session)
    }

    /// The id of the session that a call without one would use, opened if need be; or
    /// the one that was given, if it exists.
    pub async fn session_of(
        &self,
        id: Option<&str>,
        caller: &Caller,
    ) -> Result<SessionId, HostError> {
        let session = self.session_or_default(id, caller).await?;
        Ok(session.id.clone())
    }

    /// Closes what a connection leaves behind: its default session, unless a
    /// command still runs there.
    pub async fn connection_ended(&self, connection: &ConnectionId) {
        self.agents.connection_ended(connection);
        let Some(id) = self.defaults.end(connection) else {
            return;
        };
        let Ok(session) = self.registry.get(id.as_str()) else {
            return;
        };
        if !session.terminal.status().await.is_running() {
            self.session_ends(&id);
            session.terminal.close().await;
        }
    }
}
