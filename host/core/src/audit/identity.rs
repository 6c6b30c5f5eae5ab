//! Which files an open log writes to.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The log and its write-ahead log, as device and inode. A file that was deleted while
/// it is open takes rows as before, and nobody ever reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    log: Option<(u64, u64)>,
    /// SQLite makes it when the log is opened and takes it away with the last
    /// connection, so it is there as long as a host writes.
    ahead: Option<(u64, u64)>,
}

impl Identity {
    /// Of the files that lie at `path` now.
    pub(super) fn of(path: &Path) -> Self {
        let mut ahead = OsString::from(path);
        ahead.push("-wal");
        Self {
            log: file(path),
            ahead: file(Path::new(&ahead)),
        }
    }
}

fn file(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
