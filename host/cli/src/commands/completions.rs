//! `quarterdeck completions`.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;

/// Prints the script that a shell's completion wants.
pub fn print(shell: Shell) -> ExitCode {
    let mut command = Arguments::command();
    clap_complete::generate(shell, &mut command, "quarterdeck", &mut std::io::stdout());
    ExitCode::SUCCESS
}
