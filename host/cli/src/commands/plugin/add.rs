//! `quarterdeck plugin add`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::check::{stem, try_component};
use super::folder::{PluginsFolder, checked_name};
use crate::Setup;

/// Copies a component into the plugins folder, once it is known that a host
/// would take it.
pub(super) fn run(
    setup: &Setup,
    folder: &PluginsFolder,
    file: &Path,
    name: Option<String>,
    sha256: Option<String>,
) -> Result<ExitCode> {
    let name = match &name {
        Some(name) => checked_name(name)?,
        None => stem(file)?,
    };
    let component = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    // The sidecar that will rule it, if there is one already.
    let sidecar = fs::read(folder.sidecar(name)).ok();
    let trial = try_component(setup, name, &component, sidecar.as_deref())?;
    if let Some(fault) = &trial.status.last_error {
        bail!("{} was not added: {fault}", file.display());
    }
    if let Some(expected) = sha256
        && !expected.eq_ignore_ascii_case(&trial.status.digest)
    {
        bail!(
            "{} was not added: its SHA-256 is {}, not {expected}",
            file.display(),
            trial.status.digest
        );
    }
    let path = folder.put(name, &component)?;
    anstream::println!(
        "{} ({}, {} bytes, {})",
        path.display(),
        trial.status.kind_name(),
        component.len(),
        trial.status.digest
    );
    Ok(ExitCode::SUCCESS)
}
