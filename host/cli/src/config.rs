//! The configuration: defaults, file, environment, flags, each over the one
//! before.
//!
//! `config.toml` beside this file is both the documentation that `quarterdeck
//! config` prints and the defaults themselves, so the two cannot disagree.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use quarterdeck_server::mcp::ToolFamily;
use serde::Deserialize;

mod doubts;
mod machines;
mod mistakes;
mod ranges;
mod settings;
mod sources;
mod tables;
mod watching;

use crate::telemetry::TelemetrySettings;
pub(crate) use doubts::{listens_to_others, unknown_strategy, unknown_variables};
use machines::Nats;
use sources::Sources;
pub(crate) use sources::set_variables;
pub(crate) use sources::{ConfigFile, variables};
use tables::{
    Agents, Audit, Events, Gate, Grpc, Log, Policies, RateLimits, Sessions, Ssh, Streams, Tasks,
};
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
    audit: Audit,
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
}

#[cfg(test)]
mod tests {
    use quarterdeck_core::gate::Mode;

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
