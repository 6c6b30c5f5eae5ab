//! `quarterdeck audit`: a file for what lists and exports rows, one for shadows.

mod rows;
mod shadows;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use quarterdeck_core::audit::{AuditLog, Scope, Sound};
use quarterdeck_core::rfc3339;

use crate::Setup;
use crate::arguments::AuditCommand;
use crate::inside::refuse_inside;

/// Looks at the audit log.
pub(crate) fn run(setup: &Setup, command: AuditCommand) -> Result<ExitCode> {
    refuse_inside(setup, "reading the audit log")?;
    let file = setup.paths.audit_file();
    if !file.exists() {
        bail!(
            "there is no audit log at {}: a host makes it when it starts; if one was there, restore it from a backup (`quarterdeck restore`)",
            file.display()
        );
    }
    match command {
        AuditCommand::List {
            filter,
            limit,
            json,
        } => rows::list(setup, &filter.into(), limit, json),
        AuditCommand::Export { filter, into } => {
            rows::export(setup, &filter.into(), into.as_deref())
        }
        AuditCommand::Verify => verify(&file),
        AuditCommand::Shadows { since, limit, json } => {
            shadows::run(setup, Scope { since, limit }, json)
        }
    }
}

fn verify(file: &Path) -> Result<ExitCode> {
    if !AuditLog::was_made(file)? {
        anstream::println!(
            "{} holds nothing, not even the tables that a host makes at its first start: it was emptied; restore it from a backup (`quarterdeck restore`)",
            file.display()
        );
        return Ok(ExitCode::FAILURE);
    }
    let log = AuditLog::open(file)?;
    match log.verify()? {
        Ok(Sound { rows, from: None }) => {
            anstream::println!("{rows} rows, the chain holds");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Sound {
            rows,
            from: Some(anchor),
        }) => {
            anstream::println!(
                "{rows} rows, the chain holds from row {} on; those before, until {}, were taken off as [audit] in the configuration wants it (`quarterdeck audit list --kind shortened`)",
                anchor.sequence + 1,
                rfc3339(anchor.at())
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            anstream::println!("row {}: {}", broken.sequence, broken.reason);
            Ok(ExitCode::FAILURE)
        }
    }
}
