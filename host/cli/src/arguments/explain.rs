//! `quarterdeck explain`.

use std::path::PathBuf;

/// What is to be explained.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArguments {
    /// The command line, in quotes or not; what follows its first word belongs
    /// to it
    #[arg(
        trailing_var_arg = true,
        required_unless_present_any = ["incident", "screen", "audit", "replay"],
    )]
    pub command: Vec<String>,
    /// Put the incident in this JSON file to the recoveries
    #[arg(
        long,
        value_name = "FILE",
        group = "instead",
        conflicts_with = "command"
    )]
    pub incident: Option<PathBuf>,
    /// Put the session's output in this JSON file to the progress parsers
    #[arg(
        long,
        value_name = "FILE",
        group = "instead",
        conflicts_with = "command"
    )]
    pub screen: Option<PathBuf>,
    /// Show what was said to the command of this row of the audit log
    #[arg(
        long,
        value_name = "ROW",
        group = "instead",
        conflicts_with = "command"
    )]
    pub audit: Option<i64>,
    /// Put what --save wrote to the policies of the folder, without a host
    #[arg(
        long,
        value_name = "FILE",
        group = "instead",
        conflicts_with = "command"
    )]
    pub replay: Option<PathBuf>,
    /// Write what was asked into a file, for --replay
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// The folder that the command would run in [default: the current folder]
    #[arg(long, value_name = "DIR", requires = "command")]
    pub cwd: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}
