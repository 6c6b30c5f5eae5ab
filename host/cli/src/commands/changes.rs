//! Changes that a person makes to what commands are judged by, kept in the audit log.

use std::fs;

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
    let file = setup.paths.audit_file();
    if let Some(folder) = file.parent() {
        // If it cannot be made, opening the log says so.
        let _ = fs::create_dir_all(folder);
    }
    AuditLog::open(&file)?.append(EntryKind::Change, change)?;
    Ok(())
}
