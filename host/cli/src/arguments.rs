//! The command line: every flag with its help.
//!
//! What belongs to a subcommand with many flags is in a file of its own.

mod approve;
mod audit;
mod explain;
mod install;
mod plugin;
mod rule;
mod service;
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use quarterdeck_core::BackendChoice;
use quarterdeck_core::gate::Mode;
use quarterdeck_core::policy::{COMPILE_POLICY, Tier};
use quarterdeck_server::hook::HookAgent;
use quarterdeck_server::mcp::ToolFamily;

pub(crate) use approve::ApproveArguments;
pub(crate) use audit::{AuditCommand, AuditFilter};
pub(crate) use explain::ExplainArguments;
pub(crate) use install::InstallArguments;
pub(crate) use plugin::PluginCommand;
pub(crate) use rule::{RuleAddArguments, RuleAllowArguments, RuleCommand};
pub(crate) use service::ServiceCommand;
pub(crate) use worker::WorkerArguments;

use crate::commands::mcpretentious::MentionedBackend;

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

impl Arguments {
    /// Those of this process; ends it where they are mistaken, or ask for help.
    pub(crate) fn of_this_process() -> Self {
        let mut command = without_empty_variables(Self::command());
        let mut matches = command.get_matches_mut();
        Self::from_arg_matches_mut(&mut matches)
            .unwrap_or_else(|error| error.format(&mut command).exit())
    }
}

/// A variable of the environment that is empty is as good as none, as programs have it
/// that set `QUARTERDECK_CONFIG=` to be rid of one.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let value = argument.get_env().and_then(std::env::var_os);
            match value.is_some_and(|value| value.is_empty()) {
                true => argument.env(None::<&'static str>),
                false => argument,
            }
        })
        .mut_subcommands(without_empty_variables)
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Common {
    /// Configuration file, which has to be there [default: config.toml in $XDG_CONFIG_HOME/quarterdeck, if there is one]
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

impl Common {
    /// The flags once more, for a program that is started elsewhere and later: with
    /// whole paths, and with what came from the environment as a flag.
    pub(crate) fn written_out(&self) -> anyhow::Result<Vec<String>> {
        let mut flags = Vec::new();
        let files = [
            ("--config", &self.config),
            ("--plugins-dir", &self.plugins_dir),
        ];
        for (flag, path) in files {
            if let Some(path) = path {
                let path = std::path::absolute(path)
                    .with_context(|| format!("finding {}", path.display()))?;
                let path = (path.into_os_string().into_string())
                    .map_err(|path| anyhow::anyhow!("{flag} is no text: {path:?}"))?;
                flags.extend([flag.to_owned(), path]);
            }
        }
        if let Some(mode) = self.gate.as_ref().and_then(ValueEnum::to_possible_value) {
            flags.extend(["--gate".to_owned(), mode.get_name().to_owned()]);
        }
        flags.extend((0..self.verbose).map(|_| "--verbose".to_owned()));
        Ok(flags)
    }
}

/// What carries the sessions of a host.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Backend {
    /// What carries new sessions: auto, pty, tmux or iterm2 [default: auto]
    #[arg(long, value_name = "BACKEND", env = "MCP_TERMINAL_BACKEND")]
    pub backend: Option<BackendChoice>,
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

/// Which host a command starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosting {
    /// None.
    None,
    /// One for itself, if none is shared.
    Private,
    /// One for everybody.
    Shared,
}

impl ConfiguredCommand {
    /// Whether sessions may come of it, and for whom.
    pub(crate) fn hosting(&self) -> Hosting {
        match self {
            Self::Serve { .. } => Hosting::Shared,
            Self::Mcp { .. } | Self::Mcpretentious { .. } | Self::Run { .. } | Self::Worker(_) => {
                Hosting::Private
            }
            _ => Hosting::None,
        }
    }

    /// Whether it does one thing and is over, rather than host until it is told to stop.
    pub(crate) fn is_brief(&self) -> bool {
        matches!(self, Self::Run { .. }) || self.hosting() == Hosting::None
    }

