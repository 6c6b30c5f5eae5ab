//! A host without policies whose gate lets everything through, and its streams on a
//! free port.

pub(crate) mod counter;
pub(crate) mod typing;

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::events::EventSettings;
use quarterdeck_core::gate::{GateSettings, Mode};
use quarterdeck_core::monitor::MonitorSettings;
use quarterdeck_core::operations::SshSettings;
use quarterdeck_core::policy::{Limits, Settings};
use quarterdeck_core::recovery::RecoverySettings;
use quarterdeck_core::{
    BackendChoice, Host, HostSettings, RateSettings, SessionSettings, Size, TmuxSocket,
};
use quarterdeck_server::streams::{StreamDoor, StreamSettings, Streams};
use quarterdeck_server::token::Token;
use tokio_util::sync::CancellationToken;

/// What a story about streams needs.
pub(crate) struct Stage {
    pub(crate) host: Arc<Host>,
    pub(crate) address: std::net::SocketAddr,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let host = host(folder.path());
        let token = Token::load_or_create(&folder.path().join("token")).expect("a token");
        let stop = CancellationToken::new();
        let streams = Streams::new(Arc::clone(&host), StreamSettings::default(), stop.clone())
            .expect("threads");
        let any_port = "127.0.0.1:0".parse().expect("an address");
        let door = StreamDoor::bind(any_port).await.expect("a free port");
        let address = door.address();
        tokio::spawn(door.serve(streams, token));
        Self {
            host,
            address,
            stop,
            _folder: folder,
        }
    }

    pub(crate) async fn clear(self) {
        self.stop.cancel();
        self.host.shutdown().await;
    }
}

fn host(folder: &std::path::Path) -> Arc<Host> {
    Host::start(HostSettings {
        sessions: SessionSettings {
            shell: Some("/bin/sh".into()),
            size: Size::default(),
            scrollback_lines: 1_000,
            transcript_bytes: 1 << 20,
            shell_integration: false,
            max_sessions: 1,
            default_idle: Duration::from_secs(86_400),
            ssh: SshSettings::default(),
            backend: BackendChoice::Auto,
            tmux_socket: TmuxSocket::default(),
            iterm2: None,
        },
        gate: GateSettings {
            mode: Mode::Off,
            ..GateSettings::default()
        },
        policies: Settings {
            plugins_dir: folder.join("plugins"),
            cache_dir: folder.join("cache"),
            compiler: None,
            bundled: Vec::new(),
            limits: Limits::default(),
            watch: false,
            kept_instances: Settings::KEPT_BY_A_HOST,
            required: Vec::new(),
        },
        agents_may_change_policies: false,
        audit_path: folder.join("audit.sqlite"),
        audit_retention: quarterdeck_core::audit::Retention::default(),
        store_path: folder.join("store.sqlite"),
        events: EventSettings::default(),
        rates: RateSettings::default(),
        coding_agents: Vec::new(),
        agent_rules: None,
        machines: None,
        resume_agents: None,
        caps: quarterdeck_core::agents::caps::AgentCaps::default(),
        monitor: MonitorSettings::at(folder.join("metrics.sqlite")),
        recovery: RecoverySettings::default(),
        profiles_folder: None,
        output_logs: folder.join("logs"),
    })
    .expect("a host")
}
