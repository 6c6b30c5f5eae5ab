//! What a call has left of its time, whether its guest computes or waits.
//!
//! A guest that computes is looked at by the engine once a tick; one that waits in a
//! function of WASI is looked at here. Both count a part at most of the time between
//! two looks: if more has passed, it was the machine that kept them from running.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// How often a guest that waits is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// The time of one call; shared by the guest's store and whoever waits for the call.
#[derive(Debug, Default)]
pub(crate) struct CallClock {
    /// In nanoseconds.
    left: AtomicU64,
    /// Whether the guest was interrupted while it computed, since that was asked last.
    interrupted: AtomicBool,
}

impl CallClock {
    /// A call begins, which may take this long.
    pub(crate) fn begin(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.left.store(nanos, Ordering::Relaxed);
        self.interrupted.store(false, Ordering::Relaxed);
    }

    /// Takes note of an interruption after the guest has computed for `spent`. False
    /// when its time is over.
    pub(crate) fn computed(&self, spent: Duration) -> bool {
        self.interrupted.store(true, Ordering::Relaxed);
        self.spend(spent)
    }

    fn spend(&self, spent: Duration) -> bool {
        let nanos = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        let left = self.left.load(Ordering::Relaxed).saturating_sub(nanos);
        self.left.store(left, Ordering::Relaxed);
        left > 0
    }

    /// Waits for `call`, but no longer than its guest may wait. `None` when its time
    /// was over while it waited; one that computes is ended by the engine.
    pub(crate) async fn watch<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut call = pin!(call);
        let mut look: Option<(Instant, Pin<Box<Sleep>>)> = None;
        std::future::poll_fn(|context| {
            if let Poll::Ready(answer) = call.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            if self.interrupted.swap(false, Ordering::Relaxed) {
                // It computes, and goes on as soon as others had their turn.
                look = None;
                return Poll::Pending;
            }
            loop {
                let (since, timer) = look
                    .get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(LOOK))));
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                if !self.spend(since.elapsed().min(LOOK * 2)) {
                    return Poll::Ready(None);
                }
                look = None;
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_ended_and_whoever_answers_in_time_is_not() {
        let clock = CallClock::default();
        clock.begin(Duration::from_millis(50));
        let since = Instant::now();
        assert_eq!(clock.watch(std::future::pending::<()>()).await, None);
        assert!(since.elapsed() < Duration::from_secs(5));

        clock.begin(Duration::from_millis(50));
        let short = tokio::time::sleep(Duration::from_millis(12));
        assert_eq!(clock.watch(short).await, Some(()));
    }
}
