//! What outlives the host: one SQLite file, one writer.
//!
//! A thread of the store's own owns the writing connection. It takes what waits
//! for it, carries all of it out in one transaction (each job in a savepoint of
//! its own, so that one that fails takes nothing with it) and answers after the
//! commit: what was acknowledged survives the host's sudden death. Readers have a
//! connection of their own and never wait for the writer.
//!
//! The domain's modules bring their statements; this one knows no table. A table
//! comes into being in a file of `migrations/`.

pub mod backup;
mod migrations;
mod writer;

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OpenFlags, Transaction};
use tokio::sync::oneshot;

pub(crate) use migrations::Schema;
use writer::Writer;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("cannot open the store {}: {source}; {}", .path.display(), advice(.source))]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file's lock cannot be had.
    #[error("cannot lock {}: {source}; {}", .path.display(), advice_on_file(.source))]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another host writes to the file.
    #[error("the store {} belongs to another host that runs", .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A later version made the file.
    #[error(
        "the store {} has version {found}, and this program knows versions up to {known}: use the newer program, or move the file away to begin anew", .path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that is known here.
        known: u32,
    },
    /// A statement failed.
    #[error("the store {}: {source}", .path.display())]
    Statement {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A copy is no whole file.
    #[error("{} is damaged: {said}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        said: String,
    },
    /// A copy could not be put in a file's place.
    #[error("cannot replace {}: {source}", .path.display())]
    Replace {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The work was dropped: the writer could not begin, or it is gone.
    #[error("the store {} cannot be written; free the disk or end what locks the file", .path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
}

impl StoreError {
    /// Whether the file is there, and no database or a broken one.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Open { source, .. } if is_damage(source))
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        Some(NotADatabase | DatabaseCorrupt)
    )
}

/// What to do about a file that cannot be opened.
pub(crate) fn advice(error: &rusqlite::Error) -> &'static str {
    match is_damage(error) {
        true => {
            "its content is damaged: put a backup back with `quarterdeck restore`, or move the file away to begin anew"
        }
        false if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) => DISK_FULL,
        false => CHECK_THE_FOLDER,
    }
}

const DISK_FULL: &str = "make room on that disk, and start again";
const CHECK_THE_FOLDER: &str = "check that the folder exists and is yours";

/// The same for what the system says.
fn advice_on_file(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => DISK_FULL,
        ReadOnlyFilesystem => "XDG_STATE_HOME names a folder that can be written to",
        _ => CHECK_THE_FOLDER,
    }
}

/// The open store. A clone is another way to the same file.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Writer,
    reader: Mutex<Connection>,
    /// Held as long as the store is open.
    _lock: File,
    /// Deleted with the store.
    _folder: Option<tempfile::TempDir>,
}

impl Store {
    /// Opens the store at `path`, making it (mode 0600) where it is missing and
    /// bringing it up to date where it is old. One process has it open at a time.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, &migrations::STORE)
    }

    /// The same for another file of the host, whose tables are `schema`'s.
    pub(crate) fn open_with(path: &Path, schema: &Schema) -> Result<Self, StoreError> {
        Self::open_in(path, schema, None)
    }

    /// A store that is forgotten when it closes.
    pub fn temporary() -> Result<Self, StoreError> {
        Self::temporary_with(&migrations::STORE)
    }

    /// The same with other tables.
    pub(crate) fn temporary_with(schema: &Schema) -> Result<Self, StoreError> {
        let folder = tempfile::tempdir().map_err(|source| StoreError::Lock {
            path: std::env::temp_dir(),
            source,
        })?;
        Self::open_in(&folder.path().join("store.sqlite"), schema, Some(folder))
    }

    fn open_in(
        path: &Path,
        schema: &Schema,
        folder: Option<tempfile::TempDir>,
    ) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let failed = |source| StoreError::Open {
            path: path.to_owned(),
            source,
        };
        let mut connection = connect(path).map_err(failed)?;
        migrations::bring_up_to_date(&mut connection, path, schema)?;
        let reader = connect(path).map_err(failed)?;
        reader
            .pragma_update(None, "query_only", true)
            .map_err(failed)?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                writer: Writer::start(connection),
                reader: Mutex::new(reader),
                _lock: lock,
                _folder: folder,
            }),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Carries out `work` with whatever else waits to be written, and returns
    /// once it is kept. Work that fails changes nothing.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.inner.writer.submit(work, move |done| {
            // Whoever asked may have gone; the work is done all the same.
            let _ = answer.send(done);
        });
        match answered.await {
            Ok(done) => done.map_err(|source| self.failed(source)),
            Err(_) => Err(self.closed()),
        }
    }

    /// As [`write`](Self::write), for whoever need not know: a failure is logged.
    pub fn write_later(
        &self,
        what: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()> + Send + 'static,
    ) {
        self.inner.writer.submit(work, move |done| {
            if let Err(error) = done {
                tracing::warn!(%error, "the store could not keep {what}");
            }
        });
    }

    /// Reads, off the async threads.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let read = tokio::task::spawn_blocking(move || store.read_blocking(work));
        read.await.map_err(|_| self.closed())?
    }

    /// Reads on this thread: for starting up.
    pub fn read_blocking<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // A panic between two reads leaves nothing half done.
        let reader = self
            .inner
            .reader
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        work(&reader).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Statement {
            path: self.inner.path.clone(),
            source,
        }
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            path: self.inner.path.clone(),
        }
    }
}

