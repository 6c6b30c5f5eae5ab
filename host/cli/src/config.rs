//! The configuration: defaults, file, environment, flags, each over the one
//! before.
//!
//! `config.toml` beside this file is both the documentation that `quarterdeck
//! config` prints and the defaults themselves, so the two cannot disagree.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_core::agents::caps::AgentCaps;
use quarterdeck_core::coding_agents::ResumeSettings;
use quarterdeck_core::events::EventSettings;
use quarterdeck_core::gate::{GateSettings, Mode, OverrideLimit};
use quarterdeck_core::monitor::MonitorSettings;
use quarterdeck_core::operations::SshSettings;
use quarterdeck_core::recovery::RecoverySettings;
use quarterdeck_core::{
    BackendChoice, ClientLimit, RateLimit, RateSettings, SessionSettings, Size, TmuxSocket,
};
use quarterdeck_server::mcp::ToolFamily;
use quarterdeck_server::streams::StreamSettings;
use serde::Deserialize;

mod doubts;
mod machines;
mod mistakes;
mod ranges;
mod sources;
mod watching;

use crate::telemetry::TelemetrySettings;
pub(crate) use doubts::{listens_to_others, unknown_strategy, unknown_variables};
use machines::Nats;
use sources::Sources;
pub(crate) use sources::{ConfigFile, variables};
use watching::{Mending, Watching};

/// The annotated default file.
pub(crate) const DEFAULT_FILE: &str = include_str!("config.toml");

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Address of the HTTP door.
    #[serde(deserialize_with = "sources::address")]
    pub listen: SocketAddr,
    /// Empty for the default folder.
    pub plugins_dir: PathBuf,
    /// The tool families that MCP clients see.
    pub tools: Vec<ToolFamily>,
    sessions: Sessions,
    ssh: Ssh,
    gate: Gate,
    /// Policies.
    pub policies: Policies,
    streams: Streams,
    agents: Agents,
    tasks: Tasks,
    events: Events,
    rate_limits: RateLimits,
    monitor: Watching,
    recovery: Mending,
    /// gRPC.
    pub grpc: Grpc,
    /// The way to other machines.
    pub nats: Nats,
    /// Traces and metrics.
    pub telemetry: TelemetrySettings,
    /// Logging.
    pub log: Log,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Sessions {
    shell: PathBuf,
    columns: u16,
    rows: u16,
    scrollback_lines: usize,
    transcript_bytes: usize,
    shell_integration: bool,
    backend: String,
    tmux_socket: String,
    max: usize,
    default_idle_seconds: u64,
}

/// Sessions on other machines.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Ssh {
    host_keys: HostKeys,
    known_hosts: PathBuf,
    timeout_seconds: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum HostKeys {
    AcceptNew,
    Strict,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Gate {
    mode: Mode,
    confirmation_seconds: u64,
    #[serde(rename = "override")]
    override_limit: OverrideLimit,
}

/// Policies.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policies {
    /// Whether the folder is watched.
    pub watch: bool,
    /// Milliseconds for one call.
    pub deadline_ms: u64,
    /// MiB for one call.
    pub memory_mib: u64,
    /// Whether agents may have policies loaded.
    pub agents_may_change: bool,
    /// Approvers that must not be missing.
    pub required: Vec<String>,
}

/// Streams of events.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Streams {
    #[serde(deserialize_with = "sources::address_if_any")]
    listen: Option<SocketAddr>,
    require_token: bool,
    origins: Vec<String>,
    coding_agents: Vec<String>,
}

/// Coding agents in sessions.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Agents {
    resume_after_limit: bool,
    resume_prompt: String,
    resume_seconds: u64,
    max: usize,
    max_depth: u32,
    max_delegations: usize,
    max_work_seconds: u64,
}

/// Tasks.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Tasks {
    max_seconds: u64,
}

/// Events of the past.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Events {
    keep_days: u64,
    keep_mib: u64,
}

/// How often callers may ask.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct RateLimits {
    apply_to: BTreeSet<String>,
    per_minute: NonZeroU32,
    per_hour: NonZeroU32,
    burst: NonZeroU32,
    clients: Vec<String>,
    /// 0 for no limit.
    others_per_minute: u32,
    others_per_hour: NonZeroU32,
    others_burst: NonZeroU32,
}

/// gRPC, for iterm-mcp's clients.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grpc {
    /// Whether it is served.
    pub enabled: bool,
    /// Its address.
    #[serde(deserialize_with = "sources::address")]
    pub listen: SocketAddr,
}

/// Logging.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// A level or a filter.
    pub level: String,
}

impl Config {
    /// The configuration from `file` and `environment`.
    pub(crate) fn load(
        file: &ConfigFile,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let sources = Sources::read(file, &environment)?;
        let config: Self = sources.settings()?;
        match config.mistake() {
            Some((setting, problem)) => Err(sources.wrong(setting, problem)),
            None => Ok(config),
        }
    }

