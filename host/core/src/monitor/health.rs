//! Whether the host is well: what a report says. `facts` gathers what it is made of,
//! `assess` makes it.

mod assess;
mod facts;

use std::fmt;
use std::time::{Instant, SystemTime};

use schemars::JsonSchema;
use serde::Serialize;

pub(super) use assess::assess;
pub use facts::free_disk_mb;
pub(super) use facts::{HealthFacts, SessionFinding};

use crate::session::BackendKind;

/// How something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// As it should be.
    #[default]
    Healthy,
    /// It works, and somebody should look.
    Degraded,
    /// It does not do its work.
    Critical,
}

impl HealthStatus {
    /// The document's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
    }
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
    /// The host cannot do its work.
    Critical,
}

impl Severity {
    /// The document's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    fn status(self) -> HealthStatus {
        match self {
            Self::Warning => HealthStatus::Degraded,
            Self::Error | Self::Critical => HealthStatus::Critical,
        }
    }
}

/// A part of the host that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Component {
    /// The sessions and their programs.
    Sessions,
    /// What they use.
    Performance,
    /// What carries them.
    Connectivity,
    /// The policies.
    Policies,
    /// What outlives the host.
    Store,
    /// The disk under it.
    Disk,
}

impl Component {
    /// Every component, in the order of the report.
    pub const ALL: [Self; 6] = [
        Self::Sessions,
        Self::Performance,
        Self::Connectivity,
        Self::Policies,
        Self::Store,
        Self::Disk,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Performance => "performance",
            Self::Connectivity => "connectivity",
            Self::Policies => "policies",
            Self::Store => "store",
            Self::Disk => "disk",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// Where.
    pub component: Component,
    /// The session that it is about, where it is about one.
    pub session: Option<String>,
    /// What it is, the same each time it is seen.
    pub kind: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What it is, in words, and what to do.
    pub message: String,
}

impl Issue {
    /// What it makes of the host. One session's trouble is the host's to tell, and no
    /// reason to take it for down: the others work.
    fn status(&self) -> HealthStatus {
        match self.session {
            Some(_) => self.severity.status().min(HealthStatus::Degraded),
            None => self.severity.status(),
        }
    }
}

/// What carries sessions, and how fast it answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendHealth {
    /// Its name.
    pub backend: &'static str,
    /// Milliseconds that it took to answer; `None` where it did not.
    pub latency_ms: Option<f64>,
    /// Why it did not.
    pub error: Option<String>,
    /// Sessions on it.
    pub sessions: usize,
}

impl BackendHealth {
    /// What was learnt from an answer to a question that was put at `began`.
    pub(crate) fn new(
        backend: BackendKind,
        answer: Result<(), String>,
        began: Instant,
        sessions: usize,
    ) -> Self {
        let took = (began.elapsed().as_secs_f64() * 1e5).round() / 100.0;
        Self {
            backend: backend.as_str(),
            latency_ms: answer.is_ok().then_some(took),
            error: answer.err(),
            sessions,
        }
    }
}

/// A component in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentHealth {
    /// Which.
    pub component: Component,
    /// How it is.
    pub status: HealthStatus,
}

/// The whole host.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthReport {
    /// When it was looked at.
    pub at: SystemTime,
    /// The worst of the components.
    pub status: HealthStatus,
    /// Each of them.
    pub components: Vec<ComponentHealth>,
    /// What is not as it should be.
    pub issues: Vec<Issue>,
    /// Sessions whose program has not ended.
    pub active_sessions: usize,
    /// How many there may be.
    pub max_sessions: usize,
    /// Percent of one core, of all sessions.
    pub cpu: f64,
    /// MB, of all sessions.
    pub memory: f64,
    /// What carries sessions.
    pub backends: Vec<BackendHealth>,
    /// Policies that are loaded.
    pub policies: usize,
    /// Milliseconds that the store took to write; `None` where it did not.
    pub store_latency_ms: Option<f64>,
    /// Space left on the store's disk, in MB; `None` where the system does not tell.
    pub free_disk_mb: Option<u64>,
}

impl HealthReport {
    /// How a component is.
    pub fn component(&self, component: Component) -> HealthStatus {
        self.components
            .iter()
            .find(|it| it.component == component)
            .map(|it| it.status)
            .unwrap_or_default()
    }

    /// The slowest backend's answer, in milliseconds.
    pub fn latency_ms(&self) -> f64 {
        let answers = self.backends.iter().filter_map(|it| it.latency_ms);
        answers.fold(0.0, f64::max)
    }
}
