//! `quarterdeck man`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::arguments::Arguments;

/// Writes a manual page for each subcommand.
pub(crate) fn write(folder: &Path) -> Result<ExitCode> {
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), folder))
        .with_context(|| format!("writing manual pages into {}", folder.display()))?;
    anstream::println!(
        "manual pages are in {0}: try `man {0}/quarterdeck.1`",
        folder.display()
    );
    Ok(ExitCode::SUCCESS)
}