/// A lock beside the file, which the system lifts when its holder dies: nobody else has
/// the file open.
fn lock(path: &Path) -> Result<File, StoreError> {
    lock_with(path, File::try_lock)
}

/// The same beside a file that several may have open, but nobody may replace meanwhile.
pub(crate) fn lock_shared(path: &Path) -> Result<File, StoreError> {
    lock_with(path, File::try_lock_shared)
}

fn lock_with(
    path: &Path,
    take: impl FnOnce(&File) -> Result<(), TryLockError>,
) -> Result<File, StoreError> {
    let lock_path = path.with_extension("lock");
    let failed = |source| StoreError::Lock {
        path: lock_path.clone(),
        source,
    };
    let lock = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&lock_path)
        .map_err(failed)?;
    match take(&lock) {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    make_private(path);
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
    )?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

/// The stores and the audit log quote commands: nobody else reads them. A failure is not
/// fatal, since the folder above is private as well.
pub(crate) fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_acknowledged_is_there_after_opening_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("store.sqlite");
        let store = Store::open(&path).expect("open");
        store
            .write(|kept| {
                kept.execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('a')")
            })
            .await
            .expect("write");
        drop(store);
        let store = Store::open(&path).expect("open again");
        let text: String = store
            .read(|kept| kept.query_row("SELECT text FROM notes", [], |row| row.get(0)))
            .await
            .expect("read");
        assert_eq!(text, "a");
    }

    #[tokio::test]
    async fn work_that_fails_takes_nothing_with_it() {
        let store = Store::temporary().expect("store");
        store
            .write(|kept| kept.execute_batch("CREATE TABLE notes (text TEXT UNIQUE)"))
            .await
            .expect("table");
        let add = |text: &'static str| {
            store.write(move |kept| {
                kept.execute("INSERT INTO notes VALUES ('kept by ' || ?1)", [text])?;
                kept.execute("INSERT INTO notes VALUES (?1)", [text])
            })
        };
        let (first, second, third) = tokio::join!(add("a"), add("a"), add("b"));
        first.expect("first");
        second.expect_err("the same again");
        third.expect("third");
        let count: i64 = store
            .read(|kept| kept.query_row("SELECT count(*) FROM notes", [], |row| row.get(0)))
            .await
            .expect("count");
        assert_eq!(count, 4);
    }

    #[test]
    fn a_second_host_is_told_that_the_store_is_taken() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("store.sqlite");
        let _first = Store::open(&path).expect("open");
        assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
    }

    #[test]
    fn a_store_of_a_later_version_is_left_alone() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("store.sqlite");
        drop(Store::open(&path).expect("open"));
        Connection::open(&path)
            .and_then(|c| c.pragma_update(None, "user_version", 9_999))
            .expect("version");
        assert!(matches!(
            Store::open(&path),
            Err(StoreError::TooNew { found: 9_999, .. })
        ));
    }
}
