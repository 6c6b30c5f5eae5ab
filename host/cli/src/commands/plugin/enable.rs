//! `quarterdeck plugin enable` and `disable`.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use super::folder::{PluginsFolder, checked_name};
use super::sidecar;
use crate::bundled;

/// Writes `enabled` into the policy's sidecar, and nothing else of it.
pub(super) fn run(folder: &PluginsFolder, name: &str, enabled: bool) -> Result<ExitCode> {
    let name = checked_name(name)?;
    ensure!(
        folder.component(name).exists()
            || folder.sidecar(name).exists()
            || bundled::policies().iter().any(|it| it.name == name),
        "there is no policy {name}; `quarterdeck plugin list` names those that there are"
    );
    let path = sidecar::change(folder, name, |document| {
        sidecar::set(document, "enabled", enabled);
        Ok(())
    })?;
    let done = if enabled { "enabled" } else { "disabled" };
    anstream::println!("{name} is {done} in {}", path.display());
    Ok(ExitCode::SUCCESS)
}
