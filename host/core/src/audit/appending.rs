//! Adding rows: those that somebody waits for, and those that ride along.
//!
//! A row costs a transaction. What a command came to is not waited for by whoever asked
//! for it: it is written with the next row, or by the log's own thread, whichever is first.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::chain::{GENESIS, RowHash, row_hash};
use super::identity::Identity;
use super::{AuditError, EntryKind};
use crate::clock::now_ms;

/// Rows between two checkpoints.
const CHECKPOINT_EVERY: u64 = 1000;

/// A row that is to be written.
pub(super) struct NewRow {
    kind: EntryKind,
    time_ms: i64,
    body: String,
}

impl NewRow {
    pub(super) fn now(kind: EntryKind, body: &impl Serialize) -> Result<Self, AuditError> {
        Ok(Self {
            kind,
            time_ms: i64::try_from(now_ms()).unwrap_or(i64::MAX),
            body: serde_json::to_string(body)?,
        })
    }
}

/// Who writes. Owns the connection, which is locked for one transaction, and the rows that
/// nobody waits for.
pub(super) struct Appender {
    path: PathBuf,
    /// Which file `connection` has open.
    identity: Identity,
    connection: Mutex<Connection>,
    /// Oldest first; taken by whoever holds the connection.
    riding_along: Mutex<Vec<NewRow>>,
    since_checkpoint: AtomicU64,
}

impl Appender {
    pub(super) fn new(path: PathBuf, connection: Connection) -> Self {
        Self {
            identity: Identity::of(&path),
            path,
            connection: Mutex::new(connection),
            riding_along: Mutex::default(),
            since_checkpoint: AtomicU64::new(0),
        }
    }

    /// A poisoned lock means that another thread panicked between two statements; SQLite
    /// has rolled its transaction back, so the connection is still good.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    /// Adds a row, behind what rides along, and returns its number.
    fn append(&self, row: NewRow) -> Result<i64, AuditError> {
        let connection = self.connection();
        let mut rows = self.take_riding_along();
        rows.push(row);
        self.write(&connection, &rows).inspect_err(|_| {
            rows.pop();
            self.put_back(rows);
        })
    }

    /// Writes what rides along, if nobody took it with them meanwhile.
    fn catch_up(&self) -> Result<(), AuditError> {
        let connection = self.connection();
        let rows = self.take_riding_along();
        if rows.is_empty() {
            return Ok(());
        }
        match self.write(&connection, &rows) {
            Ok(_) => Ok(()),
            Err(error) => {
                self.put_back(rows);
                Err(error)
            }
        }
    }

    /// The same. The commands ran, and their verdicts stand: whoever asked for them was told
    /// how they ended also where that cannot be written down, as when one has filled the
    /// disk. The next command is refused then.
    pub(super) fn catch_up_or_tell(&self) {
        if let Err(error) = self.catch_up() {
            tracing::error!(
                "what commands came to is not in the audit log {}: {error}",
                self.path.display()
            );
        }
    }

    fn take_riding_along(&self) -> Vec<NewRow> {
        std::mem::take(&mut *lock(&self.riding_along))
    }

    /// What could not be written goes with the next row.
    fn put_back(&self, rows: Vec<NewRow>) {
        lock(&self.riding_along).splice(..0, rows);
    }

    /// Writes rows in one transaction and returns the number of the last.
    fn write(&self, connection: &Connection, rows: &[NewRow]) -> Result<i64, AuditError> {
        if Identity::of(&self.path) != self.identity {
            return Err(AuditError::Gone {
                path: self.path.clone(),
            });
        }
        match append_rows(connection, rows) {
            Ok(Appended::Row(last)) => {
                let appended = rows.len() as u64;
                self.since_checkpoint.fetch_add(appended, Ordering::Relaxed);
                Ok(last)
            }
            Ok(Appended::Cut { found, written }) => Err(AuditError::Cut {
                path: self.path.clone(),
                found,
                written,
            }),
            Err(source) => Err(AuditError::Database {
                path: self.path.clone(),
                source,
            }),
        }
    }

    fn is_checkpoint_due(&self) -> bool {
        self.since_checkpoint.load(Ordering::Relaxed) >= CHECKPOINT_EVERY
    }

