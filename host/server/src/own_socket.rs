//! A Unix socket with its file, which belongs to one living host.
//!
//! Who listens there holds a lock on a file beside it: a host that is stopped, or too
//! busy to take another connection, keeps its socket, and what a dead one has left
//! behind is replaced.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The file of a socket that this process listens on; removed when dropped, unless it
/// has become another's.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: Option<u64>,
    lock_path: PathBuf,
    /// Locked while this lives.
    _lock: File,
}

/// Listens on `path` (mode 0600). The error is `AddrInUse` where another host does.
pub(crate) async fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let lock_path = beside(path);
    let lock = lock(&lock_path)?;
    // A host from before there were locks.
    if UnixStream::connect(path).await.is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    let file = SocketFile {
        path: path.to_owned(),
        inode: inode(path),
        lock_path,
        _lock: lock,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok((listener, file))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Gone already is as good. The lock is let go of last.
        if self.inode.is_some() && inode(&self.path) == self.inode {
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

/// `host.sock` is locked by `host.sock.lock`.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn lock(path: &Path) -> io::Result<File> {
    loop {
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it may have taken the file away just before.
        if inode(path) == Some(lock.metadata()?.ino()) {
            return Ok(lock);
        }
    }
}

fn inode(path: &Path) -> Option<u64> {
    std::fs::symlink_metadata(path).ok().map(|it| it.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_a_living_hosts_whether_it_answers_or_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("host.sock");
        let (listener, file) = listen(&path).await.expect("free");
        // As one that takes no more connections.
        drop(listener);
        let taken = listen(&path).await.expect_err("it lives");
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0);
        listen(&path).await.expect("free again");
    }

    #[tokio::test]
    async fn what_a_dead_host_has_left_is_replaced_and_a_successors_file_stays() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("host.sock");
        std::fs::write(beside(&path), "").expect("a lock that nobody holds");
        drop(UnixListener::bind(&path).expect("a dead host's"));
        let (_listener, file) = listen(&path).await.expect("replaced");
        std::fs::rename(&path, folder.path().join("moved")).expect("moved");
        std::fs::write(&path, "another's").expect("written");
        drop(file);
        assert!(path.exists());
    }
}
