//! `quarterdeck compile-policy`: what a host calls to have a component compiled
//! in a process of its own.

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::policy::compile_into_cache;

/// Compiles what standard input brings into the cache of compiled code.
pub(crate) fn run() -> Result<ExitCode> {
    compile_into_cache(&mut std::io::stdin().lock())?;
    Ok(ExitCode::SUCCESS)
}
