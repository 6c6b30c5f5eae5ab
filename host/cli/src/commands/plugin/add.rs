//! `quarterdeck plugin add`.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use quarterdeck_core::policy::ComponentFacts;

use super::check::try_component;
use super::folder::{PluginsFolder, checked_name};
use super::origin::Origin;
use crate::Setup;
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
    // The sidecar that will rule it, if there is one already.
    let sidecar = fs::read(folder.sidecar(name)).ok();
    let trial = try_component(setup, name, &component, sidecar.as_deref())?;
    if let Some(fault) = &trial.status.last_error {
        bail!("{origin} was not added: {fault}");
    }
    let path = folder.put(name, &component)?;
    anstream::println!(
        "{} ({}, {} bytes, {digest})",
        path.display(),
        trial.status.kind_name(),
        component.len(),
    );
    Ok(ExitCode::SUCCESS)
}
