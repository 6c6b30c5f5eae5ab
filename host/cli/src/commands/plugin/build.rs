//! `quarterdeck plugin build`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_policy_building::Project;

use super::check;
use crate::Setup;

/// Builds the policy in a folder, and loads what came out as a host would.
pub(super) fn run(setup: &Setup, folder: &Path) -> Result<ExitCode> {
    let project = Project::find(folder)?;
    anstream::eprintln!("Building {} ({})", folder.display(), project.language());
    let component = project.build()?;
    let outcome = check::run(setup, &component, false)?;
    anstream::println!("  file     {}", component.display());
    Ok(outcome)
}
