//! The command line: every flag with its help, in one place.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use quarterdeck_core::allow_rules::Until;
use quarterdeck_core::audit::Since;
use quarterdeck_core::gate::Mode;
use quarterdeck_core::policy::{COMPILE_POLICY, PolicyKind, Tier};
use quarterdeck_core::{BackendChoice, BackendChoiceError};
use quarterdeck_server::hook::HookAgent;
use quarterdeck_server::mcp::ToolFamily;

use crate::commands::install::CodingAgent;
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
    /// What carries sessions: auto, pty, tmux or iterm2 [default: auto]
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
    /// Whether sessions may come of it.
    pub(crate) fn starts_a_host(&self) -> bool {
        matches!(
            self,
            Self::Serve { .. } | Self::Mcp { .. } | Self::Mcpretentious { .. } | Self::Run { .. }
        )
    }

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
        /// Tool families that clients see, separated by commas [default: native,enhanced]
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
    /// Carry a session in a pane of iTerm2; hosts start this
    #[command(hide = true)]
    Relay {
        /// Where hosts find it
        socket: PathBuf,
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
    /// Exits with 0 for safe, 10 for review, 20 for dangerous. With --stdin, a
    /// line of JSON is answered with a line of JSON, as it comes. Example:
    ///
    ///     echo '{"command": "rm -rf ~", "cwd": "/tmp"}' | quarterdeck check --stdin
    #[command(verbatim_doc_comment)]
    Check {
        /// The command line
        #[arg(required_unless_present = "stdin")]
        command: Option<String>,
        /// Judge the commands on standard input, a line of JSON each
        #[arg(long, conflicts_with = "command")]
        stdin: bool,
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
    ///
    /// A plain yes is for one use. Who said what is kept in the audit log.
    /// Refused from inside a hosted session.
    Approve(ApproveArguments),
    /// Answer a coding agent's hook: judge the command of its own shell tool
    ///
    /// Reads the agent's event as JSON on standard input and answers as that
    /// agent expects: allow, ask or deny, with the reason. Asks the running host
    /// or, without one, the policies of the plugins folder. What cannot be judged
    /// is refused: a host that hangs within a second, an event that is none with
    /// exit status 2. `quarterdeck install` writes the hook into an agent's
    /// configuration. Example:
    ///
    ///     echo '{"hook_event_name": "PreToolUse", "tool_name": "Bash",
    ///            "tool_input": {"command": "rm -rf ~"}}' | quarterdeck hook
    #[command(verbatim_doc_comment)]
    Hook {
        /// claude-code, codex, gemini, copilot or cursor [default: as the event
        /// looks]
        agent: Option<HookAgent>,
    },
    /// Put Quarterdeck into a coding agent's configuration
    ///
    /// Writes the MCP server and, where the agent has hooks, the hook that has its
    /// own shell tool judged by the same rules. Shows what changes, keeps
    /// everything else as it is, and a backup beside each file. Refused from
    /// inside a hosted session. Example:
    ///
    ///     quarterdeck install claude-code --dry-run
    #[command(verbatim_doc_comment)]
    Install(InstallArguments),
    /// Take Quarterdeck out of a coding agent's configuration
    ///
    /// A file that nobody has changed since is restored to the byte; else only what
    /// is Quarterdeck's is taken out. Refused from inside a hosted session.
    Uninstall(InstallArguments),
    /// Look at policies, try them, and change those of the plugins folder
    Plugin {
        /// What about them
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Make, list, try and remove rules of your own
    ///
    /// `add` makes a rule for the bundled approver out of an example; `allow` is a
    /// standing yes to one exact command. Changes are refused from inside a
    /// hosted session.
    Rule {
        /// What about them
        #[command(subcommand)]
        command: RuleCommand,
    },
    /// Read, verify and export the audit log, and see what shadows said
    ///
    /// Refused from inside a hosted session: it quotes what others have run.
    Audit {
        /// What about it
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Print the catalogue of events that streams carry
    Events {
        /// As JSON Schema, for programs
        #[arg(long, conflicts_with = "docs")]
        schema: bool,
        /// As Markdown, with every field
        #[arg(long)]
        docs: bool,
    },
    /// Look for what Quarterdeck needs, and say what to do about what is missing
    Doctor,
    /// Print every setting with its default and meaning
    Config,
    /// Compile a policy into the cache: what a host calls, not a person
    #[command(name = COMPILE_POLICY, hide = true)]
    CompilePolicy,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

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

/// What is to be approved, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArguments {
    /// The confirmation's id
    pub id: Option<String>,
    /// Allow this command in this session as long as the host runs
    #[arg(long, requires = "id", group = "scope")]
    pub session: bool,
    /// Allow this command in this folder for good: writes an allow rule, which
    /// `quarterdeck rule list` shows
    #[arg(long, requires = "id", group = "scope")]
    pub always: bool,
    /// Say no instead
    #[arg(long, requires = "id", group = "scope")]
    pub deny: bool,
    /// Show commands as they begin to wait; at a terminal, ask about each
    #[arg(long, conflicts_with = "id")]
    pub watch: bool,
    /// Print as JSON, with --watch a line for each
    #[arg(long)]
    pub json: bool,
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

/// What about rules.
#[derive(Debug, Subcommand)]
pub(crate) enum RuleCommand {
    /// Make a rule out of an example
    ///
    /// The rule is about the example's program, its first operands and its
    /// flags, wherever they stand in a command line: behind sudo, in a pipe, in
    /// quotes. It is written only if the approver takes it and it decides the
    /// example. A running host heeds it at once. Example:
    ///
    ///     quarterdeck rule add 'terraform apply' --tier dangerous \
    ///         --why 'Applying goes through the pipeline.'
    #[command(verbatim_doc_comment)]
    Add(RuleAddArguments),
    /// Allow one exact command without being asked again
    ///
    /// The narrower the better: it holds in the current folder unless you say
    /// otherwise. What is dangerous passes only if --overrides names the rule
    /// that says so. Every use is kept in the audit log. Example:
    ///
    ///     quarterdeck rule allow 'git push origin main' --until 8h
    #[command(verbatim_doc_comment)]
    Allow(RuleAllowArguments),
    /// List rules of your own
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take away a rule of your own, by its id, or an allow rule: allow-1
    Remove {
        /// As `quarterdeck rule list` names it
        rule: String,
    },
    /// Hold every rule of your own to its examples; exits with 1 if one fails
    Test,
    /// Show what each policy says to a command, and why
    ///
    /// The same as `quarterdeck explain`, with the allow rules that name the
    /// command.
    Explain(ExplainArguments),
}

/// A rule that is to be made.
#[derive(Debug, clap::Args)]
pub(crate) struct RuleAddArguments {
    /// The example
    pub command: String,
    /// safe, review or dangerous
    #[arg(long, value_parser = tier)]
    pub tier: Tier,
    /// One sentence for whoever is refused or asked
    #[arg(long, value_name = "REASON")]
    pub why: String,
    /// What to do instead
    #[arg(long, value_name = "SUGGESTION")]
    pub instead: Option<String>,
    /// The rule's id [default: own/ and the example's words]
    #[arg(long)]
    pub id: Option<String>,
    /// A command that it must leave alone; may be given again
    #[arg(long, value_name = "COMMAND")]
    pub not: Vec<String>,
}

/// A standing yes.
#[derive(Debug, clap::Args)]
pub(crate) struct RuleAllowArguments {
    /// The command line, to the letter
    pub command: String,
    /// The folder that it has to run in [default: the current folder]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// It may run in any folder
    #[arg(long, conflicts_with = "cwd")]
    pub anywhere: bool,
    /// Only if this client asks, for example claude-code
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// Only in this session
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// Until when: a span (30m, 8h, 7d), a day or a time [default: for good]
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Until>,
    /// Also if this rule of an approver says that it is dangerous
    #[arg(long, value_name = "RULE")]
    pub overrides: Option<String>,
    /// Why
    #[arg(long, value_name = "REASON")]
    pub why: Option<String>,
}

/// A tier by its name.
fn tier(text: &str) -> Result<Tier, String> {
    [Tier::Safe, Tier::Review, Tier::Dangerous]
        .into_iter()
        .find(|tier| tier.as_str() == text)
        .ok_or_else(|| format!("{text:?} is no tier: write safe, review or dangerous"))
}

/// What about the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List rows, oldest first: what was judged, decided, answered, and how it ended
    ///
    /// Example:
    ///
    ///     quarterdeck audit list --since 24h --tier dangerous
    #[command(verbatim_doc_comment)]
    List {
        #[command(flatten)]
        filter: AuditFilter,
        /// The newest so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        /// Print as JSON, a line for each
        #[arg(long)]
        json: bool,
    },
    /// Write rows as JSON lines, with what is needed to verify the chain elsewhere
    Export {
        #[command(flatten)]
        filter: AuditFilter,
        /// Into this new file [default: standard output]
        #[arg(long, value_name = "FILE")]
        into: Option<PathBuf>,
    },
    /// Walk the hash chain; exits with 1 at the first row that does not hold
    ///
    /// Notices rows that were changed, removed or put in another order. Whoever
    /// can write the file can also write a new chain: keep an export elsewhere,
    /// if that matters.
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

/// Which rows of the audit log.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditFilter {
    /// From when on: an age (24h, 7d), a day or a time [default: ever]
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "1970-01-01",
        hide_default_value = true
    )]
    pub since: Since,
    /// About this session
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// With this verdict: safe, review or dangerous
    #[arg(long, value_parser = tier)]
    pub tier: Option<Tier>,
    /// With this decision
    #[arg(long, value_parser = [
        "allowed", "confirmed", "allowed-by-rule", "let-through",
        "confirmation-required", "left-to-caller", "refused", "only-asked",
    ])]
    pub decision: Option<String>,
    /// Of this kind
    #[arg(long, value_parser = ["verdict", "outcome", "approval", "secret", "allow-rule"])]
    pub kind: Option<String>,
    /// Whose command holds this text
    #[arg(long)]
    pub text: Option<String>,
}
