//! Ending a session.

use std::time::SystemTime;

use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;

impl Host {
    /// Ends a session with everything that runs in it, unless it is locked against the
    /// caller; returns when it is over.
    pub async fn close_session(&self, id: &str, caller: &Caller) -> Result<SystemTime, HostError> {
        let session = self.registry.get(id)?;
        self.agents.may_end(&session.id, caller)?;
        self.end_session(id).await
    }

    /// Ends a session of the host's own, whoever has locked it.
    pub(crate) async fn end_session(&self, id: &str) -> Result<SystemTime, HostError> {
        let session = self.registry.get(id)?;
        self.session_ends(&session.id);
        session.terminal.close().await;
        Ok(SystemTime::now())
    }
}
