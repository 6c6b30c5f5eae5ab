//! How a session enters the registry and leaves it, who is told, and what of it
//! outlives the host.

use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::params;

use crate::clock::{now_ms, rfc3339};
use crate::events::Happening;
use crate::host::Host;
use crate::session::{Session, SessionId};
use crate::store::Store;

impl Host {
    /// Registers a session that was opened or found.
    pub(crate) fn session_begins(&self, session: &Arc<Session>, folder: Option<String>) {
        self.registry.insert(Arc::clone(session));
        let (id, name) = (session.id.to_string(), session.name.clone());
        let backend = session.backend.as_str();
        let tags = serde_json::json!(session.tags.list()).to_string();
        self.store.write_later("a session", move |kept| {
            kept.execute(
                "INSERT INTO sessions (id, name, backend, tags, created_ms, last_activity_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                 ON CONFLICT (id) DO UPDATE SET ended_ms = NULL, ending = NULL",
                params![id, name, backend, tags, now_ms().cast_signed()],
            )
            .map(drop)
        });
        self.events.publish(Happening::SessionStart {
            session_id: session.id.to_string(),
            name: session.name.clone(),
            start_time: rfc3339(session.created_at),
            launch_method: "subprocess",
            working_directory: folder,
        });
    }

    /// Takes a session out of the registry; `None` if it is not there any more.
    /// Its terminal is the caller's to close.
    pub(crate) fn session_ends(&self, id: &SessionId) -> Option<Arc<Session>> {
        let session = self.registry.remove(id)?;
        self.agents.session_ended(id.as_str());
        let now = SystemTime::now();
        let id = session.id.to_string();
        self.store.write_later("a session's end", move |kept| {
            kept.execute(
                "UPDATE sessions SET ended_ms = ?2, ending = 'closed' WHERE id = ?1",
                params![id, now_ms().cast_signed()],
            )
            .map(drop)
        });
        self.events.publish(Happening::SessionEnd {
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
