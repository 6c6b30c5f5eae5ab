//! Who may have written what is about to be believed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The bits that let the group or everybody write.
const OTHERS_WRITE: u32 = 0o022;

/// Says in a sentence why `path` must not be believed, or nothing when only
/// this user and root can have written it.
pub(crate) fn distrust(path: &Path, metadata: &Metadata) -> Option<String> {
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Some(format!(
            "it belongs to another user (id {}); take it over with `chown {user} {}`",
            metadata.uid(),
            path.display()
        ));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Some(format!(
            "others can write to it (mode {:03o}); run `chmod go-w {}`",
            metadata.mode() & 0o777,
            path.display()
        ));
    }
    None
}