    /// How the gate is to behave.
    pub(crate) fn gate_settings(&self) -> GateSettings {
        GateSettings {
            mode: self.gate.mode,
            confirmation_lifetime: Duration::from_secs(self.gate.confirmation_seconds),
            override_limit: self.gate.override_limit,
            allow_rules: None,
        }
    }

    /// Whether the gate asks and refuses, and nobody overrides it.
    pub(crate) fn gate_asks(&self) -> bool {
        self.gate.mode == Mode::Enforce && self.gate.override_limit == OverrideLimit::None
    }

    /// How the host watches itself and its sessions.
    pub(crate) fn monitor_settings(&self, metrics_path: PathBuf) -> MonitorSettings {
        self.monitor.settings(metrics_path)
    }

    /// How sessions are mended.
    pub(crate) fn recovery_settings(&self) -> RecoverySettings {
        self.recovery.settings()
    }

    /// Takes the gate's mode from a flag.
    pub(crate) fn set_gate_mode(&mut self, mode: Mode) {
        self.gate.mode = mode;
    }

    /// What carries sessions.
    pub(crate) fn backend(&self) -> Result<BackendChoice> {
        let backend = self.sessions.backend.parse();
        backend.context("sessions.backend in the configuration")
    }

    /// What carries sessions, as it was chosen.
    pub(crate) fn backend_name(&self) -> &str {
        &self.sessions.backend
    }

    /// Takes what carries sessions from a flag.
    pub(crate) fn set_backend(&mut self, backend: String) {
        self.sessions.backend = backend;
    }

    /// The second address of streams; `None` for none.
    pub(crate) fn streams_address(&self) -> Option<SocketAddr> {
        self.streams.listen
    }

    /// Who may listen to streams.
    pub(crate) fn stream_settings(&self) -> StreamSettings {
        StreamSettings {
            require_token: self.streams.require_token,
            origins: self.streams.origins.clone(),
        }
    }

    /// The programs that are coding agents.
    pub(crate) fn coding_agents(&self) -> Vec<String> {
        self.streams.coding_agents.clone()
    }

    /// How agents are told to go on when a limit is lifted; `None`: they are not.
    pub(crate) fn resume_agents(&self) -> Option<ResumeSettings> {
        self.agents.resume_after_limit.then(|| ResumeSettings {
            prompt: self.agents.resume_prompt.clone(),
            after: Duration::from_secs(self.agents.resume_seconds),
        })
    }

    /// How many agents there may be, how deep, and for how long.
    pub(crate) fn agent_caps(&self) -> AgentCaps {
        let seconds = self.agents.max_work_seconds;
        AgentCaps {
            agents: self.agents.max,
            depth: self.agents.max_depth,
            delegations: self.agents.max_delegations,
            work: (seconds > 0).then(|| Duration::from_secs(seconds)),
            task: Duration::from_secs(self.tasks.max_seconds),
        }
    }

    /// Which events are kept.
    pub(crate) fn event_settings(&self) -> EventSettings {
        EventSettings {
            keep_for: Duration::from_secs(self.events.keep_days.saturating_mul(24 * 3600)),
            keep_bytes: self.events.keep_mib.saturating_mul(1024 * 1024),
        }
    }

    /// How often callers may ask.
    pub(crate) fn rate_settings(&self) -> Result<RateSettings> {
        let limits = &self.rate_limits;
        let clients: Result<Vec<ClientLimit>, _> =
            limits.clients.iter().map(|text| text.parse()).collect();
        Ok(RateSettings {
            apply_to: limits.apply_to.clone(),
            limit: RateLimit {
                per_minute: limits.per_minute,
                per_hour: limits.per_hour,
                burst: limits.burst,
            },
            others: NonZeroU32::new(limits.others_per_minute).map(|per_minute| RateLimit {
                per_minute,
                per_hour: limits.others_per_hour,
                burst: limits.others_burst,
            }),
            clients: clients.context("rate_limits.clients in the configuration")?,
        })
    }

