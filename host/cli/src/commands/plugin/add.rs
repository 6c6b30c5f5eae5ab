//! `quarterdeck plugin add`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use quarterdeck_core::audit::{Change, ChangeKind};
use quarterdeck_core::policy::{ComponentFacts, PolicyStatus};

use super::check::{bundled_is_of_another_kind, try_component};
use super::folder::{PluginsFolder, checked_name};
use super::origin::Origin;
use super::taken_over::wait_for_running_host;
use crate::Setup;
use crate::commands::changes;
use crate::hosting::runtime;

/// Puts a component into the plugins folder, once it is known that it is the one
/// that was meant, and that a host would take it.
pub(super) fn run(
    setup: &Setup,
    folder: &PluginsFolder,
    origin: &Origin,
    name: Option<String>,
    sha256: Option<String>,
) -> Result<ExitCode> {
    let name = name.as_deref().or(origin.stem());
    let name = name.with_context(|| format!("{origin} names no file; give it a --name"))?;
    let name = checked_name(name)?;
    ensure!(
        !origin.needs_digest() || sha256.is_some(),
        "a component from the web needs --sha256, so that nobody can put another in its place; \
         ask its author, or run `sha256sum` on a copy that you trust"
    );
    let component = runtime()?.block_on(origin.fetch())?;
    // Before any of it runs.
    let digest = ComponentFacts::of(&component).digest;
    if let Some(expected) = sha256
        && !expected.eq_ignore_ascii_case(&digest)
    {
        bail!("{origin} was not added: its SHA-256 is {digest}, not {expected}");
    }
    let turn = folder.turn()?;
    // The sidecar that will rule it: the one that is there already, or comes along.
    let own_sidecar = folder.read_sidecar(name)?;
    let comes_along = match own_sidecar {
        Some(_) => None,
        None => origin.sidecar()?,
    };
    let sidecar = own_sidecar.or_else(|| comes_along.clone());
    let trial = try_component(setup, name, &component, sidecar.as_deref())?;
    if let Some(fault) = &trial.status.last_error {
        bail!("{origin} was not added: {fault}");
    }
    keeps_its_kind(folder, name, &trial.status)?;
    if let Some(sidecar) = &comes_along {
        // First, so that the component is never without it.
        folder.write(&folder.sidecar(name), sidecar)?;
    }
    let path = folder.put(name, &component)?;
    drop(turn);
    let change = Change::by_person("plugin add", ChangeKind::PolicyAdded, name)
        .saying(format!("from {origin}"))
        .of_component(&digest);
    changes::keep(setup, &change);
    anstream::println!(
        "{} ({}, {} bytes, {digest})",
        path.display(),
        trial.status.kind_name(),
        component.len(),
    );
    if comes_along.is_some() {
        anstream::println!("{} (the sidecar beside it)", folder.sidecar(name).display());
    }
    wait_for_running_host(setup, name)
}

/// Whether what is bundled under the name and the component that lies there are of the
/// same kind, if there are any: a host would refuse another.
fn keeps_its_kind(folder: &PluginsFolder, name: &str, new: &PolicyStatus) -> Result<()> {
    if let Some(other_kind) = bundled_is_of_another_kind(name, new.kind) {
        bail!("it was not added: {other_kind}; give it another --name");
    }
    let Some(present) = folder.read_component(name)? else {
        return Ok(());
    };
    if let (Some(was), Some(is)) = (ComponentFacts::of(&present).kind, new.kind) {
        ensure!(
            was == is,
            "it was not added: it is {is:#}, but `{name}` is {was:#}; give it another --name, or take the other away with `quarterdeck plugin remove {name}`"
        );
    }
    Ok(())
}
