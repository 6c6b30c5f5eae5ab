//! `quarterdeck plugin rollback`.

use std::process::ExitCode;

use anyhow::Result;

use super::folder::{PluginsFolder, checked_name};

/// Puts back the version that was replaced or removed last.
pub(super) fn run(folder: &PluginsFolder, name: &str) -> Result<ExitCode> {
    let name = checked_name(name)?;
    folder.roll_back(name)?;
    anstream::println!("{name} is what it was before; doing this again undoes it");
    Ok(ExitCode::SUCCESS)
}
