//! Who may have written what is about to be believed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::folder::private_group::is_private;

/// The bit that lets the group write.
const GROUP_WRITES: u32 = 0o020;
/// The bit that lets everybody write.
const EVERYBODY_WRITES: u32 = 0o002;

/// Says in a sentence why `path` must not be believed, or nothing when only
/// this user and root can have written it.
pub fn distrust(path: &Path, metadata: &Metadata) -> Option<String> {
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Some(format!(
            "it belongs to another user (id {}); take it over with `chown {user} {}`",
            metadata.uid(),
            path.display()
        ));
    }
    let others_write = metadata.mode() & EVERYBODY_WRITES != 0
        // The mode that the umask 002 leaves, where each user has a group of their own.
        || metadata.mode() & GROUP_WRITES != 0 && !is_private(metadata.gid(), metadata.uid());
    if others_write {
        return Some(format!(
            "others can write to it (mode {:03o}); run `chmod go-w {}`",
            metadata.mode() & 0o777,
            path.display()
        ));
    }
    None
}
