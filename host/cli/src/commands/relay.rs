//! `quarterdeck relay`: what runs in a pane of iTerm2 that was opened for a session. Nobody
//! types this.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use quarterdeck_core::relay;

/// Carries a session until its program has ended, and ends as it did.
pub(crate) fn run(socket: &Path) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let status = runtime.block_on(relay::run(socket))?;
    Ok(ExitCode::from(relay::exit_code(status)))
}
