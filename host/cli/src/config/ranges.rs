//! Which numbers a setting may have.

use std::ops::RangeInclusive;

/// Seconds.
const DAY: i64 = 24 * 3_600;

/// The most that a setting without a limit of its own may be.
const MOST: i64 = u32::MAX as i64;

/// The values with which this setting works, ends included.
pub(super) fn range_of(setting: &str) -> RangeInclusive<i64> {
    match setting {
        "sessions.columns" => 2..=1_000,
        "sessions.rows" => 1..=1_000,
        "sessions.max" => 1..=100_000,
        "sessions.transcript_bytes" => 0..=i64::MAX,
        "ssh.timeout_seconds" | "recovery.timeout_seconds" => 1..=DAY,
        // As long as a call may wait for anything.
        "gate.confirmation_seconds" | "tasks.max_seconds" | "sessions.default_idle_seconds" => {
            1..=365 * DAY
        }
        // As far as a sidecar may go, too.
        "policies.deadline_ms" => 1..=5_000,
        "policies.memory_mib" => 1..=128,
        "nats.replicas" => 1..=5,
        "nats.silence_seconds" => 1..=3_600,
        "telemetry.metrics_seconds" | "monitor.health_seconds" => 1..=DAY,
        "rate_limits.per_minute"
        | "rate_limits.per_hour"
        | "rate_limits.burst"
        | "rate_limits.others_per_hour"
        | "rate_limits.others_burst" => 1..=MOST,
        _ => 0..=MOST,
    }
}
