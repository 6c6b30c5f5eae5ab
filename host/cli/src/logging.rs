//! Logs: structured lines on standard error.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

/// Starts logging at `level`, a level or a filter; `verbose` raises it.
pub(crate) fn start(level: &str, verbose: u8) -> Result<()> {
    let filter = match verbose {
        0 => level,
        1 => "debug",
        _ => "trace",
    };
    // The protocol library and the compiler speak up about much that is normal.
    let quiet = ["wasmtime", "cranelift", "hyper"]
        .map(|noisy| format!("{noisy}=error"))
        .join(",");
    // Last, so that nothing overrides it: from its lower levels the protocol
    // library logs whole calls, with the passwords that some of them bring.
    let filter = if verbose > 1 {
        format!("{filter},rmcp=info")
    } else {
        format!("{quiet},{filter},rmcp=error")
    };
    let filter = EnvFilter::try_new(&filter).with_context(|| {
        format!("log.level {level:?} is not a level (error, warn, info, debug, trace) or a filter")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    Ok(())
}
