//! `quarterdeck plugin test`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use quarterdeck_policy_testing::{CaseFile, TestHost};

/// Holds an approver to a file of cases, in the engine that a host runs it in.
pub(super) fn run(file: &Path, cases: &Path) -> Result<ExitCode> {
    let component = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let text = fs::read_to_string(cases).with_context(|| format!("reading {}", cases.display()))?;
    let cases: CaseFile = text
        .parse()
        .with_context(|| format!("reading {}", cases.display()))?;
    let failures = cases
        .run(&TestHost::start()?, &component)
        .with_context(|| format!("loading {}", file.display()))?;
    for failure in &failures {
        anstream::println!("{failure}");
    }
    anstream::println!(
        "{}: {} of {} cases",
        file.display(),
        cases.len() - failures.len(),
        cases.len()
    );
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
