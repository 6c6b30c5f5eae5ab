//! Watching: what sessions use, whether the host is well, and what went wrong.
//!
//! One task ([`watch`]) owns the looks at the process table (`meter`) and what is
//! wrong now (`incidents`). While there are sessions it takes a sample at each
//! interval, keeps it in the past (`history`), tells the event bus, and assesses the
//! host's health (`health`); without sessions it sleeps. Listeners may want to be told
//! more often (`sampling`): what is looked at for them alone is not kept. Whoever wants figures asks
//! it through a channel.
//!
//! # What the figures mean
//!
//! A session's figures are those of its whole process tree. Of the network they hold
//! what went over the TCP connections that the tree has when it is looked at: Linux
//! counts traffic for connections and for the machine, not for processes. It is not
//! kept in the past.

mod health;
mod history;
mod incidents;
mod meter;
mod processes;
mod sampling;
mod settings;
mod time_range;
mod trouble;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{Notify, mpsc, oneshot};

pub use health::{
    BackendHealth, Component, ComponentHealth, HealthReport, HealthStatus, Issue, Severity,
    free_disk_mb,
};
pub use history::{HistoryPoint, HistoryQuestion, HistorySummary, PerformanceHistory};
pub use incidents::{HealthHistory, PastIncident};
pub use meter::Usage;
pub use sampling::SamplingWish;
pub use settings::{HistorySettings, MonitorSettings, Thresholds};
pub use time_range::{TimeRange, TimeRangeError};
pub(crate) use trouble::Trouble;
pub(crate) use watch::{Measured, Watcher};

use crate::error::HostError;
use crate::store::StoreError;
use history::History;
use sampling::Wishes;

/// Requests that may wait for the task.
const REQUESTS: usize = 64;

/// What the document's `performance_monitor` answers, and `performance.update` tells.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceReport {
    /// RFC 3339.
    pub timestamp: String,
    /// All sessions together.
    pub overall: OverallUsage,
    /// Each of them, oldest first.
    pub sessions: Vec<SessionUsage>,
}

/// All sessions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverallUsage {
    /// Percent of one core.
    pub cpu: f64,
    /// MB.
    pub memory: f64,
    /// Sessions whose program has not ended.
    pub active_sessions: usize,
    /// Cores of this machine: `cpu` can be a hundred times as many.
    pub cores: usize,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionUsage {
    /// The session.
    pub session_id: String,
    /// Its name.
    pub name: String,
    /// What it uses.
    pub metrics: Usage,
}

/// The way to the task.
pub(crate) struct Monitor {
    requests: mpsc::Sender<Request>,
    wake: Arc<Notify>,
    wishes: Wishes,
    pub(crate) history: History,
    pub(crate) settings: Arc<MonitorSettings>,
}

type Reply<T> = oneshot::Sender<Result<T, HostError>>;

/// What the task is asked.
pub(crate) enum Request {
    /// To look now, and say what each session used over the period before.
    Look {
        period: Duration,
        reply: Reply<Measured>,
    },
    /// To look at the host's health now.
    Assess(Reply<HealthReport>),
}

impl Monitor {
    /// The way, and what the task needs besides the host; see [`Watcher::watch`].
    pub(crate) fn new(settings: MonitorSettings) -> Result<(Self, Watcher), StoreError> {
        let history = History::open(&settings.metrics_path, settings.history.clone())?;
        let settings = Arc::new(settings);
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let wake = Arc::new(Notify::new());
        let wishes = Wishes::default();
        let watcher = Watcher::new(
            inbox,
            Arc::clone(&wake),
            wishes.clone(),
            history.clone(),
            Arc::clone(&settings),
        );
        let monitor = Self {
            requests,
            wake,
            wishes,
            history,
            settings,
        };
        Ok((monitor, watcher))
    }

    /// There may be something to watch again.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Has samples taken at least this often while the wish is held.
    pub(crate) fn sample_every(&self, interval: Duration) -> SamplingWish {
        self.wishes.add(interval, &self.wake)
    }

    /// Every session with what it used over the `period` before now.
    pub(crate) async fn look(&self, period: Duration) -> Result<Measured, HostError> {
        self.ask(|reply| Request::Look { period, reply }).await
    }

    /// The host's health now.
    pub(crate) async fn assess(&self) -> Result<HealthReport, HostError> {
        self.ask(Request::Assess).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, HostError> {
        let gone = || HostError::Internal("the host is stopping and watches no more".to_owned());
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(request(reply))
            .await
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
