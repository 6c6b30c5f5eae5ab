//! One listener for all subscribers.
//!
//! Whoever publishes an event wakes everybody who waits for one. With a thousand
//! subscribers that would be a thousand wake-ups for each event, on the time of
//! whatever was typed. So only the task here waits for events. It gathers them in
//! batches, which all subscribers share, and wakes the subscribers for each batch:
//! the first event after a pause at once, what follows it at a pace that goes by the
//! number of subscribers.
//!
//! That task alone writes the newest batches; they are bounded, and so is what a
//! subscriber costs that does not read.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quarterdeck_core::events::Event;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;

use super::batch::Batch;

/// Events that are told together, at most.
const GATHERED_AT_ONCE: usize = 512;
/// Events kept for those who read slowly.
const KEPT: usize = 16_384;
/// Bytes of frames kept for them.
const KEPT_BYTES: usize = 64 << 20;
/// Batches that a subscriber takes before others get their turn.
const TAKEN_AT_ONCE: usize = 4;
/// So long is taken for one subscriber to be woken and to write what has come.
const EACH: Duration = Duration::from_micros(10);

/// What is new for a subscriber.
pub(super) struct News {
    /// The numbers of events that are gone: they came faster than it has read.
    pub(super) missed: Option<RangeInclusive<u64>>,
    /// What comes after those, oldest first.
    pub(super) batches: Vec<Arc<Batch>>,
    /// Whether there is more.
    pub(super) more: bool,
}

#[derive(Default)]
struct Recent {
    batches: VecDeque<Arc<Batch>>,
    events: usize,
    bytes: usize,
}

impl Recent {
    fn push(&mut self, batch: Batch) {
        self.events += batch.count();
        self.bytes += batch.bytes();
        self.batches.push_back(Arc::new(batch));
        while (self.events > KEPT || self.bytes > KEPT_BYTES) && self.batches.len() > 1 {
            if let Some(oldest) = self.batches.pop_front() {
                self.events -= oldest.count();
                self.bytes -= oldest.bytes();
            }
        }
    }

    fn after(&self, last: u64) -> News {
        let begin = self.batches.partition_point(|batch| batch.last() <= last);
        let newer = self.batches.range(begin..);
        let missed = (newer.clone().next())
            .map(|batch| last + 1..=batch.first().saturating_sub(1))
            .filter(|missed| !missed.is_empty());
        let more = newer.len() > TAKEN_AT_ONCE;
        let mut batches: Vec<Arc<Batch>> = Vec::with_capacity(newer.len().min(TAKEN_AT_ONCE));
        for batch in newer.take(TAKEN_AT_ONCE) {
            // A gap is told before what comes after it.
            if batches
                .last()
                .is_some_and(|it| it.last() + 1 < batch.first())
            {
                return News {
                    missed,
                    batches,
                    more: true,
                };
            }
            batches.push(Arc::clone(batch));
        }
        News {
            missed,
            batches,
            more,
        }
    }
}

/// The newest events, for all subscribers.
pub(super) struct FanOut {
    recent: Mutex<Recent>,
    /// The number of the newest event.
    newest: watch::Sender<u64>,
}

impl FanOut {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            recent: Mutex::default(),
            newest: watch::Sender::new(0),
        })
    }

    /// Wakes whoever waits for news.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// What came after number `last`.
    pub(super) fn after(&self, last: u64) -> News {
        self.lock().after(last)
    }

    /// Takes events over until there are no more; `subscribers` says how many listen.
    pub(super) async fn run(
        &self,
        mut feed: broadcast::Receiver<Arc<Event>>,
        subscribers: impl Fn() -> usize,
    ) {
        loop {
            let mut events = Vec::new();
            match feed.recv().await {
                Ok(event) => events.push(event),
                // The gap in the numbers tells every subscriber.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            }
            while events.len() < GATHERED_AT_ONCE {
                match feed.try_recv() {
                    Ok(event) => events.push(event),
                    Err(TryRecvError::Lagged(_)) => break,
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            // Whoever begins to listen now begins after these.
            let listeners = subscribers();
            if listeners == 0 {
                continue;
            }
            let Some(newest) = events.last().map(|event| event.sequence) else {
                continue;
            };
            for batch in Batch::of(events) {
                self.lock().push(batch);
            }
            self.newest.send_replace(newest);
            let pause = EACH * u32::try_from(listeners).unwrap_or(u32::MAX);
            if pause >= Duration::from_millis(1) {
                tokio::time::sleep(pause).await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        // It is whole between any two of its operations.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::events::{ErrorSeverity, EventBus, SystemError};

    /// Batches of so many events each, and the numbers between two of them that are gone.
    fn recent(sizes: &[usize], gap_before: Option<usize>) -> Recent {
        let bus = EventBus::default();
        let mut feed = bus.subscribe();
        let mut take = |count: usize| -> Vec<Arc<Event>> {
            let next = |_| {
                bus.publish(SystemError {
                    error: "gone".to_owned(),
                    component: "test".to_owned(),
                    severity: ErrorSeverity::Warning,
                });
                feed.try_recv().expect("the event")
            };
            (0..count).map(next).collect()
        };
        let mut recent = Recent::default();
        for (at, size) in sizes.iter().enumerate() {
            if gap_before == Some(at) {
                take(5);
            }
            Batch::of(take(*size))
                .into_iter()
                .for_each(|it| recent.push(it));
        }
        recent
    }

    fn numbers(news: &News) -> Vec<u64> {
        (news.batches.iter())
            .flat_map(|batch| batch.first()..=batch.last())
            .collect()
    }

    #[test]
    fn everybody_is_given_what_comes_after_the_last() {
        let recent = recent(&[2, 1, 3], None);
        for (last, expected) in [(0, 1..=6), (2, 3..=6), (3, 4..=6), (4, 4..=6)] {
            let news = recent.after(last);
            assert_eq!(numbers(&news), expected.collect::<Vec<u64>>(), "{last}");
            assert_eq!((news.missed, news.more), (None, false));
        }
        assert!(recent.after(6).batches.is_empty());
    }

    #[test]
    fn much_is_given_in_turns() {
        let recent = recent(&[1; TAKEN_AT_ONCE + 1], None);
        let news = recent.after(0);
        assert_eq!((numbers(&news).len(), news.more), (TAKEN_AT_ONCE, true));
    }

    #[test]
    fn what_is_gone_is_named() {
        let with_gap = recent(&[1, 1], Some(1));
        let before = with_gap.after(0);
        assert_eq!((numbers(&before), before.more), (vec![1], true));
        let after = with_gap.after(1);
        assert_eq!(numbers(&after), [7]);
        assert_eq!(after.missed, Some(2..=6));

        let many = recent(&[GATHERED_AT_ONCE; KEPT / GATHERED_AT_ONCE + 10], None);
        assert_eq!(many.events, KEPT);
        let news = many.after(7);
        assert_eq!(news.missed, Some(8..=10 * GATHERED_AT_ONCE as u64));
        assert_eq!(numbers(&news)[0], 10 * GATHERED_AT_ONCE as u64 + 1);
    }
}
