//! `quarterdeck plugin remove`.

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::audit::{Change, ChangeKind};

use super::folder::{PluginsFolder, present_name};
use super::taken_over::wait_for_running_host;
use crate::commands::changes;
use crate::{Setup, bundled};

/// Takes a component out of the plugins folder. The sidecar goes with it, unless it is a
/// bundled policy's as well, which is in charge again.
pub(super) fn run(setup: &Setup, folder: &PluginsFolder, name: &str) -> Result<ExitCode> {
    let name = present_name(name)?;
    let is_bundled = bundled::policies().iter().any(|it| it.name == name);
    let turn = folder.turn()?;
    folder.remove(name, is_bundled)?;
    drop(turn);
    let change = Change::by_person("plugin remove", ChangeKind::PolicyRemoved, name);
    changes::keep(setup, &change);
    anstream::println!("{name} is removed; `quarterdeck plugin rollback {name}` brings it back");
    if is_bundled && folder.sidecar(name).exists() {
        anstream::println!(
            "the bundled {name} is in charge again, with the settings of {}",
            folder.sidecar(name).display()
        );
    }
    wait_for_running_host(setup, name)
}
