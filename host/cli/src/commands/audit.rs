//! `quarterdeck audit`.

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::audit::AuditLog;

use crate::Setup;
use crate::arguments::AuditCommand;

/// Looks at the audit log.
pub fn run(setup: &Setup, command: AuditCommand) -> Result<ExitCode> {
    let AuditCommand::Verify = command;
    setup.paths.make()?;
    let log = AuditLog::open(&setup.paths.audit_file())?;
    match log.verify()? {
        Ok(rows) => {
            anstream::println!("{rows} rows, the chain holds");
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            anstream::println!("row {}: {}", broken.sequence, broken.reason);
            Ok(ExitCode::FAILURE)
        }
    }
}
