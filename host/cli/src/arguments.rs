//! The command line: every flag with its help, in one place.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use quarterdeck_core::gate::Mode;
use quarterdeck_core::policy::PolicyKind;

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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the host: MCP over HTTP, and a socket that `quarterdeck mcp` joins
    Serve {
        /// Address to listen on [default: 127.0.0.1:3456]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
    },
    /// Speak MCP on standard input and output, for an agent's configuration
    ///
    /// Joins this user's running host, so that several agents share its
    /// sessions; without one, hosts by itself until standard input closes.
    Mcp {
        /// Host by itself even if a host runs
        #[arg(long)]
        alone: bool,
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
}
