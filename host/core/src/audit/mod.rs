//! The audit log: every verdict, approval and outcome, append-only and
//! hash-chained, in SQLite.
//!
//! [`AuditLog`] writes it; [`History`] reads it back, as commands that can be put
//! to a policy again ([`PolicyDiff`]).
//!
//! Several hosts of one user may write to one file. Each append is a
//! transaction that reads the newest hash and adds a row, so the chain holds
//! whoever writes. Rows are in the write-ahead log when `append` returns; the
//! disk's own cache is flushed at checkpoints, by a thread of the log's own, so
//! that no command waits for it.

mod chain;
mod change;
mod diff;
mod history;
mod identity;
mod of_session;
mod retention;
mod row;
mod rows;
mod shadows;
mod since;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde::Serialize;

use chain::{GENESIS, RowHash, row_hash, verify_chain};
use identity::Identity;

use crate::clock::now_ms;
use crate::store::{StoreError, lock_shared};
pub use change::{Change, ChangeKind};
pub use diff::{ChangedVerdict, DecidedBy, DiffError, PolicyDiff};
pub use history::{History, HistoryError, PastCommand, Scope};
pub use of_session::{SessionEntry, SessionEvent};
pub(crate) use retention::keep_short;
pub use retention::{Anchor, Retention};
pub use row::KeptVerdict;
pub(crate) use row::VerdictRow;
pub use rows::{AuditRow, RowFilter, RowSummary};
pub use shadows::{ShadowDifference, ShadowRecord};
pub use since::{NoMoment, Since};
pub(crate) use since::{age, fixed_moment};

/// Rows between two checkpoints.
const CHECKPOINT_EVERY: u64 = 1000;

/// Another host's write is waited for this long.
const BUSY_PATIENCE: Duration = Duration::from_secs(2);

/// Of the file's tables. Only a log of which rows were taken off has the newest, which
/// has the table `anchor`.
const VERSION: i64 = 3;
/// The one that every log has at least, with the table `head`.
const HEAD_VERSION: i64 = 2;

/// Rows stay.
const NOT_DELETED: &str = "CREATE TRIGGER IF NOT EXISTS entries_are_not_deleted
     BEFORE DELETE ON entries
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END";

/// What an audit row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A command line was judged.
    Verdict,
    /// A command that was let through ended.
    Outcome,
    /// A person said yes or no.
    Approval,
    /// A secret was typed; not which.
    Secret,
    /// An allow rule let a command through.
    AllowRule,
    /// What commands are judged by was changed.
    Change,
    /// The oldest rows were taken off.
    Shortened,
}

impl EntryKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Outcome => "outcome",
            Self::Approval => "approval",
            Self::Secret => "secret",
            Self::AllowRule => "allow-rule",
            Self::Change => "change",
            Self::Shortened => "shortened",
        }
    }
}

/// A failure of the audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be opened or made.
    #[error("cannot open the audit log {}: {source}; {}", .path.display(), crate::store::advice(.source))]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A backup is put in the file's place.
    #[error("the audit log {} is being replaced by a backup; start again when that is done", .path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The file's lock cannot be had.
    #[error(transparent)]
    Lock(StoreError),
    /// A later version made the file.
    #[error(
        "the audit log {} has version {found}, and this program knows versions up to {VERSION}: use the newer program, or move the file away to begin a new one", .path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// A row cannot be written or read.
    #[error(
        "the audit log {} cannot be used: {source}; free the disk or repair the file, then try again", .path.display()
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file was deleted or moved while it was open: what is written now would be
    /// lost.
    #[error(
        "the audit log {} is not the file any more that this host has open, because somebody deleted or moved it; put it back, or restart the host to begin a new one", .path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// Rows were taken off the end. Another one in their place would hide that.
    #[error(
        "the audit log {} ends with row {found}, but row {written} was written; see `quarterdeck audit verify`, keep the file elsewhere, and restart the host to begin a new one", .path.display()
    )]
    Cut {
        /// Where it is.
        path: PathBuf,
        /// The last row that is there; 0 for none.
        found: i64,
        /// The last row that was written.
        written: i64,
    },
    /// A row's text cannot be made.
    #[error("an audit row cannot be written as JSON: {0}")]
    Encode(#[from] serde_json::Error),
}

