//! What a change comes to: whether the component would be taken, and whether the host
//! that is running has taken it.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use quarterdeck_server::socket::{AskError, Request, ask};
use serde_json::Value;

use super::check::try_component;
use super::folder::PluginsFolder;
use crate::Setup;
use crate::hosting::runtime;

/// Refuses what a host would not put in charge: the component of this name with the
/// sidecar as it would be. `undone` says what is not done then.
pub(super) fn ensure_sound(
    setup: &Setup,
    folder: &PluginsFolder,
    name: &str,
    sidecar: &str,
    undone: &str,
) -> Result<()> {
    let Some(component) = folder.component_in_charge(name)? else {
        // A sidecar without a component; a host says so.
        return Ok(());
    };
    let trial = try_component(setup, name, &component, Some(sidecar.as_bytes()))?;
    match &trial.status.last_error {
        Some(fault) => bail!("{name} was not {undone}: {fault}"),
        None => Ok(()),
    }
}

/// Waits until the host that is running, if there is one, has dealt with what changed in
/// the plugins folder, and tells if it did not take over the policy of this name. The
/// exit code says the same.
pub(crate) fn wait_for_running_host(setup: &Setup, name: &str) -> Result<ExitCode> {
    if !setup.config.policies.watch {
        anstream::println!(
            "policies.watch is false in the configuration: a host takes it over when it is started, or asked with the tool policy_reload"
        );
        return Ok(ExitCode::SUCCESS);
    }
    let policy = policy_of_running_host(setup, name)?;
    let Some(reason) = policy.as_ref().and_then(|it| it["rejection"].as_str()) else {
        return Ok(ExitCode::SUCCESS);
    };
    let in_charge = policy.as_ref().map_or(&Value::Null, |it| &it["generation"]);
    let stays = match in_charge.as_u64() {
        Some(number) if number > 0 => format!("generation {number} of {name} stays in charge"),
        _ => format!("no version of {name} is in charge"),
    };
    anstream::eprintln!("quarterdeck: the running host did not take it: {reason}; {stays}");
    Ok(ExitCode::FAILURE)
}

/// The policy of this name in the host that is running, once that host has read
/// everything that lies in the folder now.
pub(super) fn policy_of_running_host(setup: &Setup, name: &str) -> Result<Option<Value>> {
    let socket = setup.paths.shared_socket();
    let asked = ask::<Vec<Value>>(&socket, &Request::PoliciesReread);
    match runtime()?.block_on(asked) {
        Ok(policies) => Ok(policies.into_iter().find(|policy| policy["name"] == name)),
        Err(AskError::NoHost(_)) => Ok(None),
        Err(error) => Err(error).context("asking the running host whether it took the change over"),
    }
}
