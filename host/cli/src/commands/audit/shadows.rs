//! `quarterdeck audit shadows`.

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::audit::{History, Scope, ShadowRecord};
use quarterdeck_core::inert_text;

use crate::Setup;

/// How often each shadow differed from what was ruled, and on what.
pub(super) fn run(setup: &Setup, scope: Scope, json: bool) -> Result<ExitCode> {
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
