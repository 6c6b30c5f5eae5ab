//! What a call has left of its time, whether its guest computes or waits.
//!
//! A guest that computes is looked at by the engine once a tick, and what counts is the
//! time that its thread was given a processor: on a starved machine most of what passes
//! is others' time. One that waits in a function of WASI is looked at here, and counted a
//! part at most of the time between two looks.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Sleep;

use crate::calling::ticker::TICK;

/// How often a guest that waits is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// What is counted at most of the time before the first look at a guest that computes:
/// nobody has asked then for its thread's time.
const LONGEST_FIRST: Duration = Duration::from_nanos(2 * TICK.as_nanos() as u64);
/// The part of the time that counts however little a guest was given of it, so that a
/// call comes to an end on any machine.
const COUNTED_AT_LEAST: u32 = 20;

/// The time of one call; shared by the guest's store and whoever waits for the call.
#[derive(Debug, Default)]
pub(crate) struct CallClock {
    /// In nanoseconds.
    left: AtomicU64,
    /// Whether the guest was interrupted while it computed, since that was asked last.
    interrupted: AtomicBool,
    /// What its thread had been given when it went on last, in nanoseconds; 0 until it
    /// was interrupted once.
    went_on_at: AtomicU64,
}

impl CallClock {
    /// A call begins, which may take this long.
    pub(crate) fn begin(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.left.store(nanos, Ordering::Relaxed);
        self.interrupted.store(false, Ordering::Relaxed);
        self.went_on_at.store(0, Ordering::Relaxed);
    }

    /// Takes note that the guest goes on, on this thread.
    fn goes_on(&self) {
        self.went_on_at.store(thread_nanos(), Ordering::Relaxed);
    }

    /// Takes note of an interruption on the thread on which the guest went on; `elapsed`
    /// is how long ago the one before it was. False when its time is over.
    pub(crate) fn computed(&self, elapsed: Duration) -> bool {
        self.interrupted.store(true, Ordering::Relaxed);
        let spent = match self.went_on_at.load(Ordering::Relaxed) {
            0 => elapsed.min(LONGEST_FIRST),
            before => Duration::from_nanos(thread_nanos().saturating_sub(before))
                .max(elapsed / COUNTED_AT_LEAST),
        };
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
        let mut begun = false;
        std::future::poll_fn(|context| {
            // Most calls answer at once, and asking takes a system call.
            if std::mem::replace(&mut begun, true) {
                self.goes_on();
            }
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

/// How long this thread has been given a processor.
fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_the_time_of_the_guest_and_not_that_of_others() {
        let clock = CallClock::default();
        clock.begin(Duration::from_millis(50));
        clock.goes_on();
        std::thread::sleep(Duration::from_millis(200));
        assert!(clock.computed(Duration::from_millis(200)));

        clock.goes_on();
        let began = thread_nanos();
        while thread_nanos() - began < 50_000_000 {}
        assert!(!clock.computed(Duration::from_millis(50)));
    }

    #[test]
    fn a_guest_that_is_given_nothing_comes_to_an_end_too() {
        let clock = CallClock::default();
        clock.begin(Duration::from_millis(50));
        clock.goes_on();
        assert!(!clock.computed(Duration::from_millis(50) * COUNTED_AT_LEAST));
    }

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
