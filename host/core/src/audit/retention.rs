//! Taking the oldest rows off, where the configuration wants the log to have an end.
//!
//! The chain begins anew behind the last row that was taken off, its *anchor*. A row that
//! stays in the chain tells of it, so that rows are not missed in silence: verifying
//! looks for that row, and says from where on the chain holds.

use std::path::Path;
use std::sync::Weak;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::appending::{Appended, NewRow, append_in_transaction};
use super::chain::RowHash;
use super::{AuditError, AuditLog, EntryKind, VERSION, connect, version};
use crate::clock::{now_ms, rfc3339};

/// Rows that are taken off at once: no command waits longer than that takes.
const AT_ONCE: i64 = 2_000;

/// How long a host has run when it looks at the log first: none that runs one command
/// spends its time on that.
const FIRST_LOOK: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_secs(3_600);

/// How much of the audit log is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Rows that are older go; `None`: none for its age.
    pub age: Option<Duration>,
    /// As many bytes as the log may take, about; `None`: as many as there are.
    pub bytes: Option<u64>,
}

/// Where the chain begins, if not with its first row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The last row that was taken off.
    pub sequence: i64,
    /// When it was written, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    pub(super) hash: RowHash,
}

/// The body of the row that tells of rows that were taken off.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shortened {
    /// The last of them.
    up_to: i64,
    /// When it was written, as text.
    until: String,
    /// Its hash in hexadecimal, on which the chain builds from here on.
    hash: String,
}

impl Anchor {
    /// When the last row that was taken off had been written.
    pub fn at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.time_ms.unsigned_abs())
    }

    fn told(&self) -> Shortened {
        Shortened {
            up_to: self.sequence,
            until: rfc3339(self.at()),
            hash: self.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// Where the chain of this log begins; `None`: with its first row.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        // No earlier version takes anything off.
        if version(connection)? < VERSION {
            return Ok(None);
        }
        connection
            .prepare("SELECT sequence, time_ms, hash FROM anchor")?
            .query_row([], |row| {
                Ok(Self {
                    sequence: row.get(0)?,
                    time_ms: row.get(1)?,
                    hash: row.get(2)?,
                })
            })
            .optional()
    }

    /// Whether this row is the one that tells of it.
    pub(super) fn is_told_by(&self, kind: &str, body: &str) -> bool {
        kind == EntryKind::Shortened.as_str()
            && serde_json::from_str::<Shortened>(body).is_ok_and(|told| told == self.told())
    }
}

impl Retention {
    /// Whether anything is ever taken off.
    pub fn has_end(&self) -> bool {
        *self != Self::default()
    }
}

impl AuditLog {
    /// Takes off what is kept no longer, piece by piece, and returns how many rows that
    /// were. Other hosts and commands go on writing meanwhile.
    pub fn shorten(&self, retention: Retention) -> Result<u64, AuditError> {
        let mut gone = 0;
        // What is written meanwhile stays: not least the rows that tell of it.
        let last = {
            let connection = self.appender.connection();
            newest(&connection).map_err(|source| self.failed(source))?
        };
        loop {
            match self.shorten_once(retention, last)? {
                0 => return Ok(gone),
                rows => gone += rows,
            }
        }
    }

    fn shorten_once(&self, retention: Retention, last: i64) -> Result<u64, AuditError> {
        let failed = |source| self.failed(source);
        let connection = self.connection_for_shortening().map_err(failed)?;
        let moment = rusqlite::Transaction::new_unchecked(
            &connection,
            rusqlite::TransactionBehavior::Immediate,
        )
        .map_err(failed)?;
        let Some(anchor) = next_anchor(&moment, retention, last).map_err(failed)? else {
            return Ok(0);
        };
        let told = NewRow::now(EntryKind::Shortened, &anchor.told())?;
        match append_in_transaction(&moment, &[told]).map_err(failed)? {
            Appended::Row(_) => {}
            Appended::Cut { found, written } => {
                return Err(AuditError::Cut {
                    path: self.path().to_owned(),
                    found,
                    written,
                });
            }
        }
        let rows = take_off(&moment, &anchor).map_err(failed)?;
        moment.commit().map_err(failed)?;
        Ok(rows)
    }