    /// How sessions are to be opened.
    pub(crate) fn session_settings(&self) -> Result<SessionSettings> {
        let size = Size::new(self.sessions.columns, self.sessions.rows)
            .context("sessions.columns and sessions.rows in the configuration")?;
        Ok(SessionSettings {
            shell: Some(self.sessions.shell.clone()).filter(|shell| !shell.as_os_str().is_empty()),
            size,
            scrollback_lines: self.sessions.scrollback_lines,
            transcript_bytes: self.sessions.transcript_bytes,
            shell_integration: self.sessions.shell_integration,
            max_sessions: self.sessions.max,
            default_idle: Duration::from_secs(self.sessions.default_idle_seconds),
            ssh: SshSettings {
                accept_new_hosts: self.ssh.host_keys == HostKeys::AcceptNew,
                known_hosts: Some(self.ssh.known_hosts.clone())
                    .filter(|file| !file.as_os_str().is_empty()),
                timeout: Duration::from_secs(self.ssh.timeout_seconds),
            },
            backend: self.backend()?,
            tmux_socket: match self.sessions.tmux_socket.as_str() {
                "" => TmuxSocket::Users,
                name => TmuxSocket::Named(name.to_owned()),
            },
            // Where it is, the paths tell.
            iterm2: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("config.toml");
        std::fs::write(&file, text)?;
        Config::load(&ConfigFile::Usual(file), |name| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_default_file_is_complete() {
        let config = load("", &[]).expect("defaults");
        assert_eq!(config.listen, "127.0.0.1:3456".parse().expect("address"));
        assert_eq!(config.gate_settings().mode, Mode::Enforce);
        assert_eq!(load(DEFAULT_FILE, &[]).expect("itself"), config);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load(
            "[sessions]\ncolumns = 90\nrows = 30",
            &[
                ("QUARTERDECK_SESSIONS_COLUMNS", "100"),
                ("QUARTERDECK_POLICIES_REQUIRED", "safety-tiers, mine"),
            ],
        )
        .expect("load");
        let size = config.session_settings().expect("sessions").size;
        assert_eq!((size.columns(), size.rows()), (100, 30));
        assert_eq!(config.policies.required, ["safety-tiers", "mine"]);
    }

    #[test]
    fn every_documented_variable_is_a_setting() {
        let documented: Vec<&str> = DEFAULT_FILE
            .split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
            .filter(|word| word.starts_with("QUARTERDECK_"))
            .collect();
        let settings = DEFAULT_FILE
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains(" = "))
            .count();
        assert_eq!(documented.len(), settings);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, named) in [
            ("colour = 1", "colour"),
            ("[sessions]\ncolums = 90", "sessions.colums"),
            ("sessions = 1", "sessions"),
            ("tools = [\"native\", \"tmux\"]", "tmux"),
            ("tools = []", "tools is []"),
            ("listen = \"nonsense\"", "listen is \"nonsense\""),
            ("listen = 7", "listen is 7"),
            ("[grpc]\nlisten = \"x\"", "grpc.listen is \"x\""),
            ("[streams]\nlisten = \"x\"", "streams.listen is \"x\""),
            ("[streams]\norigins = [\"*\"]", "streams.origins"),
            (
                "[sessions]\ncolumns = 70000",
                "write a whole number from 2 to 1000",
            ),
            ("[sessions]\nrows = -1", "sessions.rows is -1"),
            ("[sessions]\nmax = 0", "sessions.max is 0"),
            (
                "[sessions]\nshell_integration = \"yes\"",
                "write true or false",
            ),
            ("[sessions]\ntmux_socket = \"a/b\"", "sessions.tmux_socket"),
            ("[sessions]\nbackend = \"screen\"", "sessions.backend"),
            ("[gate]\nmode = \"x\"", "gate.mode is \"x\""),
            (
                "[gate]\nconfirmation_seconds = 0",
                "gate.confirmation_seconds",
            ),
            ("[policies]\nrequired = \"x\"", "write a list of texts"),
            ("[policies]\nmemory_mib = 0", "policies.memory_mib is 0"),
            (
                "[policies]\ndeadline_ms = 100000",
                "write a whole number from 1 to 5000",
            ),
            (
                "[rate_limits]\nper_minute = 0",
                "rate_limits.per_minute is 0",
            ),
            ("[rate_limits]\napply_to = [\"x\"]", "rate_limits.apply_to"),
            ("[rate_limits]\nclients = [\"x\"]", "rate_limits.clients"),
            ("[nats]\nreplicas = 9", "nats.replicas is 9"),
            ("[log]\nlevel = \"x\"", "log.level is \"x\""),
        ] {
            let error = format!("{:#}", load(text, &[]).expect_err(text));
            assert!(error.contains(named), "{text}: {error}");
            assert!(error.contains("config.toml"), "{text}: {error}");
        }
    }

    #[test]
    fn mistakes_in_the_environment_name_the_variable() {
        for (variable, value) in [
            ("QUARTERDECK_SESSIONS_ROWS", "many"),
            ("QUARTERDECK_SESSIONS_ROWS", "5000"),
            ("QUARTERDECK_LISTEN", ""),
            ("QUARTERDECK_GATE_MODE", "x"),
            ("QUARTERDECK_TOOLS", "native,x"),
        ] {
            let error = format!("{:#}", load("", &[(variable, value)]).expect_err(value));
            assert!(error.contains(variable), "{error}");
        }
    }

    #[test]
    fn a_file_that_was_named_has_to_be_there() {
        let nowhere = PathBuf::from("/nowhere/config.toml");
        let loaded = |file: &ConfigFile| Config::load(file, |_| None);
        assert!(loaded(&ConfigFile::Usual(nowhere.clone())).is_ok());
        let error = loaded(&ConfigFile::Named(nowhere)).expect_err("not there");
        assert!(error.to_string().contains("/nowhere/config.toml"));
    }
}
