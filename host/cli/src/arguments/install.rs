//! `quarterdeck install` and `uninstall`.

use crate::commands::install::CodingAgent;

/// Whose configuration is changed, and what of it.
#[derive(Debug, clap::Args)]
pub(crate) struct InstallArguments {
    /// The agent
    pub agent: CodingAgent,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Leave the hook alone: the MCP server only
    #[arg(long)]
    pub no_hook: bool,
}
