//! What happens on the host, as a numbered stream.
//!
//! Whoever changes something publishes a [`Happening`]; doors subscribe. The newest
//! events are kept in memory, so that a late or dropped listener can ask for what
//! came after the last number it saw; the [`EventHistory`] keeps them for longer,
//! and over restarts, on its own time.
//!
//! Publishing takes one short lock and touches no disk and no socket: an event
//! becomes text when somebody first wants it so, and then for everybody.

mod catalogue;
mod documentation;
mod filter;
mod history;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use serde::Serialize;
use tokio::sync::broadcast;

use crate::clock::rfc3339;
pub use catalogue::*;
pub use documentation::{documentation, json_schema};
pub use filter::EventFilter;
pub use history::{EventHistory, EventSettings, KeptEvent};

/// Events kept in memory for those who come late.
const KEPT: usize = 4_096;

/// So many events may wait for a listener before it is told that it missed some.
/// All listeners share them, so a slow one costs no memory of its own.
const WAITING: usize = 16_384;

/// Something that happened.
#[derive(Debug)]
pub struct Event {
    /// Counts from 1, over the lives of all hosts that share a store; without gaps,
    /// save one after a host that was killed.
    /// Among those that are kept, a measurement that a newer one has replaced is
    /// missing.
    pub sequence: u64,
    /// When.
    pub at: SystemTime,
    /// What.
    pub what: Happening,
    text: OnceLock<Arc<str>>,
}

#[derive(Serialize)]
struct EventText<'a> {
    sequence: u64,
    timestamp: String,
    #[serde(flatten)]
    what: &'a Happening,
}

impl Event {
    /// The event as streams carry it: `{"sequence", "timestamp", "type", "data"}`.
    pub fn text(&self) -> &Arc<str> {
        self.text.get_or_init(|| {
            let text = EventText {
                sequence: self.sequence,
                timestamp: rfc3339(self.at),
                what: &self.what,
            };
            // Maps have strings for keys and nothing fails on its own.
            serde_json::to_string(&text).unwrap_or_default().into()
        })
    }
}

impl EventType {
    /// Whether events of this type are measurements, of which only the newest is
    /// worth much.
    pub fn is_measured(self) -> bool {
        matches!(self, Self::PerformanceUpdate | Self::SystemStats)
    }
}

/// The stream. One lock, held for one push: numbers and the order in which
/// listeners see events agree.
pub struct EventBus {
    kept: Mutex<Kept>,
    feed: broadcast::Sender<Arc<Event>>,
    counts: [AtomicU64; EventType::COUNT],
}

struct Kept {
    last: u64,
    events: VecDeque<Arc<Event>>,
}

impl Default for EventBus {
    fn default() -> Self {
        Self::after(0)
    }
}

impl EventBus {
    /// A stream whose numbers go on after `last`.
    pub fn after(last: u64) -> Self {
        Self {
            kept: Mutex::new(Kept {
                last,
                events: VecDeque::new(),
            }),
            feed: broadcast::channel(WAITING).0,
            counts: [const { AtomicU64::new(0) }; EventType::COUNT],
        }
    }

    /// Tells everybody.
    pub fn publish(&self, what: impl Into<Happening>) {
        let what = what.into();
        self.counts[what.event_type() as usize].fetch_add(1, Ordering::Relaxed);
        let mut kept = self.lock();
        kept.last += 1;
        if what.event_type().is_measured() {
            let same = what.event_type();
            (kept.events).retain(|event| event.what.event_type() != same);
        }
        let event = Arc::new(Event {
            sequence: kept.last,
            at: SystemTime::now(),
            what,
            text: OnceLock::new(),
        });
        if kept.events.len() == KEPT {
            kept.events.pop_front();
        }
        kept.events.push_back(Arc::clone(&event));
        // Nobody listening is fine: the event is kept.
        let _ = self.feed.send(event);
    }

    /// What is kept in memory from after number `sequence`, oldest first, and
    /// everything from now on: nothing is missed or told twice in between.
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

    /// The number of the newest event; 0 before the first.
    pub fn last(&self) -> u64 {
        self.lock().last
    }

    /// How many events of each type this host has published.
    pub fn counts(&self) -> impl Iterator<Item = (EventType, u64)> + '_ {
        EventType::ALL.iter().map(|event_type| {
            let count = self.counts[*event_type as usize].load(Ordering::Relaxed);
            (*event_type, count)
        })
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

    pub(super) fn lost(number: usize) -> SystemError {
        SystemError {
            error: number.to_string(),
            component: "test".to_owned(),
            severity: ErrorSeverity::Warning,
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
        let errors = bus.counts().find(|(it, _)| *it == EventType::SystemError);
        assert_eq!(errors, Some((EventType::SystemError, 6)));
    }

    #[test]
    fn of_what_says_how_things_are_the_last_is_kept() {
        let bus = EventBus::default();
        for uptime_seconds in 1..=5 {
            bus.publish(SystemStats {
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

    #[test]
    fn an_event_reads_as_the_documents_show_it() {
        let bus = EventBus::after(6);
        bus.publish(AgentDelegation {
            agent: "engineer".to_owned(),
            task: "Implement feature X".to_owned(),
            status: DelegationStatus::Completed,
            duration_ms: Some(5000),
        });
        let (events, _) = bus.since(0);
        let mut event: serde_json::Value =
            serde_json::from_str(events[0].text()).expect("an event is JSON");
        let timestamp = event["timestamp"].take();
        assert!(timestamp.as_str().is_some_and(|it| it.ends_with('Z')));
        assert_eq!(
            event,
            serde_json::json!({
                "sequence": 7,
                "timestamp": null,
                "type": "agent.delegation",
                "data": {
                    "agent": "engineer",
                    "task": "Implement feature X",
                    "status": "completed",
                    "duration_ms": 5000
                }
            })
        );
    }
}
