//! `quarterdeck plugin rollback`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use quarterdeck_core::audit::{Change, ChangeKind};
use quarterdeck_core::policy::ComponentFacts;

use super::check::try_component;
use super::folder::{PluginsFolder, present_name};
use super::taken_over::{policy_of_running_host, wait_for_running_host};
use crate::Setup;
use crate::commands::changes;

/// Puts back the version that was replaced or removed last, if a host takes it.
pub(super) fn run(setup: &Setup, folder: &PluginsFolder, name: &str) -> Result<ExitCode> {
    let name = present_name(name)?;
    if setup.config.policies.watch {
        // What lies there since a moment ago is the version to go back from.
        policy_of_running_host(setup, name)?;
    }
    let turn = folder.turn()?;
    let former = folder.to_put_back(name)?;
    let sidecar = folder.sidecar_to_put_back(name)?;
    let trial = try_component(setup, name, &former, sidecar.as_deref())?;
    if let Some(fault) = &trial.status.last_error {
        bail!("{name} was not rolled back, and stays as it is: {fault}");
    }
    folder.roll_back(name, &former)?;
    drop(turn);
    let digest = ComponentFacts::of(&former).digest;
    let change = Change::by_person("plugin rollback", ChangeKind::PolicyRolledBack, name)
        .of_component(&digest);
    changes::keep(setup, &change);
    anstream::println!(
        "{name} is what it was before ({}); doing this again undoes it",
        digest.get(..12).unwrap_or(&digest)
    );
    wait_for_running_host(setup, name)
}
