//! The sections `[monitor]` and `[recovery]`.

use std::path::PathBuf;
use std::time::Duration;

use quarterdeck_core::monitor::{HistorySettings, MonitorSettings, Thresholds};
use quarterdeck_core::recovery::RecoverySettings;
use serde::Deserialize;

/// A sample is not taken more often than this, whatever is set.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Watching {
    interval_ms: u64,
    health_seconds: u64,
    cpu_percent: u32,
    memory_mb: u32,
    response_ms: u32,
    errors_percent: u32,
    total_cpu_percent: u32,
    total_memory_mb: u32,
    free_disk_mb: u64,
    hung_seconds: u64,
    raw_hours: u32,
    minute_days: u32,
    hour_days: u32,
    history_mb: u32,
}

impl Watching {
    pub(super) fn free_disk_mb(&self) -> u64 {
        self.free_disk_mb
    }

    pub(super) fn settings(&self, metrics_path: PathBuf) -> MonitorSettings {
        const HOUR: Duration = Duration::from_secs(3_600);
        MonitorSettings {
            metrics_path,
            interval: Duration::from_millis(self.interval_ms).max(SHORTEST_INTERVAL),
            health_interval: Duration::from_secs(self.health_seconds),
            thresholds: Thresholds {
                cpu_percent: self.cpu_percent.into(),
                memory_mb: self.memory_mb.into(),
                response_ms: self.response_ms.into(),
                errors_percent: self.errors_percent.into(),
                total_cpu_percent: self.total_cpu_percent.into(),
                total_memory_mb: self.total_memory_mb.into(),
                free_disk_mb: self.free_disk_mb,
            },
            hung_after: Duration::from_secs(self.hung_seconds),
            history: HistorySettings {
                raw: HOUR.saturating_mul(self.raw_hours),
                minutes: (24 * HOUR).saturating_mul(self.minute_days),
                hours: (24 * HOUR).saturating_mul(self.hour_days),
                max_bytes: u64::from(self.history_mb) << 20,
            },
        }
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Mending {
    automatic: bool,
    strategy: String,
    max_retries: u32,
    timeout_seconds: u64,
}

impl Mending {
    pub(super) fn strategy(&self) -> &str {
        &self.strategy
    }

    pub(super) fn settings(&self) -> RecoverySettings {
        RecoverySettings {
            automatic: self.automatic,
            strategy: self.strategy.clone(),
            max_retries: self.max_retries,
            timeout: Duration::from_secs(self.timeout_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, DEFAULT_FILE};
    use super::*;

    #[test]
    fn the_file_says_what_the_defaults_are() {
        let config: Config = toml::from_str(DEFAULT_FILE).expect("the default file");
        let path = PathBuf::from("metrics.sqlite");
        let (set, default) = (
            config.monitor_settings(path.clone()),
            MonitorSettings::at(path),
        );
        assert_eq!(set.thresholds, default.thresholds);
        assert_eq!(set.history, default.history);
        assert_eq!(
            (set.interval, set.health_interval, set.hung_after),
            (
                default.interval,
                default.health_interval,
                default.hung_after
            )
        );
        assert_eq!(config.recovery_settings(), RecoverySettings::default());
    }
}
