//! `quarterdeck plugin enable` and `disable`.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use quarterdeck_core::audit::{Change, ChangeKind};

use super::folder::{PluginsFolder, present_name};
use super::sidecar;
use super::taken_over::{ensure_sound, wait_for_running_host};
use crate::commands::changes;
use crate::{Setup, bundled};

/// Writes `enabled` into the policy's sidecar, and nothing else of it.
///
/// Enabling is for what a host would take: an approver that fails would have everything
/// refused. Disabling is always possible.
pub(super) fn run(
    setup: &Setup,
    folder: &PluginsFolder,
    name: &str,
    enabled: bool,
) -> Result<ExitCode> {
    let name = present_name(name)?;
    ensure!(
        folder.component(name).exists()
            || folder.sidecar(name).exists()
            || bundled::policies().iter().any(|it| it.name == name),
        "there is no policy {name}; `quarterdeck plugin list` names those that there are"
    );
    let turn = folder.turn()?;
    let changed = sidecar::changed(folder, name, |document| {
        sidecar::set(document, "enabled", enabled);
        Ok(())
    })?;
    if enabled {
        ensure_sound(setup, folder, name, &changed.text, "enabled")?;
    }
    changed.write(folder)?;
    drop(turn);
    let change = match enabled {
        true => Change::by_person("plugin enable", ChangeKind::PolicyEnabled, name),
        false => Change::by_person("plugin disable", ChangeKind::PolicyDisabled, name),
    };
    changes::keep(setup, &change);
    let done = if enabled { "enabled" } else { "disabled" };
    anstream::println!("{name} is {done} in {}", changed.path.display());
    wait_for_running_host(setup, name)
}
