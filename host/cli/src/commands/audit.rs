//! `quarterdeck audit`.

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::audit::{AuditLog, History, Scope, ShadowRecord};
use quarterdeck_core::inert_text;

use crate::Setup;
use crate::arguments::AuditCommand;

/// Looks at the audit log.
pub(crate) fn run(setup: &Setup, command: AuditCommand) -> Result<ExitCode> {
    match command {
        AuditCommand::Verify => verify(setup),
        AuditCommand::Shadows { since, limit, json } => {
            shadows(setup, Scope { since, limit }, json)
        }
    }
}

fn verify(setup: &Setup) -> Result<ExitCode> {
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

/// How often each shadow differed from what was ruled, and on what.
fn shadows(setup: &Setup, scope: Scope, json: bool) -> Result<ExitCode> {
    let records = History::open(&setup.paths.audit_file())?.shadows(scope)?;
    if json {
        anstream::println!("{}", serde_json::to_string(&records)?);
    } else if records.is_empty() {
        anstream::println!(
            "no policy was asked as a shadow; `mode = \"shadow\"` in its sidecar makes it one"
        );
    } else {
        records.iter().for_each(print);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(record: &ShadowRecord) {
    anstream::println!(
        "{} {}: differed on {} of {} commands ({} stricter, {} laxer)",
        record.policy,
        record.digest.get(..12).unwrap_or(&record.digest),
        record.differed(),
        record.asked,
        record.stricter,
        record.laxer,
    );
    for difference in &record.newest {
        anstream::println!(
            "  row {}  {} instead of {}  {}\n      {}",
            difference.row,
            difference.shadow.tier,
            difference.ruled,
            inert_text(&difference.command),
            difference.shadow.reason,
        );
    }
}
