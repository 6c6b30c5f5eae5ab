//! What happens on the host, as a numbered stream.
//!
//! Whoever changes something publishes an [`Event`]; doors subscribe. The newest
//! events are kept in memory, so that a late or dropped listener can ask for what
//! came after the last number it saw.

mod catalogue;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::sync::broadcast;

pub use catalogue::Happening;

/// Events kept for those who come late.
const KEPT: usize = 1_000;

/// So many events may wait for a listener before it is told that it missed some.
const WAITING: usize = 4_096;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Counts from 1, without gaps, over the host's life. Among those that are kept,
    /// one that a newer one of its kind has replaced is missing.
    pub sequence: u64,
    /// When.
    pub at: SystemTime,
    /// What.
    pub what: Happening,
}

/// The stream. One lock, held for one push: numbers and the order in which
/// listeners see events agree.
pub struct EventBus {
    kept: Mutex<Kept>,
    feed: broadcast::Sender<Arc<Event>>,
}

struct Kept {
    next: u64,
    events: VecDeque<Arc<Event>>,
}

impl Default for EventBus {
    fn default() -> Self {
        Self {
            kept: Mutex::new(Kept {
                next: 1,
                events: VecDeque::new(),
            }),
            feed: broadcast::channel(WAITING).0,
        }
    }
}

impl EventBus {
    /// Tells everybody.
    pub fn publish(&self, what: Happening) {
        let mut kept = self.lock();
        if what.replaces_earlier() {
            let same = std::mem::discriminant(&what);
            kept.events
                .retain(|event| std::mem::discriminant(&event.what) != same);
        }
        let event = Arc::new(Event {
            sequence: kept.next,
            at: SystemTime::now(),
            what,
        });
        kept.next += 1;
        if kept.events.len() == KEPT {
            kept.events.pop_front();
        }
        kept.events.push_back(Arc::clone(&event));
        // Nobody listening is fine: the event is kept.
        let _ = self.feed.send(event);
    }

    /// What is kept from after number `sequence`, oldest first, and everything
    /// from now on: nothing is missed or told twice in between.
    pub fn since(&self, sequence: u64) -> (Vec<Arc<Event>>, broadcast::Receiver<Arc<Event>>) {
        let kept = self.lock();
        let missed = kept
            .events
            .iter()
            .filter(|event| event.sequence > sequence)
            .cloned()
            .collect();
        (missed, self.feed.subscribe())
    }

    /// Everything from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.feed.subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(number: usize) -> Happening {
        Happening::SystemError {
            error: number.to_string(),
            component: "test",
            severity: "warning",
        }
    }

    #[test]
    fn whoever_comes_late_is_told_what_came_after_the_last_number() {
        let bus = EventBus::default();
        for number in 1..=5 {
            bus.publish(lost(number));
        }
        let (missed, mut feed) = bus.since(3);
        let numbers: Vec<u64> = missed.iter().map(|event| event.sequence).collect();
        assert_eq!(numbers, [4, 5]);
        bus.publish(lost(6));
        assert_eq!(feed.try_recv().expect("the next").sequence, 6);
    }

    #[test]
    fn of_what_says_how_things_are_the_last_is_kept() {
        let bus = EventBus::default();
        for uptime_seconds in 1..=5 {
            bus.publish(Happening::SystemStats {
                memory_usage_mb: 1.0,
                cpu_percent: 2.0,
                uptime_seconds,
            });
            bus.publish(lost(1));
        }
        let numbers: Vec<u64> = (bus.since(0).0.iter())
            .map(|event| event.sequence)
            .collect();
        assert_eq!(numbers, [2, 4, 6, 8, 9, 10]);
    }

    #[test]
    fn memory_is_bounded() {
        let bus = EventBus::default();
        for number in 0..3 * KEPT {
            bus.publish(lost(number));
        }
        assert_eq!(bus.since(0).0.len(), KEPT);
    }
}
