//! `quarterdeck completions`.

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;

/// Prints the script that a shell's completion wants.
pub(crate) fn print(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "quarterdeck", &mut script);
    // Whoever reads only the beginning wants no more.
    let _ = std::io::stdout().write_all(&script);
    ExitCode::SUCCESS
}
