//! `quarterdeck import`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use quarterdeck_core::agents::{Agents, import};
use quarterdeck_core::store::Store;
use quarterdeck_server::socket::{AskError, Request, ask};

use crate::Setup;
use crate::hosting::runtime;

/// Where iterm-mcp keeps its files, below the home folder.
const USUAL_FOLDER: &str = ".iterm_mcp_logs";

/// Takes over agents and teams from iterm-mcp's files, through the host that runs or,
/// without one, straight into what it keeps.
pub(crate) fn run(setup: &Setup, folder: Option<PathBuf>) -> Result<ExitCode> {
    let folder = match folder {
        Some(folder) => folder,
        None => std::env::home_dir()
            .context("$HOME is not set")?
            .join(USUAL_FOLDER),
    };
    let folder = std::fs::canonicalize(&folder)
        .with_context(|| format!("looking for iterm-mcp's files in {}", folder.display()))?;
    let (agents, teams) = runtime()?.block_on(import_from(setup, &folder))?;
    anstream::println!(
        "imported {agents} agents and {teams} teams; names that existed stay as they are"
    );
    Ok(ExitCode::SUCCESS)
}

async fn import_from(setup: &Setup, folder: &Path) -> Result<(usize, usize)> {
    let request = Request::ImportAgents {
        folder: folder.to_owned(),
    };
    match ask(&setup.paths.shared_socket(), &request).await {
        Err(AskError::NoHost(_)) => {}
        answered => return Ok(answered?),
    }
    setup.paths.make()?;
    let found = import::read_folder(folder)?;
    let store = Store::open(&setup.paths.store_file())?;
    let agents = Agents::open(
        store,
        Some(setup.paths.iterm2_profiles()),
        setup.config.agent_caps(),
    )?;
    Ok(agents.import(found).await?)
}
