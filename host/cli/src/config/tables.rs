//! The tables of the file, setting by setting as they are written there; what each means
//! is told in `config.toml`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use quarterdeck_core::gate::{Mode, OverrideLimit};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Sessions {
    pub(super) shell: PathBuf,
    pub(super) columns: u16,
    pub(super) rows: u16,
    pub(super) scrollback_lines: usize,
    pub(super) transcript_bytes: usize,
    pub(super) shell_integration: bool,
    pub(super) backend: String,
    pub(super) tmux_socket: String,
    pub(super) max: usize,
    pub(super) default_idle_seconds: u64,
}

/// Sessions on other machines.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Ssh {
    pub(super) host_keys: HostKeys,
    pub(super) known_hosts: PathBuf,
    pub(super) timeout_seconds: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum HostKeys {
    AcceptNew,
    Strict,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    pub(super) mode: Mode,
    pub(super) confirmation_seconds: u64,
    #[serde(rename = "override")]
    pub(super) override_limit: OverrideLimit,
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
pub(super) struct Streams {
    #[serde(deserialize_with = "super::sources::address_if_any")]
    pub(super) listen: Option<SocketAddr>,
    pub(super) require_token: bool,
    pub(super) origins: Vec<String>,
    pub(super) coding_agents: Vec<String>,
}

/// Coding agents in sessions.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Agents {
    pub(super) resume_after_limit: bool,
    pub(super) resume_prompt: String,
    pub(super) resume_seconds: u64,
    pub(super) max: usize,
    pub(super) max_depth: u32,
    pub(super) max_delegations: usize,
    pub(super) max_work_seconds: u64,
}

/// Tasks.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Tasks {
    pub(super) max_seconds: u64,
}

/// The audit log.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    pub(super) keep_days: u64,
    pub(super) keep_mib: u64,
}

/// Events of the past.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    pub(super) keep_days: u64,
    pub(super) keep_mib: u64,
}

/// How often callers may ask.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimits {
    pub(super) apply_to: BTreeSet<String>,
    pub(super) per_minute: NonZeroU32,
    pub(super) per_hour: NonZeroU32,
    pub(super) burst: NonZeroU32,
    pub(super) clients: Vec<String>,
    /// 0 for no limit.
    pub(super) others_per_minute: u32,
    pub(super) others_per_hour: NonZeroU32,
    pub(super) others_burst: NonZeroU32,
}

/// gRPC, for iterm-mcp's clients.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grpc {
    /// Whether it is served.
    pub enabled: bool,
    /// Its address.
    #[serde(deserialize_with = "super::sources::address")]
    pub listen: SocketAddr,
    /// Whether every call has to show the token. If not, processes of the host's own
    /// user on this machine need none.
    pub require_token: bool,
}

/// Logging.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// A level or a filter.
    pub level: String,
}
