//! Starting a host inside this process, and stopping it.

use std::sync::Arc;

use anyhow::{Context, Result};
use quarterdeck_core::policy::{Limits, Settings};
use quarterdeck_core::{Host, HostSettings, ancestry};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Setup, bundled};

/// Starts a host with this configuration. Call it inside a runtime.
pub fn start_host(setup: &Setup) -> Result<Arc<Host>> {
    setup.paths.make()?;
    if let Err(error) = ancestry::become_subreaper() {
        // Without it, a daemon that a session starts is adopted by init, and an
        // approval from it would not be told from a person's.
        tracing::debug!(%error, "cannot adopt orphaned processes");
    }
    Host::start(HostSettings {
        sessions: setup.config.session_settings()?,
        gate: setup.config.gate_settings(),
        policies: policy_settings(setup),
        audit_path: setup.paths.audit_file(),
    })
    .context("starting the host")
}

fn policy_settings(setup: &Setup) -> Settings {
    let policies = &setup.config.policies;
    let plugins_dir = if setup.config.plugins_dir.as_os_str().is_empty() {
        setup.paths.plugins_dir()
    } else {
        setup.config.plugins_dir.clone()
    };
    Settings {
        plugins_dir,
        cache_dir: setup.paths.cache_dir.join("policies"),
        bundled: bundled::policies(),
        limits: Limits {
            deadline: std::time::Duration::from_millis(policies.deadline_ms),
            memory_bytes: policies.memory_mib * 1024 * 1024,
            ..Limits::default()
        },
        watch: policies.watch,
        required: policies.required.clone(),
    }
}

/// A runtime for a host.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("quarterdeck")
        .build()
        .context("starting the runtime")
}

/// Waits for SIGINT, SIGTERM or SIGHUP.
pub async fn asked_to_stop() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("watching for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("watching for SIGTERM")?;
    let mut hangup = signal(SignalKind::hangup()).context("watching for SIGHUP")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
