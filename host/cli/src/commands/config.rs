//! `quarterdeck config`.

use std::process::ExitCode;

use crate::config::DEFAULT_FILE;

/// Prints the annotated defaults.
pub fn print() -> ExitCode {
    anstream::print!("{DEFAULT_FILE}");
    ExitCode::SUCCESS
}
