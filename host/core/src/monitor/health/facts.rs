//! What health is judged by, gathered from the host.

use std::time::{Duration, Instant};

use quarterdeck_policy::{PolicyKind, PolicyState};

use super::super::meter::Usage;
use super::super::trouble::Trouble;
use super::BackendHealth;
use crate::host::Host;

/// What takes longer to answer does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that health is judged by.
pub(in super::super) struct HealthFacts {
    pub(in super::super) sessions: Vec<SessionFinding>,
    pub(super) max_sessions: usize,
    pub(super) backends: Vec<BackendHealth>,
    pub(super) policies: PolicyFacts,
    /// Milliseconds that a write took, or why there was none.
    pub(super) store: Result<f64, String>,
    pub(super) free_disk_mb: Option<u64>,
}

/// What was found of one session.
pub(in super::super) struct SessionFinding {
    pub(in super::super) id: String,
    pub(in super::super) name: String,
    pub(in super::super) ended: bool,
    /// Over the last sampling interval.
    pub(in super::super) usage: Usage,
    /// Over the last minute.
    pub(in super::super) lately: Usage,
    pub(in super::super) trouble: Option<Trouble>,
}

/// What is known of the policies.
pub(super) struct PolicyFacts {
    pub(super) loaded: usize,
    pub(super) approvers: usize,
    /// A sentence for each that is not as it should be.
    pub(super) wrong: Vec<String>,
}

impl HealthFacts {
    /// Asks everybody but the sessions, which were looked at already.
    pub(in super::super) async fn gather(host: &Host, sessions: Vec<SessionFinding>) -> Self {
        let (store, backends) = tokio::join!(write_to_store(host), host.backends_health(PATIENCE));
        Self {
            sessions,
            max_sessions: host.sessions.max_sessions,
            backends,
            policies: policies(host),
            store,
            free_disk_mb: host.store.path().parent().and_then(free_disk_mb),
        }
    }

    pub(super) fn active(&self) -> usize {
        self.sessions
            .iter()
            .filter(|session| !session.ended)
            .count()
    }

    pub(super) fn cpu(&self) -> f64 {
        tenths(self.sessions.iter().map(|it| it.usage.cpu_percent).sum())
    }

    pub(super) fn memory(&self) -> f64 {
        tenths(self.sessions.iter().map(|it| it.usage.memory_mb).sum())
    }
}

/// The sum of no figures is -0 by itself; here it is 0.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

/// A write that changes nothing goes the way of all writes, to the disk and back.
async fn write_to_store(host: &Host) -> Result<f64, String> {
    let began = Instant::now();
    let written = host
        .store
        .write(|kept| kept.execute("UPDATE sessions SET name = name WHERE id = ''", []));
    match tokio::time::timeout(PATIENCE, written).await {
        Ok(Ok(_)) => Ok((began.elapsed().as_secs_f64() * 1e5).round() / 100.0),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!(
            "the store {} has not written for {} s; see what holds the disk",
            host.store.path().display(),
            PATIENCE.as_secs()
        )),
    }
}

fn policies(host: &Host) -> PolicyFacts {
    let policies = host.policies_so_far();
    PolicyFacts {
        loaded: policies
            .iter()
            .filter(|it| !matches!(it.state, PolicyState::Failed | PolicyState::Disabled))
            .count(),
        approvers: policies
            .iter()
            .filter(|it| it.kind == Some(PolicyKind::Approver) && it.state == PolicyState::Active)
            .count(),
        wrong: policies
            .iter()
            .filter_map(|policy| match (&policy.rejection, &policy.state) {
                (Some(rejection), _) => {
                    Some(format!("policy `{}` was refused: {rejection}", policy.name))
                }
                (None, PolicyState::Quarantined) => Some(format!(
                    "policy `{}` is in quarantine: {}",
                    policy.name,
                    policy
                        .last_error
                        .as_deref()
                        .unwrap_or("it failed again and again")
                )),
                _ => None,
            })
            .collect(),
    }
}

/// Space that is free for a folder's files, in MB; `None` where the system does not tell.
pub fn free_disk_mb(folder: &std::path::Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some((disk.f_bavail * disk.f_frsize) >> 20)
}
