//! What the log says of one session.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::params;
use serde::Deserialize;

use super::history::{History, HistoryError};
use super::row::KeptVerdict;
use crate::gate::Decision;

/// One thing that happened in a session.
#[derive(Clone, Debug)]
pub struct SessionEntry {
    /// When.
    pub at: SystemTime,
    /// The command line.
    pub command: String,
    /// What happened to it.
    pub what: SessionEvent,
}

/// What happens to a command.
#[derive(Clone, Debug)]
pub enum SessionEvent {
    /// It was judged.
    Judged {
        /// What the gate did.
        decision: Decision,
        /// The strictest of the verdicts; `None` while the gate was off.
        verdict: Option<KeptVerdict>,
    },
    /// It has ended.
    Ended {
        /// `None` where the shell does not tell.
        exit_status: Option<i32>,
        /// How long it ran.
        duration: Duration,
    },
}

#[derive(Deserialize)]
struct Judged {
    command: String,
    #[serde(flatten)]
    decision: Decision,
    verdicts: Vec<KeptVerdict>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    command: String,
    exit_status: Option<i32>,
    duration_ms: u64,
}

impl History {
    /// The newest entries about a session, oldest first. Rows that another
    /// version wrote and that cannot be understood are left out.
    pub fn of_session(
        &self,
        session: &str,
        most: usize,
    ) -> Result<Vec<SessionEntry>, HistoryError> {
        let rows = self
            .rows_of(session, most)
            .map_err(|source| self.unreadable(source))?;
        let mut entries: Vec<SessionEntry> = rows
            .into_iter()
            .filter_map(|(time_ms, kind, body)| entry(time_ms, &kind, &body))
            .collect();
        entries.reverse();
        Ok(entries)
    }

    fn rows_of(&self, session: &str, most: usize) -> rusqlite::Result<Vec<(i64, String, String)>> {
        self.connection()
            .prepare_cached(
                "SELECT time_ms, kind, body FROM entries
                 WHERE kind IN ('verdict', 'outcome') AND json_extract(body, '$.session') = ?1
                 ORDER BY sequence DESC LIMIT ?2",
            )?
            .query_map(
                params![session, i64::try_from(most).unwrap_or(i64::MAX)],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?
            .collect()
    }
}

fn entry(time_ms: i64, kind: &str, body: &str) -> Option<SessionEntry> {
    let at = UNIX_EPOCH + Duration::from_millis(time_ms.unsigned_abs());
    match kind {
        "verdict" => {
            let Judged {
                command,
                decision,
                verdicts,
            } = serde_json::from_str(body).ok()?;
            let verdict = verdicts.into_iter().max_by_key(|verdict| verdict.tier);
            Some(SessionEntry {
                at,
                command,
                what: SessionEvent::Judged { decision, verdict },
            })
        }
        _ => {
            let Ended {
                command,
                exit_status,
                duration_ms,
            } = serde_json::from_str(body).ok()?;
            let duration = Duration::from_millis(duration_ms);
            Some(SessionEntry {
                at,
                command,
                what: SessionEvent::Ended {
                    exit_status,
                    duration,
                },
            })
        }
    }
}
