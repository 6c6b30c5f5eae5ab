//! How a session enters the registry and leaves it, who is told, and what of it
//! outlives the host.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::SystemTime;

use quarterdeck_terminal::KeptMarks;
use rusqlite::{OptionalExtension, params};

use crate::clock::{ms_of, now_ms, rfc3339, time_of_ms};
use crate::error::HostError;
use crate::events::{EventBus, LaunchMethod, SessionEnd, SessionStart};
use crate::host::Host;
use crate::progress;
use crate::session::{BackendKind, Session, SessionId};
use crate::store::Store;

/// How finely the store tells when something was typed into a session.
const ACTIVITY_STEP_MS: u64 = 1_000;

/// How long sessions that have ended are kept: 30 days.
const HISTORY_MS: u64 = 30 * 24 * 3_600 * 1_000;

impl Host {
    /// Registers a session that was opened or found. `marks` is kept of one that was
    /// opened, for the host that finds it.
    pub(crate) fn session_begins(
        &self,
        session: &Arc<Session>,
        folder: Option<String>,
        marks: Option<&KeptMarks>,
    ) {
        self.registry.insert(Arc::clone(session));
        self.agents.session_begins(session.id.as_str());
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
        let tags = serde_json::json!(session.tags.list()).to_string();
        let created = ms_of(session.created_at).cast_signed();
        let marks = marks
            .filter(|_| session.backend != BackendKind::Pty)
            .map(KeptMarks::secret);
        self.store.write_later("a session", move |kept| {
            kept.execute(
                "INSERT INTO sessions (id, name, backend, backend_handle, tags, created_ms, last_activity_ms, marks)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET
                     ended_ms = NULL, ending = NULL, backend_handle = excluded.backend_handle",
                params![id, name, backend, handle, tags, created, now_ms().cast_signed(), marks],
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

    /// Something was typed into a session.
    pub(crate) fn session_is_active(&self, session: &Session) {
        let kept = &session.activity_kept_ms;
        if now_ms().abs_diff(kept.load(Ordering::Relaxed)) < ACTIVITY_STEP_MS {
            return;
        }
        kept.store(now_ms(), Ordering::Relaxed);
        let id = session.id.to_string();
        self.store.write_later("a session's activity", move |kept| {
            kept.prepare_cached("UPDATE sessions SET last_activity_ms = ?2 WHERE id = ?1")?
                .execute(params![id, now_ms().cast_signed()])
                .map(drop)
        });
    }

    /// What an earlier host has kept of a session.
    pub(crate) async fn kept_session(
        &self,
        id: &SessionId,
    ) -> Result<Option<KeptSession>, HostError> {
        let id = id.to_string();
        let read = self.store.read(move |kept| {
            let select = "SELECT name, tags, created_ms, marks FROM sessions WHERE id = ?1";
            kept.query_row(select, [id], |row| {
                Ok(KeptSession {
                    name: row.get(0)?,
                    tags: serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default(),
                    created_at: time_of_ms(row.get::<_, i64>(2)?.unsigned_abs()),
                    marks: row
                        .get::<_, Option<String>>(3)?
                        .and_then(|text| KeptMarks::of_secret(&text)),
                })
            })
            .optional()
        });
        read.await.map_err(HostError::from_store)
    }

    /// Sessions that died with the host before this one, the longest idle first.
    pub fn lost_sessions(&self) -> &[LostSession] {
        self.lost_sessions.get().map_or(&[], Vec::as_slice)
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
        self.agents.session_ended(id.as_str());
        self.coding_agents.forget(id);
        let id = session.id.to_string();
        self.store.write_later("a session's end", move |kept| {
            kept.execute(
                "UPDATE sessions SET ended_ms = ?2, ending = 'closed' WHERE id = ?1",
                params![id, now_ms().cast_signed()],
            )
            .map(drop)
        });
        tell_end(&session, &self.events);
        Some(session)
    }
}

/// Tells that a session is over, with its program or by being closed: once.
pub(crate) fn tell_end(session: &Session, events: &EventBus) {
    if session.end_told.swap(true, Ordering::Relaxed) {
        return;
    }
    let now = SystemTime::now();
    events.publish(SessionEnd {
        session_id: session.id.to_string(),
        end_time: rfc3339(now),
        duration_seconds: now
            .duration_since(session.created_at)
            .unwrap_or_default()
            .as_secs_f64(),
    });
}

/// A session that died with an earlier host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostSession {
    /// The id that it had.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When something was last typed into it, as far as was kept.
    pub last_activity: SystemTime,
}

/// What is kept of a session that was found again.
pub(crate) struct KeptSession {
    pub(crate) name: String,
    pub(crate) tags: Vec<String>,
    pub(crate) created_at: SystemTime,
    pub(crate) marks: Option<KeptMarks>,
}

/// The sessions that the host before this one has left to die. Filled once, when
/// the store has been brought up to date.
pub(crate) type LostSessions = Arc<OnceLock<Vec<LostSession>>>;

/// Sessions on pseudo-terminals died with the host that had them; others with the
/// machine, or they were not heard of for so long that nobody waits for them. A session
/// that is found all the same is one that lives. Forgets those that ended long ago.
pub(crate) fn mark_lost(store: &Store) -> LostSessions {
    let lost = LostSessions::default();
    let found = Arc::clone(&lost);
    store.write_later("which sessions were lost", move |kept| {
        let before = now_ms().saturating_sub(HISTORY_MS).cast_signed();
        kept.execute("DELETE FROM sessions WHERE ended_ms < ?1", [before])?;
        let mut newly_lost = kept
            .prepare(
                "UPDATE sessions SET ended_ms = last_activity_ms, ending = 'lost'
                 WHERE ended_ms IS NULL AND backend = 'pty'
                 RETURNING id, name, last_activity_ms",
            )?
            .query_map([], |row| {
                Ok(LostSession {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    last_activity: time_of_ms(row.get::<_, i64>(2)?.unsigned_abs()),
                })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        kept.execute(
            "UPDATE sessions SET ended_ms = ?1, ending = 'lost'
             WHERE ended_ms IS NULL AND (created_ms < ?2 OR last_activity_ms < ?3)",
            params![now_ms().cast_signed(), booted_ms(), before],
        )?;
        newly_lost.sort_by_key(|session| session.last_activity);
        // Nobody else sets it.
        let _ = found.set(newly_lost);
        Ok(())
    });
    lost
}

/// When this machine was started; the beginning of time where the system does not tell.
fn booted_ms() -> i64 {
    // Clocks are set, by a little.
    const INEXACT_MS: i64 = 60_000;
    let told = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let seconds = (told.lines().find_map(|line| line.strip_prefix("btime ")))
        .and_then(|seconds| seconds.trim().parse::<i64>().ok());
    seconds.map_or(0, |seconds| seconds.saturating_mul(1000) - INEXACT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_died_with_the_machine_does_not_outlive_its_host() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(&folder.path().join("state.db")).expect("a store");
        let now = now_ms().cast_signed();
        let long_ago = now - HISTORY_MS.cast_signed() - 1_000;
        let rows = [
            ("here", "pty", now, now),
            ("kept", "tmux", now, now),
            ("before", "tmux", 1_000, now),
            ("silent", "iterm2", now, long_ago),
        ];
        let written = store.write(move |kept| {
            for (id, backend, created, active) in rows {
                kept.execute(
                    "INSERT INTO sessions (id, name, backend, tags, created_ms, last_activity_ms)
                     VALUES (?1, ?1, ?2, '[]', ?3, ?4)",
                    params![id, backend, created, active],
                )?;
            }
            Ok(())
        });
        written.await.expect("written");
        let lost = mark_lost(&store);
        let living = store.write(|kept| {
            let query = "SELECT id FROM sessions WHERE ended_ms IS NULL";
            let mut living = kept.prepare(query)?;
            let ids = living.query_map([], |row| row.get::<_, String>(0))?;
            ids.collect::<rusqlite::Result<Vec<_>>>()
        });
        let living = living.await.expect("read");
        match booted_ms() {
            0 => assert_eq!(living, ["kept", "before"], "nobody tells"),
            _ => assert_eq!(living, ["kept"]),
        }
        let told: Vec<&str> = lost
            .get()
            .expect("found")
            .iter()
            .map(|it| it.id.as_str())
            .collect();
        assert_eq!(told, ["here"]);
    }
}