/// The first place where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Sequence number of the row that does not fit.
    pub sequence: i64,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// A chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// How many rows it has.
    pub rows: u64,
    /// What it builds on, where its oldest rows were taken off.
    pub from: Option<Anchor>,
}

/// The open log. Owns the connection; callers share it behind one lock, held
/// for one insert.
pub struct AuditLog {
    path: PathBuf,
    /// Which file `connection` has open.
    identity: Identity,
    connection: Mutex<Connection>,
    checkpoints: mpsc::SyncSender<()>,
    appended: std::sync::atomic::AtomicU64,
    /// Keeps the file from being replaced, as long as anybody writes to it.
    _lock: File,
}

impl AuditLog {
    /// Opens the log at `path`, making it (mode 0600) where it is missing.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let failed = |source| AuditError::Open {
            path: path.to_owned(),
            source,
        };
        let lock = lock_shared(path).map_err(|error| match error {
            StoreError::InUse { path } => AuditError::Replaced { path },
            error => AuditError::Lock(error),
        })?;
        let emptied = path.exists() && !holds_tables(path).map_err(failed)?;
        if emptied {
            tracing::warn!(
                "the audit log {} held nothing, not even its tables: somebody emptied it, or its making was interrupted; a new one begins",
                path.display()
            );
        }
        let connection = connect(path).map_err(failed)?;
        let found = version(&connection).map_err(failed)?;
        if found > VERSION {
            return Err(AuditError::TooNew {
                path: path.to_owned(),
                found,
            });
        }
        connection
            .execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS entries (
                     sequence INTEGER PRIMARY KEY,
                     time_ms INTEGER NOT NULL,
                     kind TEXT NOT NULL,
                     body TEXT NOT NULL,
                     hash BLOB NOT NULL
                 ) STRICT;
                 CREATE TRIGGER IF NOT EXISTS entries_are_not_changed
                     BEFORE UPDATE ON entries
                     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
                 {NOT_DELETED};",
            ))
            .and_then(|()| keep_the_head(&connection))
            .map_err(failed)?;
        let checkpoints = checkpoint_in_background(path.to_owned());
        Ok(Self {
            identity: Identity::of(path),
            path: path.to_owned(),
            connection: Mutex::new(connection),
            checkpoints,
            appended: 0.into(),
            _lock: lock,
        })
    }

    /// Where the log is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a row and returns its sequence number.
    pub fn append(&self, kind: EntryKind, body: &impl Serialize) -> Result<i64, AuditError> {
        let body = serde_json::to_string(body)?;
        let sequence = {
            let connection = lock(&self.connection);
            if Identity::of(&self.path) != self.identity {
                return Err(AuditError::Gone {
                    path: self.path.clone(),
                });
            }
            let appended = append_row(&connection, kind, &body);
            match appended.map_err(|source| self.failed(source))? {
                Appended::Row(sequence) => sequence,
                Appended::Cut { found, written } => {
                    return Err(AuditError::Cut {
                        path: self.path.clone(),
                        found,
                        written,
                    });
                }
            }
        };
        let appended = self
            .appended
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if appended % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1 {
            // A full queue means that a checkpoint is on its way already.
            let _ = self.checkpoints.try_send(());
        }
        Ok(sequence)
    }

    /// Whether a file at `path` was made by a host: a log that was emptied is not the same
    /// as one in which nothing is written yet.
    pub fn was_made(path: &Path) -> Result<bool, AuditError> {
        holds_tables(path).map_err(|source| AuditError::Open {
            path: path.to_owned(),
            source,
        })
    }

    /// Walks the whole chain and returns how many rows hold and from where on, or the
    /// first that does not.
    pub fn verify(&self) -> Result<Result<Sound, Broken>, AuditError> {
        let connection = lock(&self.connection);
        verify_chain(&connection).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> AuditError {
        AuditError::Database {
            path: self.path.clone(),
            source,
        }
    }
}

