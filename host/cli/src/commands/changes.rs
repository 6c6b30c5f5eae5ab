//! Changes that a person makes to what commands are judged by, kept in the audit log.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use quarterdeck_core::audit::{AuditError, AuditLog, Change, EntryKind};

use crate::Setup;

/// Keeps a change that was made. It stays made where it cannot be kept: whoever mends a
/// broken log or takes a wild policy away must be able to; but it is said.
pub(crate) fn keep(setup: &Setup, change: &Change) {
    if let Err(error) = append(setup, change) {
        anstream::eprintln!(
            "quarterdeck: the change is made, but not kept in the audit log: {error}"
        );
    }
}

fn append(setup: &Setup, change: &Change) -> Result<(), AuditError> {
    open(&setup.paths.audit_file())?.append(EntryKind::Change, change)?;
    Ok(())
}

/// Opens the log, which a host may not have made yet, nor the folder that it keeps to
/// itself.
fn open(file: &Path) -> Result<AuditLog, AuditError> {
    if let Some(folder) = file.parent() {
        let mut private = fs::DirBuilder::new();
        // If it cannot be made, opening the log says so.
        let _ = private.recursive(true).mode(0o700).create(folder);
    }
    AuditLog::open(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_folder_of_a_log_that_is_begun_is_private() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = place.path().join("state/quarterdeck");
        open(&folder.join("audit.jsonl")).expect("begun");
        let metadata = fs::metadata(&folder).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
    }
}
