//! Measurements at the client's pace: the newest one, and not too often.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::events::{Event, EventType};
use tokio::time::Instant;

/// Keeps measurements from coming faster than the client wishes.
#[derive(Default)]
pub(super) struct Pace {
    interval: Option<Duration>,
    told: HashMap<EventType, Instant>,
    /// The newest of each type that is not told yet.
    held: HashMap<EventType, Arc<Event>>,
}

impl Pace {
    /// From now on, at least `interval` lies between two events of one type.
    pub(super) fn set(&mut self, interval: Duration) {
        self.interval = Some(interval);
    }

    /// Whether the event is to wait; if so, it takes the place of one that waits.
    pub(super) fn holds_back(&mut self, event: &Arc<Event>) -> bool {
        let event_type = event.what.event_type();
        let Some(interval) = self.interval.filter(|_| event_type.is_measured()) else {
            return false;
        };
        let now = Instant::now();
        let early = self
            .told
            .get(&event_type)
            .is_some_and(|told| now < *told + interval);
        if early {
            self.held.insert(event_type, Arc::clone(event));
        } else {
            self.told.insert(event_type, now);
        }
        early
    }

    /// When the first of those that wait is to be told.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let interval = self.interval?;
        let due = |event_type| self.told.get(event_type).map(|told| *told + interval);
        self.held.keys().filter_map(due).min()
    }

    /// Those that have waited long enough.
    pub(super) fn take_due(&mut self) -> Vec<Arc<Event>> {
        let Some(interval) = self.interval else {
            return Vec::new();
        };
        let now = Instant::now();
        let told = &mut self.told;
        self.held
            .extract_if(|event_type, _| {
                let due = told
                    .get(event_type)
                    .is_none_or(|told| now >= *told + interval);
                if due {
                    told.insert(*event_type, now);
                }
                due
            })
            .map(|(_, event)| event)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::events::{EventBus, Happening, HealthAlert, SystemStats};
    use quarterdeck_core::monitor::{Component, Severity};

    fn event(what: impl Into<Happening>) -> Arc<Event> {
        let bus = EventBus::default();
        bus.publish(what);
        Arc::clone(&bus.since(0).0[0])
    }

    fn stats(uptime_seconds: u64) -> Arc<Event> {
        event(SystemStats {
            memory_usage_mb: 256.0,
            cpu_percent: 15.5,
            uptime_seconds,
        })
    }

    #[tokio::test]
    async fn of_measurements_that_come_too_fast_the_newest_is_told_in_time() {
        let mut pace = Pace::default();
        pace.set(Duration::from_secs(1));
        assert!(!pace.holds_back(&stats(1)));
        assert!(pace.holds_back(&stats(2)) && pace.holds_back(&stats(3)));
        assert!(pace.take_due().is_empty());
        tokio::time::sleep_until(pace.next_due().expect("one waits")).await;
        let due = pace.take_due();
        let told: Vec<&Happening> = due.iter().map(|event| &event.what).collect();
        assert_eq!(told, [&stats(3).what]);
        assert_eq!(pace.next_due(), None);
        assert!(pace.holds_back(&stats(4)), "the second begins anew");
    }

    #[tokio::test]
    async fn alerts_do_not_wait() {
        let mut pace = Pace::default();
        pace.set(Duration::from_secs(1));
        let alert = event(HealthAlert {
            severity: Severity::Critical,
            component: Component::Disk,
            session_id: None,
            message: "full".to_owned(),
        });
        assert!(!pace.holds_back(&alert) && !pace.holds_back(&alert));
    }
}
