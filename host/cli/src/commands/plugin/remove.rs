//! `quarterdeck plugin remove`.

use std::process::ExitCode;

use anyhow::Result;

use super::folder::{PluginsFolder, checked_name};

/// Takes a component out of the plugins folder.
pub(super) fn run(folder: &PluginsFolder, name: &str) -> Result<ExitCode> {
    let name = checked_name(name)?;
    folder.remove(name)?;
    anstream::println!("{name} is removed; `quarterdeck plugin rollback {name}` brings it back");
    Ok(ExitCode::SUCCESS)
}
