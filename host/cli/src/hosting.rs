//! Starting a host inside this process, and stopping it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use quarterdeck_core::gate::GateSettings;
use quarterdeck_core::policy::{Limits, Settings};
use quarterdeck_core::tasks::Machines;
use quarterdeck_core::{
    Host, HostSettings, Iterm2Address, Iterm2Settings, RelayProgram, ancestry, open_files,
};
use quarterdeck_nats::NatsMachines;

use crate::{Setup, bundled, idle_pages};

/// Files that a host has open for its stores, its policies and its listeners.
const FILES_OF_THE_HOST: u64 = 200;

/// Files that a session takes, with what its clients have open for it.
const FILES_OF_A_SESSION: u64 = 3;

/// Starts a host with this configuration. Call it inside a runtime.
pub(crate) fn start_host(setup: &Setup) -> Result<Arc<Host>> {
    let host = start_host_with(setup, policy_settings(setup), setup.paths.store_file())?;
    idle_pages::give_back_regularly();
    Ok(host)
}

/// The same for a host that does other hosts' tasks: what it has done is kept in a store
/// of its own.
pub(crate) fn start_host_for_others(setup: &Setup, store: PathBuf) -> Result<Arc<Host>> {
    let host = start_host_with(setup, policy_settings(setup), store)?;
    idle_pages::give_back_regularly();
    Ok(host)
}

/// The same for a program that judges one command and ends: nobody watches the
/// plugins folder.
pub(crate) fn start_host_for_one_command(setup: &Setup) -> Result<Arc<Host>> {
    let policies = Settings {
        watch: false,
        kept_instances: Settings::KEPT_BY_ONE_COMMAND,
        ..policy_settings(setup)
    };
    start_host_with(setup, policies, setup.paths.store_file())
}

fn start_host_with(setup: &Setup, policies: Settings, store: PathBuf) -> Result<Arc<Host>> {
    setup.paths.make()?;
    let files = open_files::raise_limit();
    tracing::debug!(files, "as many files may be open");
    if let Err(error) = ancestry::become_subreaper() {
        // Without it, a daemon that a session starts is adopted by init, and an
        // approval from it would not be told from a person's.
        tracing::debug!(%error, "cannot adopt orphaned processes");
    }
    tokio::spawn(ancestry::reap_orphans());
    let mut sessions = setup.config.session_settings()?;
    let room = usize::try_from(files.saturating_sub(FILES_OF_THE_HOST) / FILES_OF_A_SESSION)
        .unwrap_or(usize::MAX)
        .max(1);
    if room < sessions.max_sessions {
        tracing::warn!(
            "sessions.max is {}, and the system lets this host open {files} files, which is enough for {room} sessions: more are refused; raise the limit (ulimit -Hn, LimitNOFILE=)",
            sessions.max_sessions
        );
        sessions.max_sessions = room;
    }
    sessions.iterm2 = iterm2_settings(setup);
    let host = Host::start(HostSettings {
        sessions,
        gate: GateSettings {
            allow_rules: Some(setup.paths.allow_rules_file()),
            ..setup.config.gate_settings()
        },
        policies,
        agents_may_change_policies: setup.config.policies.agents_may_change,
        audit_path: setup.paths.audit_file(),
        audit_retention: setup.config.audit_retention(),
        store_path: store,
        events: setup.config.event_settings(),
        rates: setup.config.rate_settings()?,
        coding_agents: setup.config.coding_agents(),
        agent_rules: Some(setup.paths.agent_rules_dir()),
        machines: machines(setup)?,
        resume_agents: setup.config.resume_agents(),
        caps: setup.config.agent_caps(),
        monitor: setup.config.monitor_settings(setup.paths.metrics_file()),
        recovery: setup.config.recovery_settings(),
        output_logs: setup.paths.output_logs(),
        profiles_folder: Some(setup.paths.iterm2_profiles()),
    })
    .context("starting the host")?;
    if let Some(telemetry) = &setup.telemetry {
        telemetry.watch(&host);
    }
    Ok(host)
}

/// The way to other machines, where one is set. Nothing is connected before it is used.
fn machines(setup: &Setup) -> Result<Option<Arc<dyn Machines>>> {
    let settings = setup.config.nats.settings()?;
    Ok(settings.map(|settings| Arc::new(NatsMachines::new(settings)) as Arc<dyn Machines>))
}

/// How to work with iTerm2; none without a home folder, below which its socket is.
pub(crate) fn iterm2_settings(setup: &Setup) -> Option<Iterm2Settings> {
    Some(Iterm2Settings {
        address: Iterm2Address::of_environment()?,
        relay: RelayProgram {
            program: std::env::current_exe().ok()?,
            args: vec!["relay".to_owned()],
        },
        relays: setup.paths.relays_dir(),
    })
}

/// The folder whose components are loaded.
pub(crate) fn plugins_dir(setup: &Setup) -> PathBuf {
    if setup.config.plugins_dir.as_os_str().is_empty() {
        setup.paths.plugins_dir()
    } else {
        setup.config.plugins_dir.clone()
    }
}

/// What a policy may use unless its sidecar says otherwise.
pub(crate) fn policy_limits(setup: &Setup) -> Limits {
    Limits {
        deadline: std::time::Duration::from_millis(setup.config.policies.deadline_ms),
        memory_bytes: setup.config.policies.memory_mib * 1024 * 1024,
        ..Limits::default()
    }
}

/// Where policies come from, and what they may use.
pub(crate) fn policy_settings(setup: &Setup) -> Settings {
    let policies = &setup.config.policies;
    Settings {
        plugins_dir: plugins_dir(setup),
        cache_dir: setup.paths.policy_cache(),
        compiler: own_program(),
        bundled: bundled::policies(),
        limits: policy_limits(setup),
        watch: policies.watch,
        kept_instances: Settings::KEPT_BY_A_HOST,
        required: policies.required.clone(),
    }
}

/// This program, also where its file was replaced since it was started.
fn own_program() -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        return Some(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().ok()
}

/// A runtime for a host.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("quarterdeck")
        .build()
        .context("starting the runtime")
}