    /// Has the disk's own cache flushed. On a connection of its own, so that nobody who
    /// appends waits for the disk.
    fn checkpoint(&self) {
        self.since_checkpoint.store(0, Ordering::Relaxed);
        let done = Connection::open(&self.path)
            .and_then(|it| it.execute_batch("PRAGMA wal_checkpoint(PASSIVE);"));
        if let Err(error) = done {
            tracing::warn!(%error, "the audit log could not be checkpointed");
        }
    }
}

/// The thread that does what nobody waits for. When this is dropped, it does the rest and
/// ends.
pub(super) struct Writer {
    appender: Arc<Appender>,
    /// One signal is enough for all that there is to be done. `None` once it is to end.
    wake: Option<mpsc::SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(appender: Arc<Appender>) -> Self {
        let (wake, wanted) = mpsc::sync_channel(1);
        let spawned = std::thread::Builder::new().name("audit-writer".into());
        let work = {
            let appender = Arc::clone(&appender);
            move || work(&appender, &wanted)
        };
        let thread = spawned.spawn(work).inspect_err(|error| {
            tracing::warn!(%error, "no thread for the audit log: its write-ahead log will grow");
        });
        Self {
            appender,
            wake: Some(wake),
            thread: thread.ok(),
        }
    }

    /// Adds a row and returns its number.
    pub(super) fn append(&self, kind: EntryKind, body: &impl Serialize) -> Result<i64, AuditError> {
        let sequence = self.appender.append(NewRow::now(kind, body)?)?;
        if self.appender.is_checkpoint_due() {
            self.wake();
        }
        Ok(sequence)
    }

    /// Has a row added with the next one, or within moments.
    pub(super) fn append_soon(
        &self,
        kind: EntryKind,
        body: &impl Serialize,
    ) -> Result<(), AuditError> {
        lock(&self.appender.riding_along).push(NewRow::now(kind, body)?);
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            // A full queue means that the thread has a signal to come to already.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told when it happened.
            let _ = thread.join();
        }
        self.appender.catch_up_or_tell();
    }
}

fn work(appender: &Appender, wanted: &mpsc::Receiver<()>) {
    while wanted.recv().is_ok() {
        appender.catch_up_or_tell();
        if appender.is_checkpoint_due() {
            appender.checkpoint();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of rows that were to be added.
pub(super) enum Appended {
    /// The number of the last.
    Row(i64),
    /// Nothing: the last row is not the one that was written last.
    Cut {
        /// The last row that is there.
        found: i64,
        /// The last row that was written.
        written: i64,
    },
}

fn append_rows(connection: &Connection, rows: &[NewRow]) -> rusqlite::Result<Appended> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let appended = append_in_transaction(connection, rows);
    // What a row costs every command waits for: even these are compiled once only.
    let end = match appended {
        Ok(Appended::Row(_)) => "COMMIT",
        _ => "ROLLBACK",
    };
    let ended = connection.prepare_cached(end)?.execute([]);
    if ended.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    let appended = appended?;
    ended?;
    Ok(appended)
}

/// Adds rows behind the newest, in a transaction that the caller began and ends.
pub(super) fn append_in_transaction(
    connection: &Connection,
    rows: &[NewRow],
) -> rusqlite::Result<Appended> {
    let (mut sequence, mut newest) = connection
        .prepare_cached("SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1")?
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, RowHash>(1)?))
        })
        .optional()?
        .unwrap_or((0, GENESIS));
    let (written, written_hash) = connection
        .prepare_cached("SELECT sequence, hash FROM head")?
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, RowHash>(1)?))
        })
        .optional()?
        .unwrap_or((i64::MAX, GENESIS));
    if (written, written_hash) != (sequence, newest) {
        return Ok(Appended::Cut {
            found: sequence,
            written,
        });
    }
    for row in rows {
        sequence += 1;
        let (kind, time_ms) = (row.kind.as_str(), row.time_ms);
        newest = row_hash(&newest, sequence, time_ms, kind, &row.body);
        connection
            .prepare_cached(
                "INSERT INTO entries (sequence, time_ms, kind, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![sequence, time_ms, kind, row.body, newest])?;
    }
    connection
        .prepare_cached("UPDATE head SET sequence = ?1, hash = ?2")?
        .execute(params![sequence, newest])?;
    Ok(Appended::Row(sequence))
}