    /// The backend that the command line or the environment asks for.
    pub(crate) fn backend(&self) -> Option<BackendChoice> {
        match self {
            Self::Serve { backend, .. } | Self::Mcp { backend, .. } | Self::Run { backend, .. } => {
                backend.backend
            }
            _ => None,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// With a configuration.
    #[command(flatten)]
    Configured(ConfiguredCommand),
    /// Without one.
    #[command(flatten)]
    Plain(PlainCommand),
}

impl Command {
    /// Whether it does one thing and is over, rather than host until it is told to stop.
    pub(crate) fn is_brief(&self) -> bool {
        match self {
            Self::Configured(command) => command.is_brief(),
            Self::Plain(_) => true,
        }
    }
}

/// What needs the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfiguredCommand {
    /// Run the host: MCP over HTTP, and a socket that `quarterdeck mcp` joins
    ///
    /// Policies and their sidecars are read again as they change; all other settings are
    /// read at the start, so SIGHUP changes nothing. SIGINT and SIGTERM end it in good
    /// order, and so does the end of the terminal that it was started from.
    Serve {
        /// Address to listen on [default: 127.0.0.1:3456]
        #[arg(long, value_name = "ADDRESS:PORT", value_parser = listening_address)]
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
    /// sessions, and the next one when that has ended; without one, hosts by
    /// itself until standard input closes. Sessions start in the folder that it
    /// is started in.
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
    /// 126 when the gate refused it, 125 when Quarterdeck itself failed or the shell
    /// does not tell how a command ended (bash, zsh and fish do), 124 when it was not over
    /// in the time of --timeout, 128 and the signal's number when one ended its shell. Where a host is running, its policies have to let the
    /// command through as well.
    ///
    /// The command has a terminal of its own, at which nobody types. A file or a pipe on
    /// standard input is passed on to it, all of it, and counts as part of what is judged
    /// (`</dev/null` passes on nothing). A terminal is not: there you are asked, and a
    /// program that reads from its own terminal waits.
    Run {
        /// The command line, as for a shell
        command: String,
        /// Where to run it [default: the current folder]
        #[arg(long, value_name = "DIR")]
        cwd: Option<PathBuf>,
        /// End it when it is not over by then [default: never]
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=604_800))]
        timeout: Option<u32>,
        #[command(flatten)]
        backend: Backend,
    },
    /// Do tasks of other machines' hosts, which come over a NATS server
    ///
    /// Each task's command passes the gate of this machine, with its policies, and runs
    /// in a session here. Ctrl-C ends it in good order: no task is taken any more, those
    /// that run are finished, or handed back to run elsewhere. Example:
    ///
    ///     quarterdeck worker --nats nats://build.example:4222 --tags linux,gpu --slots 4
    #[command(verbatim_doc_comment)]
    Worker(WorkerArguments),
    /// Judge a command without running it
    ///
    /// Asks the running host or, without one, the policies of the plugins folder,
    /// and says so. Exits with 0 for safe, 10 for review, 20 for dangerous. With --stdin, a
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
    /// Show the running host's sessions: state, processor, memory, last command
    ///
    /// Keys: c, m and n sort by processor, memory and name; q leaves.
    Top {
        /// Print once, as a table; also where nobody watches
        #[arg(long)]
        once: bool,
        /// Print once, as JSON
        #[arg(long)]
        json: bool,
        /// Seconds between two looks
        #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
        every: f64,
    },
    /// Run the host as a service of your own: systemd's or launchd's
    Service {
        /// What about it
        #[command(subcommand)]
        command: ServiceCommand,
    },
    /// Show the log of the host that serves
    Logs {
        /// The newest so many lines
        #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
        lines: usize,
        /// Go on with what comes
        #[arg(short, long)]
        follow: bool,
    },
    /// Copy the audit log, the store and the history into a file, also while a host runs
    ///
    /// Refused from inside a hosted session: it holds what others have run.
    Backup {
        /// A new file
        file: PathBuf,
    },
    /// Put a backup back; no host may run, and what is replaced stays beside it
    Restore {
        /// What `quarterdeck backup` wrote
        file: PathBuf,
    },
    /// Look for what Quarterdeck needs, and say what to do about what is missing
    Doctor,
}

/// What needs none, and works when it is broken.
#[derive(Debug, Subcommand)]
pub(crate) enum PlainCommand {
    /// Carry a session in a pane of iTerm2; hosts start this
    #[command(hide = true)]
    Relay {
        /// Where hosts find it
        socket: PathBuf,
    },
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
        /// claude-code, codex, gemini, copilot, cursor or opencode [default: as the
        /// event looks]
        agent: Option<HookAgent>,
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
    /// Print every setting with its default and meaning
    Config,
    /// Compile a policy into the cache: what a host calls, not a person
    #[command(name = COMPILE_POLICY, hide = true)]
    CompilePolicy,
    /// Write manual pages into a folder
    Man {
        /// For example ~/.local/share/man/man1
        folder: PathBuf,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// A time that a person can wait for.
fn seconds(text: &str) -> Result<f64, String> {
    (text.parse().ok())
        .filter(|seconds| (0.1..=3_600.0).contains(seconds))
        .ok_or_else(|| format!("{text:?} is no number of seconds between 0.1 and 3600"))
}

/// A tier by its name.
fn tier(text: &str) -> Result<Tier, String> {
    [Tier::Safe, Tier::Review, Tier::Dangerous]
        .into_iter()
        .find(|tier| tier.as_str() == text)
        .ok_or_else(|| format!("{text:?} is no tier: write safe, review or dangerous"))
}

/// `127.0.0.1:3456`, `[::1]:3456` or `localhost:3456`.
fn listening_address(text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    address.parse().map_err(|_| {
        "give an address and a port, as in 127.0.0.1:3456; of names only localhost is known"
            .to_owned()
    })
}
