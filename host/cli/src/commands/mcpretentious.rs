//! `quarterdeck mcpretentious`: for a configuration that names MCPretentious.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use quarterdeck_server::mcp::ToolFamily;

use super::mcp;
use crate::Setup;

/// The backends that MCPretentious' flag names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MentionedBackend {
    /// Whatever there is
    Auto,
    /// iTerm2
    #[value(alias = "iterm2")]
    Iterm,
    /// tmux
    Tmux,
    /// The host's own, and whatever a call asks for
    Api,
    /// The host's own pseudo-terminals
    Pty,
}

/// Serves the nine tools on standard input and output. With a backend that is not
/// there the server starts all the same, and each tool says what to do.
pub(crate) fn run(mut setup: Setup, backend: MentionedBackend) -> Result<ExitCode> {
    let families = vec![ToolFamily::Mcpretentious];
    match backend {
        MentionedBackend::Auto | MentionedBackend::Api => {}
        MentionedBackend::Pty => setup.config.set_backend("pty".to_owned()),
        MentionedBackend::Tmux => setup.config.set_backend("tmux".to_owned()),
        MentionedBackend::Iterm => {
            return mcp::run_without_backend(setup, families, NO_ITERM2);
        }
    }
    mcp::run(setup, false, Some(families), None)
}

const NO_ITERM2: &str = "The backend iTerm2 is not available in this version of Quarterdeck, so there are no terminals. \
     Leave out --backend (and MCP_TERMINAL_BACKEND) to have terminals of Quarterdeck's own, which need \
     nothing to be installed";

/// What MCPretentious' variable VERBOSE adds to the flag.
pub(crate) fn verbosity() -> u8 {
    let said = std::env::var("VERBOSE").unwrap_or_default();
    u8::from(matches!(said.as_str(), "1" | "true" | "yes"))
}
