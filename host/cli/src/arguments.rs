//! The command line: every flag with its help, in one place.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use quarterdeck_core::gate::Mode;
use quarterdeck_core::policy::PolicyKind;
use quarterdeck_core::{BackendChoice, BackendChoiceError};

use crate::commands::plugin::Language;

/// A host for the terminals that coding agents work in.
///
/// Every command that an agent types is judged by policies, which are
/// WebAssembly components in a folder: swap a file, and the rule changes while
/// the host runs.
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Common {
    /// Configuration file [default: config.toml in $XDG_CONFIG_HOME/quarterdeck]
    #[arg(long, global = true, value_name = "FILE", env = "QUARTERDECK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder of policies [default: plugins beside the configuration file]
    #[arg(long, global = true, value_name = "DIR")]
    pub plugins_dir: Option<PathBuf>,
    /// What the gate does with verdicts
    #[arg(long, global = true, value_name = "MODE")]
    pub gate: Option<GateMode>,
    /// Say more on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What carries the sessions of a host.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Backend {
    /// What carries sessions: auto, pty or tmux [default: auto]
    #[arg(long, value_name = "BACKEND", env = "MCP_TERMINAL_BACKEND", value_parser = backend)]
    pub backend: Option<String>,
}

/// Complains of a backend that there is not.
fn backend(text: &str) -> Result<String, BackendChoiceError> {
    text.parse::<BackendChoice>().map(|_| text.to_owned())
}

/// The gate's modes as a flag.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum GateMode {
    /// Ask about review, refuse dangerous
    Enforce,
    /// Let everything run, report verdicts
    Warn,
    /// Judge nothing
    Off,
}

impl From<GateMode> for Mode {
    fn from(mode: GateMode) -> Self {
        match mode {
            GateMode::Enforce => Self::Enforce,
            GateMode::Warn => Self::Warn,
            GateMode::Off => Self::Off,
        }
    }
}

impl Command {
    /// The backend that the command line or the environment asks for.
    pub(crate) fn backend(&self) -> Option<&str> {
        match self {
            Self::Serve { backend, .. } | Self::Mcp { backend, .. } | Self::Run { backend, .. } => {
                backend.backend.as_deref()
            }
            _ => None,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the host: MCP over HTTP, and a socket that `quarterdeck mcp` joins
    Serve {
        /// Address to listen on [default: 127.0.0.1:3456]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
        #[command(flatten)]
        backend: Backend,
    },
    /// Speak MCP on standard input and output, for an agent's configuration
    ///
    /// Joins this user's running host, so that several agents share its
    /// sessions; without one, hosts by itself until standard input closes.
    Mcp {
        /// Host by itself even if a host runs
        #[arg(long)]
        alone: bool,
        #[command(flatten)]
        backend: Backend,
    },
    /// Run one command through the gate; exits with its status
    ///
    /// 126 when the gate refused it, 125 when Quarterdeck itself failed.
    Run {
        /// The command line, as for a shell
        command: String,
        /// Where to run it [default: the current folder]
        #[arg(long, value_name = "DIR")]
        cwd: Option<PathBuf>,
        #[command(flatten)]
        backend: Backend,
    },
    /// Judge a command without running it
    ///
    /// Exits with 0 for safe, 10 for review, 20 for dangerous.
    Check {
        /// The command line
        command: String,
        /// Print the verdict as JSON
        #[arg(long)]
        json: bool,
        /// The folder it would run in [default: the current folder]
        #[arg(long, value_name = "DIR")]
        cwd: Option<PathBuf>,
    },
    /// Approve a command that waits for a person; without ID, list them
    Approve {
        /// The confirmation's id
        id: Option<String>,
        /// Say no instead
        #[arg(long, requires = "id")]
        deny: bool,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at policies, try them, and change those of the plugins folder
    Plugin {
        /// What about them
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Verify the audit log
    Audit {
        /// What about it
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Look for what Quarterdeck needs, and say what to do about what is missing
    Doctor,
    /// Print every setting with its default and meaning
    Config,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What about policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List the policies of the running host, or those that a host would load
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a project for a policy that builds and passes its test at once
    New {
        /// The policy's name
        name: String,
        /// approver, distributor, progress-parser or recovery
        #[arg(long, default_value = "approver")]
        kind: PolicyKind,
        /// The language
        #[arg(long, default_value = "rust")]
        lang: Language,
        /// The project's folder, which is made [default: ./NAME]
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
    /// Load a component as a host would, and say what is wrong with it
    ///
    /// Uses the sidecar FILE.toml beside it, where there is one. Exits with 1
    /// when a host would refuse it.
    Check {
        /// The component
        file: PathBuf,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Hold an approver to a file of cases: commands and their tiers
    ///
    /// Exits with 1 when a verdict is another one, and shows both.
    Test {
        /// The component
        file: PathBuf,
        /// The cases, in TOML: [[case]] with command, tier and, as you like,
        /// rule, piece and config
        #[arg(long)]
        cases: PathBuf,
    },
    /// Time an approver's verdicts, beside what a hook process costs
    Bench {
        /// The component
        file: PathBuf,
        /// The command that is judged
        #[arg(long, default_value = "git fetch && git push origin main")]
        command: String,
    },
    /// Copy a component into the plugins folder, if a host would take it
    ///
    /// A running host takes it over at once. What it replaces is kept for
    /// `plugin rollback`.
    Add {
        /// The component
        file: PathBuf,
        /// The policy's name [default: the file's]
        #[arg(long)]
        name: Option<String>,
        /// Refuse a component with another SHA-256
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Take a component out of the plugins folder; its sidecar stays
    Remove {
        /// The policy
        name: String,
    },
    /// Have a policy asked again
    Enable {
        /// The policy
        name: String,
    },
    /// Have a policy asked no more, also a bundled one
    Disable {
        /// The policy
        name: String,
    },
    /// Put back the version that was replaced or removed last
    Rollback {
        /// The policy
        name: String,
    },
}

/// What about the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the hash chain; exits with 1 at the first row that does not hold
    Verify,
}
