//! `quarterdeck plugin enable` and `disable`.

use std::process::ExitCode;

use anyhow::Result;

use super::folder::{PluginsFolder, checked_name};
use super::sidecar;

/// Writes `enabled` into the policy's sidecar, and nothing else of it.
pub(super) fn run(folder: &PluginsFolder, name: &str, enabled: bool) -> Result<ExitCode> {
    let name = checked_name(name)?;
    let path = sidecar::change(folder, name, |document| {
        sidecar::set(document, "enabled", enabled);
        Ok(())
    })?;
    let done = if enabled { "enabled" } else { "disabled" };
    anstream::println!("{name} is {done} in {}", path.display());
    Ok(ExitCode::SUCCESS)
}
