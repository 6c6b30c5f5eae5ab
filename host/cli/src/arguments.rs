//! The command line: every flag with its help, in one place.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use quarterdeck_core::audit::Since;
use quarterdeck_core::gate::Mode;
use quarterdeck_core::policy::PolicyKind;
use quarterdeck_core::{BackendChoice, BackendChoiceError};
use quarterdeck_server::mcp::ToolFamily;

use crate::commands::mcpretentious::MentionedBackend;
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
        /// Tool families that clients see, separated by commas [default: native]
        #[arg(long, value_name = "FAMILIES", value_delimiter = ',')]
        tools: Option<Vec<ToolFamily>>,
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
        /// Tool families that the client sees, separated by commas [default: the host's]
        #[arg(long, value_name = "FAMILIES", value_delimiter = ',')]
        tools: Option<Vec<ToolFamily>>,
        /// The agent that the client is: its locks let it through, its role binds it
        #[arg(long, value_name = "NAME", env = "QUARTERDECK_AGENT")]
        agent: Option<String>,
        #[command(flatten)]
        backend: Backend,
    },
    /// Stand in for MCPretentious: its nine tools on standard input and output
    ///
    /// Takes that server's flags, so that a client's configuration changes the
    /// program's name and nothing else. The same as `mcp --tools mcpretentious`.
    Mcpretentious {
        /// What carries new terminals
        #[arg(
            short,
            long,
            value_name = "BACKEND",
            env = "MCP_TERMINAL_BACKEND",
            default_value = "auto"
        )]
        backend: MentionedBackend,
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
    /// Show what each policy says to a command, an incident or a screen, and why
    ///
    /// A command is put to the running host or, without one, to the policies of
    /// the plugins folder; everything else to those of the folder.
    Explain(ExplainArguments),
    /// Take over the agents and teams of iterm-mcp
    Import {
        /// The folder of agents.jsonl and teams.jsonl [default: ~/.iterm_mcp_logs]
        folder: Option<PathBuf>,
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
    /// Verify the audit log, and see what shadows said
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
    /// Build the policy in a folder, and check what came out
    ///
    /// Tells the language by Cargo.toml, package.json, policy.py or Makefile, and
    /// uses its tools; says which one is missing and how to get it. The component
    /// is dist/NAME.wasm. Example:
    ///
    ///     quarterdeck plugin build no-push
    #[command(verbatim_doc_comment)]
    Build {
        /// The project's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
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
    /// Hold a policy of any kind to a file of cases
    ///
    /// Calls it as a host would, with the limits and grants of the sidecar
    /// FILE.toml beside it. Shows what differs, and exits with 1 if something
    /// does. Example:
    ///
    ///     quarterdeck plugin test dist/my-policy.wasm --cases cases.toml
    #[command(verbatim_doc_comment)]
    Test {
        /// The component
        file: PathBuf,
        /// The cases, in TOML: `kind` and [[case]]s
        ///
        /// For an approver: command, tier and, as you like, rule, piece and
        /// config. The other kinds have a name, config, and batch (distributor),
        /// output (progress-parser) or incident and expect (recovery).
        #[arg(long)]
        cases: PathBuf,
    },
    /// Time a policy's calls, beside what a hook process costs
    ///
    /// Example:
    ///
    ///     quarterdeck plugin bench dist/my-policy.wasm --command 'git push'
    #[command(verbatim_doc_comment)]
    Bench {
        /// The component
        file: PathBuf,
        /// The command that an approver judges
        #[arg(long, default_value = "git fetch && git push origin main")]
        command: String,
        /// A request in TOML to ask instead, with the names of the WIT
        #[arg(long, value_name = "FILE", conflicts_with = "command")]
        request: Option<PathBuf>,
    },
    /// List the past commands whose verdict a component would change
    ///
    /// Puts the commands of the audit log to the component, with the sidecar
    /// FILE.toml beside it where there is one, as if it ruled in the place of the
    /// policy of its name. Exits with 0 when nothing would change, with 1 when
    /// something would, and with 2 when nothing could be compared.
    Diff {
        /// The component
        file: PathBuf,
        /// The policy that it would replace [default: the file's name]
        #[arg(long)]
        name: Option<String>,
        /// From when on: an age (24h, 7d), a day or a time [default: ever]
        #[arg(
            long,
            value_name = "WHEN",
            default_value = "1970-01-01",
            hide_default_value = true
        )]
        since: Since,
        /// Replay the newest so many commands
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        limit: usize,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a policy or a component is, imports, exports and may do
    ///
    /// Claims of the component's own metadata (authors, version) are shown as
    /// they are; nobody verified them. Example:
    ///
    ///     quarterdeck plugin inspect safety-tiers
    #[command(verbatim_doc_comment)]
    Inspect {
        /// A policy's name, or a component's file
        #[arg(value_name = "NAME|FILE")]
        policy: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a component into the plugins folder, if a host would take it
    ///
    /// It comes from a file, from https:// (http:// on this machine), or from an
    /// OCI registry that asks for no password. A running host takes it over at
    /// once. What it replaces is kept for `plugin rollback`. Examples:
    ///
    ///     quarterdeck plugin add dist/no-push.wasm
    ///     quarterdeck plugin add https://example.org/no-push.wasm --sha256 HEX
    ///     quarterdeck plugin add oci://ghcr.io/someone/no-push:1.0
    #[command(verbatim_doc_comment)]
    Add {
        /// The component
        #[arg(value_name = "FILE|URL|OCI-REFERENCE")]
        from: String,
        /// The policy's name [default: as the file or the repository]
        #[arg(long)]
        name: Option<String>,
        /// Refuse a component with another SHA-256; a URL needs it
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
    /// Have a policy rule that was in shadow: asked, but not obeyed
    ///
    /// A sidecar that says `mode = "shadow"` puts an approver there; this makes
    /// it say `mode = "ruling"`. Example:
    ///
    ///     quarterdeck plugin promote no-push
    #[command(verbatim_doc_comment)]
    Promote {
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
    /// How often each policy in shadow mode differed from those that rule
    Shadows {
        /// From when on: an age (24h, 7d), a day or a time [default: ever]
        #[arg(
            long,
            value_name = "WHEN",
            default_value = "1970-01-01",
            hide_default_value = true
        )]
        since: Since,
        /// Look at the newest so many commands
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        limit: usize,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}