    /// A connection of its own: what this host appends meanwhile waits for one piece only.
    fn connection_for_shortening(&self) -> rusqlite::Result<Connection> {
        connect(Path::new(self.path()))
    }
}

/// The last row of the next piece that is kept no longer.
fn next_anchor(
    connection: &Connection,
    retention: Retention,
    last: i64,
) -> rusqlite::Result<Option<Anchor>> {
    let first: Option<i64> =
        connection.query_row("SELECT min(sequence) FROM entries", [], |row| row.get(0))?;
    let Some(first) = first.filter(|first| *first <= last) else {
        return Ok(None);
    };
    let too_old = match retention.age {
        Some(age) => {
            let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
            let since = i64::try_from(now_ms())
                .unwrap_or(i64::MAX)
                .saturating_sub(age);
            let kept: Option<i64> = connection
                .prepare(
                    "SELECT sequence FROM entries WHERE time_ms >= ?1 ORDER BY sequence LIMIT 1",
                )?
                .query_row([since], |row| row.get(0))
                .optional()?;
            kept.map_or(last, |kept| kept - 1)
        }
        None => first - 1,
    };
    let too_many = match retention.bytes {
        Some(bytes) => first - 1 + rows_over(connection, bytes, newest(connection)? - first + 1)?,
        None => first - 1,
    };
    let up_to = too_old.max(too_many).min(first - 1 + AT_ONCE).min(last);
    connection
        .prepare(
            "SELECT sequence, time_ms, hash FROM entries WHERE sequence = ?1 AND sequence >= ?2",
        )?
        .query_row(params![up_to, first], |row| {
            Ok(Anchor {
                sequence: row.get(0)?,
                time_ms: row.get(1)?,
                hash: row.get(2)?,
            })
        })
        .optional()
}

/// The number of the last row; 0 for none.
fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    let newest: Option<i64> =
        connection.query_row("SELECT max(sequence) FROM entries", [], |row| row.get(0))?;
    Ok(newest.unwrap_or_default())
}

/// How many of so many rows are more than fit, were all of the same size.
fn rows_over(connection: &Connection, bytes: u64, rows: i64) -> rusqlite::Result<i64> {
    let pragma = |name: &str| {
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
    };
    let used = (pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?;
    let limit = i64::try_from(bytes).unwrap_or(i64::MAX);
    if used <= limit {
        return Ok(0);
    }
    let each = (used / rows).max(1);
    Ok(((used - limit) / each).max(1))
}

/// Takes off what lies before the anchor, and it. The table is append-only again
/// afterwards; earlier versions, which would miss the rows, do not open it.
fn take_off(connection: &Connection, anchor: &Anchor) -> rusqlite::Result<u64> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS anchor (
             one INTEGER PRIMARY KEY CHECK (one = 1),
             sequence INTEGER NOT NULL,
             time_ms INTEGER NOT NULL,
             hash BLOB NOT NULL
         ) STRICT;
         DROP TRIGGER IF EXISTS entries_are_not_deleted;",
    )?;
    let rows = connection.execute(
        "DELETE FROM entries WHERE sequence <= ?1",
        [anchor.sequence],
    )?;
    connection.execute(
        "INSERT OR REPLACE INTO anchor (one, sequence, time_ms, hash) VALUES (1, ?1, ?2, ?3)",
        params![anchor.sequence, anchor.time_ms, anchor.hash],
    )?;
    connection.execute_batch(&format!(
        "{}; PRAGMA user_version = {VERSION};",
        super::NOT_DELETED
    ))?;
    Ok(rows as u64)
}

/// Takes off what is kept no longer, now and then, for as long as somebody has the log.
pub(crate) async fn keep_short(log: Weak<AuditLog>, retention: Retention) {
    let first = tokio::time::Instant::now() + FIRST_LOOK;
    let mut look = tokio::time::interval_at(first, BETWEEN_LOOKS);
    loop {
        look.tick().await;
        let Some(log) = log.upgrade() else {
            return;
        };
        let shortened = tokio::task::spawn_blocking(move || log.shorten(retention)).await;
        match shortened {
            Ok(Ok(0)) => {}
            Ok(Ok(rows)) => tracing::info!(rows, "old rows were taken off the audit log"),
            Ok(Err(error)) => tracing::warn!("old rows stay in the audit log: {error}"),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}
