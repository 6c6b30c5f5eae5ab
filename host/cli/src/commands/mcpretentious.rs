//! `quarterdeck mcpretentious`: for a configuration that names MCPretentious.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use quarterdeck_core::{BackendChoice, BackendKind};
use quarterdeck_server::mcp::{ClientSettings, ToolFamily};

use super::mcp;
use crate::Setup;
use crate::hosting::iterm2_settings;

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
    /// Whatever a call asks for
    Api,
    /// The host's own pseudo-terminals
    Pty,
}

/// Serves the nine tools on standard input and output. With a backend that is not
/// there the server starts all the same, and each tool says what to do.
pub(crate) fn run(mut setup: Setup, backend: MentionedBackend) -> Result<ExitCode> {
    let kind = match backend {
        MentionedBackend::Auto | MentionedBackend::Api => None,
        MentionedBackend::Pty => Some(BackendKind::Pty),
        MentionedBackend::Tmux => Some(BackendKind::Tmux),
        MentionedBackend::Iterm => Some(BackendKind::Iterm2),
    };
    let client = ClientSettings {
        tools: Some(vec![ToolFamily::Mcpretentious]),
        backend: kind.map(BackendChoice::Only),
        calls_name_backends: backend == MentionedBackend::Api,
        ..ClientSettings::default()
    };
    let iterm2_may_be_there = || iterm2_settings(&setup).is_some_and(|it| it.may_be_there());
    if kind == Some(BackendKind::Iterm2) && !iterm2_may_be_there() {
        return mcp::run_without_backend(setup, client, NO_ITERM2);
    }
    if let Some(kind) = kind {
        setup.config.set_backend(kind.as_str().to_owned());
    }
    mcp::run(setup, false, client)
}

const NO_ITERM2: &str = "iTerm2 is not there: it runs on macOS, with its Python API enabled. So there are no terminals. \
     Leave out --backend (and MCP_TERMINAL_BACKEND) to have terminals of Quarterdeck's own, which need \
     nothing to be installed";

/// What MCPretentious' variable VERBOSE adds to the flag.
pub(crate) fn verbosity() -> u8 {
    let said = std::env::var("VERBOSE").unwrap_or_default();
    u8::from(matches!(said.as_str(), "1" | "true" | "yes"))
}
