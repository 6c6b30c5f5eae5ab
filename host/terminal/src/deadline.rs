//! Deadlines that may be missing, and how far away one may be.

use std::time::Duration;

use tokio::time::Instant;

/// Nobody waits longer, whatever was asked for: a clock does not count much further.
pub const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Waits until `deadline`; for ever where there is none. For the arms of a `select!`.
pub async fn sleep_until(deadline: Option<impl Into<Instant>>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
