//! Ending a session.

use std::time::SystemTime;

use crate::error::HostError;
use crate::host::Host;

impl Host {
    /// Ends a session with everything that runs in it; returns when it is over.
    pub async fn close_session(&self, id: &str) -> Result<SystemTime, HostError> {
        let session = self.registry.get(id)?;
        self.session_ends(&session.id);
        session.terminal.close().await;
        Ok(SystemTime::now())
    }
}
