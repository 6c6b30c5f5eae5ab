//! What the settings amount to, in the types of those whom they concern.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_core::agents::caps::AgentCaps;
use quarterdeck_core::audit::Retention;
use quarterdeck_core::coding_agents::ResumeSettings;
use quarterdeck_core::events::EventSettings;
use quarterdeck_core::gate::{GateSettings, Mode, OverrideLimit};
use quarterdeck_core::monitor::MonitorSettings;
use quarterdeck_core::operations::SshSettings;
use quarterdeck_core::recovery::RecoverySettings;
use quarterdeck_core::{
    BackendChoice, ClientLimit, RateLimit, RateSettings, SessionSettings, Size, TmuxSocket,
};
use quarterdeck_server::streams::StreamSettings;

use super::Config;
use super::tables::{Audit, HostKeys};

impl Config {
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

    /// MB that are to be free on the disk with the state.
    pub(crate) fn free_disk_mb(&self) -> u64 {
        self.monitor.free_disk_mb()
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

    /// How much of the audit log is kept.
    pub(crate) fn audit_retention(&self) -> Retention {
        let Audit {
            keep_days,
            keep_mib,
        } = self.audit;
        Retention {
            age: (keep_days > 0).then(|| Duration::from_secs(keep_days.saturating_mul(24 * 3600))),
            bytes: (keep_mib > 0).then(|| keep_mib.saturating_mul(1024 * 1024)),
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
