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
//! that no command waits for it. That thread also writes what commands came to.

mod appending;
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
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use appending::{Appender, Writer};
use chain::verify_chain;

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
/// for one transaction.
pub struct AuditLog {
    path: PathBuf,
    appender: Arc<Appender>,
    writer: Writer,
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
        let appender = Arc::new(Appender::new(path.to_owned(), connection));
        Ok(Self {
            path: path.to_owned(),
            writer: Writer::start(Arc::clone(&appender)),
            appender,
            _lock: lock,
        })
    }

    /// Where the log is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a row and returns its sequence number.
    pub fn append(&self, kind: EntryKind, body: &impl Serialize) -> Result<i64, AuditError> {
        self.writer.append(kind, body)
    }

    /// Has a row added that nobody waits for: with the next one, or within moments.
    ///
    /// # Errors
    ///
    /// [`AuditError::Encode`] only. What cannot be written is told in the host's own log,
    /// and goes with the next row that can be.
    pub fn append_soon(&self, kind: EntryKind, body: &impl Serialize) -> Result<(), AuditError> {
        self.writer.append_soon(kind, body)
    }

    /// Writes every row that was to be added soon.
    pub fn catch_up(&self) {
        self.appender.catch_up_or_tell();
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
        let connection = self.appender.connection();
        verify_chain(&connection).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> AuditError {
        AuditError::Database {
            path: self.path.clone(),
            source,
        }
    }
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

#[cfg(test)]
mod tests;
