//! How a session enters the registry and leaves it, who is told, and what of it
//! outlives the host.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use rusqlite::params;

use crate::clock::{now_ms, rfc3339};
use crate::error::HostError;
use crate::events::{LaunchMethod, SessionEnd, SessionStart};
use crate::host::Host;
use crate::progress;
use crate::session::{Session, SessionId};
use crate::store::Store;

impl Host {
    /// Registers a session that was opened or found.
    pub(crate) fn session_begins(&self, session: &Arc<Session>, folder: Option<String>) {
        self.registry.insert(Arc::clone(session));
        self.monitor.wake();
        let (host, facts) = (Weak::clone(&self.this), session.facts());
        let terminal = session.terminal.clone();
        tokio::spawn(async move {
            let follower = terminal.follow().await;
            // The last handle of a terminal closes it: none is kept here.
            drop(terminal);
            progress::follow(host, facts, follower).await;
        });
        let (id, name) = (session.id.to_string(), session.name.clone());
        let backend = session.backend.as_str();
        let handle = session.terminal.backend_handle();
        let tags = serde_json::json!(session.tags).to_string();
        self.store.write_later("a session", move |kept| {
            kept.execute(
                "INSERT INTO sessions (id, name, backend, backend_handle, tags, created_ms, last_activity_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
                 ON CONFLICT (id) DO UPDATE SET
                     ended_ms = NULL, ending = NULL, backend_handle = excluded.backend_handle",
                params![id, name, backend, handle, tags, now_ms().cast_signed()],
            )
            .map(drop)
        });
        self.events.publish(SessionStart {
            session_id: session.id.to_string(),
            name: session.name.clone(),
            start_time: rfc3339(session.created_at),
            launch_method: LaunchMethod::Subprocess,
            working_directory: folder,
        });
        self.coding_agents.follow(session);
    }

    /// Whether a session of an earlier host goes on without it, as far as is kept.
    pub(crate) async fn outlives_its_host(&self, id: &str) -> Result<bool, HostError> {
        let id = id.to_owned();
        let lives = self.store.read(move |kept| {
            let living = "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1 AND ended_ms IS NULL AND backend <> 'pty')";
            kept.query_row(living, [id], |row| row.get(0))
        });
        lives.await.map_err(HostError::from_store)
    }

    /// Takes a session out of the registry; `None` if it is not there any more.
    /// Its terminal is the caller's to close.
    pub(crate) fn session_ends(&self, id: &SessionId) -> Option<Arc<Session>> {
        let session = self.registry.remove(id)?;
        let now = SystemTime::now();
        let id = session.id.to_string();
        self.store.write_later("a session's end", move |kept| {
            kept.execute(
                "UPDATE sessions SET ended_ms = ?2, ending = 'closed' WHERE id = ?1",
                params![id, now_ms().cast_signed()],
            )
            .map(drop)
        });
        self.events.publish(SessionEnd {
            session_id: session.id.to_string(),
            end_time: rfc3339(now),
            duration_seconds: now
                .duration_since(session.created_at)
                .unwrap_or_default()
                .as_secs_f64(),
        });
        Some(session)
    }
}

/// Sessions on pseudo-terminals died with the host that had them.
pub(crate) fn mark_lost(store: &Store) {
    store.write_later("which sessions were lost", |kept| {
        kept.execute(
            "UPDATE sessions SET ended_ms = last_activity_ms, ending = 'lost'
             WHERE ended_ms IS NULL AND backend = 'pty'",
            [],
        )
        .map(drop)
    });
}
