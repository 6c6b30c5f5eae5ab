//! How the host watches itself and its sessions.

use std::path::PathBuf;
use std::time::Duration;

/// Everything about watching.
#[derive(Clone, Debug)]
pub struct MonitorSettings {
    /// The file of the past.
    pub metrics_path: PathBuf,
    /// Between two samples while there are sessions; without any there are none.
    pub interval: Duration,
    /// Between two looks at health while there are sessions.
    pub health_interval: Duration,
    /// From where on something is unhealthy.
    pub thresholds: Thresholds,
    /// A command that for so long printed nothing, was typed nothing, used no
    /// processor and no disk counts as hung.
    pub hung_after: Duration,
    /// What is kept of the past.
    pub history: HistorySettings,
}

impl MonitorSettings {
    /// The defaults, with the past in `metrics_path`.
    pub fn at(metrics_path: PathBuf) -> Self {
        Self {
            metrics_path,
            interval: Duration::from_secs(5),
            health_interval: Duration::from_secs(10),
            thresholds: Thresholds::default(),
            hung_after: Duration::from_secs(300),
            history: HistorySettings::default(),
        }
    }
}

/// From where on something is unhealthy. The defaults are those of the
/// enhanced-iterm-mcp document's own configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Of one session: percent of one core.
    pub cpu_percent: f64,
    /// Of one session: MB.
    pub memory_mb: f64,
    /// Of one session: mean milliseconds from Enter to a command's first output.
    pub response_ms: f64,
    /// Of one session: percent of commands that failed.
    pub errors_percent: f64,
    /// Of all sessions: percent of the whole machine.
    pub total_cpu_percent: f64,
    /// Of all sessions: MB.
    pub total_memory_mb: f64,
    /// Free space on the disk of the store, in MB, that has to be left.
    pub free_disk_mb: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            cpu_percent: 80.0,
            memory_mb: 1_024.0,
            response_ms: 5_000.0,
            errors_percent: 10.0,
            total_cpu_percent: 90.0,
            total_memory_mb: 8_192.0,
            free_disk_mb: 1_024,
        }
    }
}

/// What is kept of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// How long each sample is kept.
    pub raw: Duration,
    /// How long sums of a minute are kept.
    pub minutes: Duration,
    /// How long sums of an hour, incidents and uptime are kept.
    pub hours: Duration,
    /// The file holds no more; the oldest samples go first.
    pub max_bytes: u64,
}

impl Default for HistorySettings {
    fn default() -> Self {
        const DAY: u64 = 24 * 3_600;
        Self {
            raw: Duration::from_secs(DAY),
            minutes: Duration::from_secs(7 * DAY),
            hours: Duration::from_secs(30 * DAY),
            max_bytes: 256 << 20,
        }
    }
}