/// A poisoned lock means that another thread panicked between two statements;
/// SQLite has rolled its transaction back, so the connection is still good.
fn lock(connection: &Mutex<Connection>) -> std::sync::MutexGuard<'_, Connection> {
    connection
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    crate::store::make_private(path);
    connection.busy_timeout(BUSY_PATIENCE)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;",
    )?;
    Ok(connection)
}

/// Makes the table that says which row is the last, so that its loss shows too.
/// A log from before there was one begins with the row that is the last now.
fn keep_the_head(connection: &Connection) -> rusqlite::Result<()> {
    if version(connection)? >= HEAD_VERSION {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         CREATE TABLE IF NOT EXISTS head (
             one INTEGER PRIMARY KEY CHECK (one = 1),
             sequence INTEGER NOT NULL,
             hash BLOB NOT NULL
         ) STRICT;
         INSERT OR IGNORE INTO head (one, sequence, hash)
             SELECT 1, sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1;
         INSERT OR IGNORE INTO head (one, sequence, hash) VALUES (1, 0, zeroblob(32));
         PRAGMA user_version = {HEAD_VERSION};
         COMMIT;",
    ))
}

/// Whether the file at `path` is a log that a host has made.
fn holds_tables(path: &Path) -> rusqlite::Result<bool> {
    // What a host that was killed while it made the file has left half done is taken back,
    // which is writing.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_PATIENCE)?;
    let tables = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'entries')";
    connection.query_row(tables, [], |row| row.get(0))
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// What became of a row that was to be added.
enum Appended {
    Row(i64),
    /// Nothing: the last row is not the one that was written last.
    Cut {
        found: i64,
        written: i64,
    },
}

fn append_row(connection: &Connection, kind: EntryKind, body: &str) -> rusqlite::Result<Appended> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let appended = append_in_transaction(connection, kind, body);
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

fn append_in_transaction(
    connection: &Connection,
    kind: EntryKind,
    body: &str,
) -> rusqlite::Result<Appended> {
    let (sequence, previous) = connection
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
    if (written, written_hash) != (sequence, previous) {
        return Ok(Appended::Cut {
            found: sequence,
            written,
        });
    }
    let sequence = sequence + 1;
    let time_ms = i64::try_from(now_ms()).unwrap_or(i64::MAX);
    let hash = row_hash(&previous, sequence, time_ms, kind.as_str(), body);
    connection
        .prepare_cached(
            "INSERT INTO entries (sequence, time_ms, kind, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![sequence, time_ms, kind.as_str(), body, hash])?;
    connection
        .prepare_cached("UPDATE head SET sequence = ?1, hash = ?2")?
        .execute(params![sequence, hash])?;
    Ok(Appended::Row(sequence))
}

/// The thread ends when the log, which holds the sender, is dropped.
fn checkpoint_in_background(path: PathBuf) -> mpsc::SyncSender<()> {
    let (sender, wanted) = mpsc::sync_channel::<()>(1);
    let spawned = std::thread::Builder::new()
        .name("audit-checkpoint".into())
        .spawn(move || {
            while wanted.recv().is_ok() {
                let done = Connection::open(&path)
                    .and_then(|c| c.execute_batch("PRAGMA wal_checkpoint(PASSIVE);"));
                if let Err(error) = done {
                    tracing::warn!(%error, "the audit log could not be checkpointed");
                }
            }
        });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread for checkpoints of the audit log: its write-ahead log will grow");
    }
    sender
}

#[cfg(test)]
mod tests;
