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
pub(crate) fn run(setup: Setup, backend: MentionedBackend) -> Result<ExitCode> {
    let families = vec![ToolFamily::Mcpretentious];
    match backend {
        MentionedBackend::Auto | MentionedBackend::Api | MentionedBackend::Pty => {
            mcp::run(setup, false, Some(families))
        }
        MentionedBackend::Iterm => mcp::run_without_backend(setup, families, &remedy("iTerm2")),
        MentionedBackend::Tmux => mcp::run_without_backend(setup, families, &remedy("tmux")),
    }
}

fn remedy(backend: &str) -> String {
    format!(
        "The backend {backend} is not available in this version of Quarterdeck, so there are no terminals. \
         Leave out --backend (and MCP_TERMINAL_BACKEND) to have terminals of Quarterdeck's own, which need \
         nothing to be installed"
    )
}

/// What MCPretentious' variable VERBOSE adds to the flag.
pub(crate) fn verbosity() -> u8 {
    let said = std::env::var("VERBOSE").unwrap_or_default();
    u8::from(matches!(said.as_str(), "1" | "true" | "yes"))
}
