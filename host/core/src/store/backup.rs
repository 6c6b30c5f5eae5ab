//! Copies of what outlives the host, made while it runs, and put back while it does
//! not.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, lock};

/// Writes a consistent copy of the SQLite file `from` to the new file `into`. A host
/// may be writing to it meanwhile.
pub fn copy(from: &Path, into: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Statement {
        path: from.to_owned(),
        source,
    };
    let kept = open(from)?;
    let target = into.to_string_lossy();
    kept.execute("VACUUM INTO ?1", [target.as_ref()])
        .map_err(failed)?;
    super::make_private(into);
    Ok(())
}

/// Whether the file is a whole SQLite file; the error says what is wrong with it.
pub fn verify(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Statement {
        path: path.to_owned(),
        source,
    };
    let said: String = open(path)?
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(failed)?;
    match said.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Damaged {
            path: path.to_owned(),
            said,
        }),
    }
}

/// Keeps every host and every worker off files, until it is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "held, not read")] Vec<File>);

/// Holds these files, which nobody may have open.
pub fn hold(paths: &[PathBuf]) -> Result<Held, StoreError> {
    let locks: Result<Vec<File>, StoreError> = paths.iter().map(|path| lock(path)).collect();
    locks.map(Held)
}

/// Puts the file `from` in the place of `path`. What was there stays beside it, under
/// the name that is returned. They are to be [held](hold) meanwhile.
pub fn put_back(from: &Path, path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let failed = |source| StoreError::Replace {
        path: path.to_owned(),
        source,
    };
    let former = path.exists().then(|| free_name_beside(path));
    if let Some(former) = &former {
        // What an end by force has left in the log beside the file belongs to it.
        let kept = open(path)?;
        // A file that cannot be read is moved away as it is.
        let _ = kept.pragma_update(None, "wal_checkpoint", "TRUNCATE");
        drop(kept);
        std::fs::rename(path, former).map_err(failed)?;
    }
    for beside in ["sqlite-wal", "sqlite-shm"] {
        match std::fs::remove_file(path.with_extension(beside)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
    }
    std::fs::rename(from, path).map_err(failed)?;
    super::make_private(path);
    Ok(former)
}

/// A name for what was there before: one that an earlier restore left keeps its own.
fn free_name_beside(path: &Path) -> PathBuf {
    let numbered = (2..).map(|number| path.with_extension(format!("sqlite.before-{number}")));
    std::iter::once(path.with_extension("sqlite.before"))
        .chain(numbered)
        .find(|name| !name.exists())
        .unwrap_or_else(|| path.with_extension("sqlite.before"))
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|source| StoreError::Open {
            path: path.to_owned(),
            source,
        })?;
    // A failure shows in what is done next.
    let _ = connection.busy_timeout(std::time::Duration::from_secs(5));
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(path: &Path) -> Vec<i64> {
        let kept = Connection::open(path).expect("open");
        let mut query = kept.prepare("SELECT number FROM kept").expect("query");
        let rows = query.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("row")).collect()
    }

    #[test]
    fn a_copy_of_a_file_in_use_is_put_back() {
        let folder = tempfile::tempdir().expect("folder");
        let (path, into) = (folder.path().join("a.sqlite"), folder.path().join("copy"));
        let writer = Connection::open(&path).expect("open");
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE kept (number); INSERT INTO kept VALUES (1)",
            )
            .expect("write");
        copy(&path, &into).expect("copy");
        verify(&into).expect("whole");
        writer
            .execute_batch("INSERT INTO kept VALUES (2)")
            .expect("write");
        drop(writer);
        let former = put_back(&into, &path).expect("put back").expect("a former");
        assert_eq!(numbers(&path), [1]);
        assert_eq!(numbers(&former), [1, 2]);
        // What a second restore replaces takes nothing from what the first one did.
        let again = folder.path().join("again");
        copy(&path, &again).expect("copy");
        let second = put_back(&again, &path)
            .expect("put back")
            .expect("a former");
        assert_ne!(second, former);
        assert_eq!(numbers(&former), [1, 2]);
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.sqlite");
        std::fs::write(
            &path,
            "not a database, but long enough to look like one".repeat(40),
        )
        .expect("write");
        verify(&path).expect_err("not whole");
    }
}
