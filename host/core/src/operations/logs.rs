//! What was judged in a session and what came of it, from the audit log.

use std::sync::Arc;

use crate::audit::{History, SessionEntry};
use crate::error::HostError;
use crate::host::Host;

/// Entries told at once, at most.
const MOST: usize = 1_000;

impl Host {
    /// The newest entries about a session, oldest first, also once it has ended.
    pub async fn session_log(&self, id: &str, most: usize) -> Result<Vec<SessionEntry>, HostError> {
        let session =
            (self.registry.get(id)).map_or_else(|_| id.to_owned(), |it| it.id.to_string());
        let audit = Arc::clone(self.gate.audit());
        let read = move || {
            audit.catch_up();
            History::open(audit.path())?.of_session(&session, most.min(MOST))
        };
        let entries = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| HostError::Internal(error.to_string()))?
            .map_err(|error| HostError::Internal(error.to_string()))?;
        if entries.is_empty() {
            // A session without entries may be there all the same.
            self.registry.get(id)?;
        }
        Ok(entries)
    }
}
