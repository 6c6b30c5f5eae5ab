//! What sessions use and used, and how the host is and was.

use std::time::Duration;

use crate::clock::now_ms;
use crate::error::HostError;
use crate::host::Host;
use crate::monitor::{
    HealthHistory, HealthReport, HistoryQuestion, PerformanceHistory, PerformanceReport,
    SamplingWish, TimeRange,
};
use crate::store::StoreError;

/// Figures over a shorter period would be noise: processor time is counted in
/// hundredths of a second.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);

impl Host {
    /// What each session used over the `period` before now, or since it was opened.
    /// The configured interval where none is given.
    pub async fn performance(
        &self,
        period: Option<Duration>,
    ) -> Result<PerformanceReport, HostError> {
        let period = period.unwrap_or(self.monitor.settings.interval);
        let measured = self.monitor.look(period.max(SHORTEST_PERIOD)).await?;
        Ok(measured.report())
    }

    /// Has `performance.update` told at least this often while the wish is held.
    pub fn sample_every(&self, interval: Duration) -> SamplingWish {
        self.monitor.sample_every(interval)
    }

    /// What was used in the past.
    pub async fn performance_history(
        &self,
        question: HistoryQuestion,
    ) -> Result<PerformanceHistory, HostError> {
        let session = question.session_id.clone().unwrap_or_default();
        let (history, now_ms) = (&self.monitor.history, now_ms().cast_signed());
        let past = history.ask(question.clone(), now_ms);
        match past.await.map_err(unreadable)? {
            Some(past) => Ok(past),
            // One that was opened a moment ago has no past yet.
            None if self.registry.get(&session).is_ok() => {
                Ok(history.nothing_yet(&question, now_ms))
            }
            None => Err(HostError::SessionNotFound(session)),
        }
    }

    /// How the host is, looked at now.
    pub async fn health(&self) -> Result<HealthReport, HostError> {
        // A report tells of policies, too. Nobody else waits for them meanwhile.
        self.policies.ready().await;
        self.monitor.assess().await
    }

    /// How the host was.
    pub async fn health_history(&self, range: TimeRange) -> Result<HealthHistory, HostError> {
        let past = self.monitor.history.health(range, now_ms().cast_signed());
        past.await.map_err(unreadable)
    }
}

fn unreadable(error: StoreError) -> HostError {
    HostError::Internal(format!("the past cannot be read: {error}"))
}
