//! Events kept for longer than memory does.
//!
//! A task of its own takes events off the stream and writes them in batches: who
//! publishes never waits for the disk. It owns the keeping; whoever asks reads
//! through the store.
//!
//! An event that comes alone is written at once; of those that follow each other, the
//! last [`LINGER`] is lost if the host is killed. Their numbers are not given again:
//! the host that comes next goes on after all that may have been told.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::params;
use rusqlite::types::Value;
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Event, EventBus, EventFilter, EventType};
use crate::clock::{ms_of, now_ms, whole_ms};
use crate::store::{Store, StoreError};

/// Events written in one go.
const BATCH: usize = 512;

/// How long events gather after a write. Each command tells of several: one by one
/// they would wake a task and the store's thread for every one of them.
const LINGER: Duration = Duration::from_millis(20);

/// As many events at most are told and not kept yet, since no more wait for whoever
/// keeps them.
const UNKEPT: u64 = super::WAITING as u64;

/// An event with a longer text is kept without its data.
const LONGEST_EVENT: usize = 64 * 1024;

/// Old events are looked for after so many new ones.
const PRUNE_EVERY: usize = 5_000;

/// How long measurements are kept.
const KEEP_MEASURED_FOR: Duration = Duration::from_secs(3_600);

/// How long events are kept.
#[derive(Clone, Copy, Debug)]
pub struct EventSettings {
    /// For how long.
    pub keep_for: Duration,
    /// How many bytes of text at most.
    pub keep_bytes: u64,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self {
            keep_for: Duration::from_secs(7 * 24 * 3600),
            keep_bytes: 64 << 20,
        }
    }
}

/// An event of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvent {
    /// Its number.
    pub sequence: u64,
    /// The event as streams carry it.
    pub text: Arc<str>,
}

/// The events of the past.
pub struct EventHistory {
    store: Store,
    bus: Arc<EventBus>,
    keeper: Mutex<Option<Keeper>>,
}

struct Keeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl EventHistory {
    /// The number after which the next event's comes: that of the newest event in the
    /// store, or the last that a host which was killed may have given.
    pub(crate) fn last_number(store: &Store) -> Result<u64, StoreError> {
        store.read_blocking(|kept| {
            kept.query_row(
                "SELECT max(coalesce((SELECT max(sequence) FROM events), 0),
                            coalesce((SELECT promised FROM event_numbers), 0))",
                [],
                |row| row.get::<_, i64>(0),
            )
            .map(i64::cast_unsigned)
        })
    }

    /// Keeps what `bus` tells from now on. Call it inside a runtime.
    pub(crate) fn start(bus: Arc<EventBus>, store: Store, settings: EventSettings) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(bus.subscribe(), store.clone(), settings, stopped));
        Self {
            store,
            bus,
            keeper: Mutex::new(Some(Keeper { stop, task })),
        }
    }

    /// Writes what is still to be written, and keeps nothing from now on.
    pub(crate) async fn finish(&self) {
        let keeper = self
            .keeper
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(keeper) = keeper {
            // Gone already is as good.
            let _ = keeper.stop.send(());
            let _ = keeper.task.await;
        }
    }

    /// The newest `limit` events that `filter` wants, of those with these numbers,
    /// oldest first.
    pub async fn newest(
        &self,
        filter: &EventFilter,
        numbers: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<KeptEvent>, StoreError> {
        let (first, last) = (*numbers.start(), *numbers.end());
        let (in_memory, _) = self.bus.since(first.saturating_sub(1));
        let oldest = in_memory.first().map_or(u64::MAX, |event| event.sequence);
        let mut newest: Vec<KeptEvent> = in_memory
            .iter()
            .rev()
            .filter(|event| event.sequence <= last && filter.wants(event.what.event_type()))
            .take(limit)
            .map(|event| KeptEvent {
                sequence: event.sequence,
                text: Arc::clone(event.text()),
            })
            .collect();
        // What memory has let go of, or another host has told.
        if newest.len() < limit && oldest > first {
            let left = limit - newest.len();
            let before = oldest.min(last.saturating_add(1));
            newest.extend(self.kept_before(before, first, filter, left).await?);
        }
        newest.reverse();
        Ok(newest)
    }

    /// Newest first.
    async fn kept_before(
        &self,
        before: u64,
        first: u64,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<Vec<KeptEvent>, StoreError> {
        let types: Vec<&'static str> = filter.types().map(EventType::as_str).collect();
        let places = vec!["?"; types.len()].join(", ");
        let sql = format!(
            "SELECT sequence, event FROM events
             WHERE sequence >= ? AND sequence < ? AND type IN ({places})
             ORDER BY sequence DESC LIMIT ?"
        );
        let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let values: Vec<Value> = [number(first), number(before)]
            .into_iter()
            .chain(types.iter().map(|it| Value::Text((*it).to_owned())))
            .chain([number(limit as u64)])
            .collect();
        self.store
            .read(move |kept| {
                kept.prepare_cached(&sql)?
                    .query_map(rusqlite::params_from_iter(values), |row| {
                        Ok(KeptEvent {
                            sequence: row.get::<_, i64>(0)?.cast_unsigned(),
                            text: row.get::<_, String>(1)?.into(),
                        })
                    })?
                    .collect()
            })
            .await
    }
}

async fn keep(
    mut feed: broadcast::Receiver<Arc<Event>>,
    store: Store,
    settings: EventSettings,
    mut stop: oneshot::Receiver<()>,
) {
    let mut keeping = Keeping {
        store,
        settings,
        promised: 0,
        unpruned: PRUNE_EVERY,
    };
    loop {
        let first = tokio::select! {
            // What was published before the end is kept.
            biased;
            event = feed.recv() => match event {
                Ok(event) => event,
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!("{missed} events came faster than the store could keep them");
                    continue;
                }
                Err(RecvError::Closed) => return,
            },
            // The host has gone, or says that it goes.
            _ = &mut stop => break,
        };
        keeping.write_what_waits(vec![first], &mut feed).await;
        if tokio::time::timeout(LINGER, &mut stop).await.is_ok() {
            break;
        }
    }
    keeping.write_what_waits(Vec::new(), &mut feed).await;
    keeping.withdraw_promise().await;
}

/// What the task knows that keeps events.
struct Keeping {
    store: Store,
    settings: EventSettings,
    /// The number up to which a host that comes after a sudden end gives none.
    promised: u64,
    /// Written since old events were looked for.
    unpruned: usize,
}

impl Keeping {
    /// Writes `batch` and all that was told since.
    async fn write_what_waits(
        &mut self,
        mut batch: Vec<Arc<Event>>,
        feed: &mut broadcast::Receiver<Arc<Event>>,
    ) {
        loop {
            match feed.try_recv() {
                Ok(event) => batch.push(event),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
            if batch.len() == BATCH {
                self.write(std::mem::take(&mut batch)).await;
            }
        }
        self.write(batch).await;
        if self.unpruned >= PRUNE_EVERY {
            self.unpruned = 0;
            prune(&self.store, self.settings).await;
        }
    }

    async fn write(&mut self, batch: Vec<Arc<Event>>) {
        let Some(last) = batch.last().map(|event| event.sequence) else {
            return;
        };
        let count = batch.len();
        self.unpruned += count;
        let promise = (last + UNKEPT > self.promised).then_some(last + 2 * UNKEPT);
        let written = self.store.write(move |kept| {
            let mut insert = kept.prepare_cached(
                "INSERT OR REPLACE INTO events (sequence, at_ms, type, event)
                 VALUES (?1, ?2, ?3, ?4)",
            )?;
            for event in &batch {
                let event_type = event.what.event_type().as_str();
                insert.execute(params![
                    event.sequence.cast_signed(),
                    ms_of(event.at).cast_signed(),
                    event_type,
                    bounded(event)
                ])?;
            }
            promise.map_or(Ok(0), |promise| {
                kept.execute(
                    "INSERT OR REPLACE INTO event_numbers (one, promised) VALUES (1, ?1)",
                    [promise.cast_signed()],
                )
            })
        });
        match written.await {
            Ok(_) => self.promised = promise.unwrap_or(self.promised),
            Err(error) => tracing::warn!(%error, "{count} events could not be kept"),
        }
    }

    /// Everything is written: numbers go on after the last.
    async fn withdraw_promise(&self) {
        let withdrawn = (self.store).write(|kept| kept.execute("DELETE FROM event_numbers", []));
        if let Err(error) = withdrawn.await {
            tracing::warn!(%error, "the numbers of events will jump at the next start");
        }
    }
}

fn bounded(event: &Event) -> Arc<str> {
    let text = event.text();
    if text.len() <= LONGEST_EVENT {
        return Arc::clone(text);
    }
    let short = serde_json::json!({
        "sequence": event.sequence,
        "timestamp": crate::clock::rfc3339(event.at),
        "type": event.what.event_type().as_str(),
        "data": { "omitted_bytes": text.len() },
    });
    short.to_string().into()
}

/// Removes what is too old or too much. Measurements go after an hour: whoever
/// measures has a history of its own.
async fn prune(store: &Store, settings: EventSettings) {
    let before = |age: Duration| {
        let age_ms = whole_ms(age);
        now_ms().saturating_sub(age_ms).cast_signed()
    };
    let oldest = before(settings.keep_for);
    let oldest_measured = before(KEEP_MEASURED_FOR.min(settings.keep_for));
    let most = i64::try_from(settings.keep_bytes).unwrap_or(i64::MAX);
    let pruned = store.write(move |kept| {
        kept.execute("DELETE FROM events WHERE at_ms < ?1", [oldest])?;
        for event_type in EventType::ALL.iter().filter(|it| it.is_measured()) {
            kept.execute(
                "DELETE FROM events WHERE type = ?1 AND at_ms < ?2",
                params![event_type.as_str(), oldest_measured],
            )?;
        }
        // The numbers go on from the newest one, so that one always stays.
        kept.execute(
            "DELETE FROM events WHERE sequence < (
                SELECT min(sequence) FROM (
                    SELECT sequence, sum(length(event)) OVER (ORDER BY sequence DESC) AS total
                    FROM events)
                WHERE total <= ?1)
             AND sequence < (SELECT max(sequence) FROM events)",
            [most],
        )
    });
    if let Err(error) = pruned.await {
        tracing::warn!(%error, "old events could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::super::HealthAlert;
    use super::super::tests::lost;
    use super::*;

    fn started(store: &Store, settings: EventSettings) -> (Arc<EventBus>, EventHistory) {
        let last = EventHistory::last_number(store).expect("the last number");
        let bus = Arc::new(EventBus::after(last));
        let history = EventHistory::start(Arc::clone(&bus), store.clone(), settings);
        (bus, history)
    }

    fn sequences(events: &[KeptEvent]) -> Vec<u64> {
        events.iter().map(|event| event.sequence).collect()
    }

    #[tokio::test]
    async fn numbers_and_events_go_on_after_a_restart() {
        let store = Store::temporary().expect("store");
        let (bus, history) = started(&store, EventSettings::default());
        for number in 1..=3 {
            bus.publish(lost(number));
        }
        history.finish().await;

        let (bus, history) = started(&store, EventSettings::default());
        bus.publish(lost(4));
        let everything = EventFilter::EVERYTHING;
        let newest = history
            .newest(&everything, 2..=u64::MAX, 100)
            .await
            .expect("history");
        assert_eq!(sequences(&newest), [2, 3, 4]);
        let newest = history
            .newest(&everything, 1..=3, 2)
            .await
            .expect("history");
        assert_eq!(sequences(&newest), [2, 3]);
    }

    #[tokio::test]
    async fn a_killed_host_s_numbers_are_not_given_again() {
        let store = Store::temporary().expect("store");
        let (bus, history) = started(&store, EventSettings::default());
        bus.publish(lost(1));
        while EventHistory::last_number(&store).expect("a number") == 0 {
            tokio::task::yield_now().await;
        }
        // Told within moments of the first: they still wait when the host dies.
        for number in 2..=100 {
            bus.publish(lost(number));
        }
        let (next, _) = started(&store, EventSettings::default());
        next.publish(lost(101));
        assert!(next.last() > 100);
        drop(history);
    }

    #[tokio::test]
    async fn only_what_is_asked_for_is_told() {
        let store = Store::temporary().expect("store");
        let (bus, history) = started(&store, EventSettings::default());
        bus.publish(lost(1));
        bus.publish(HealthAlert {
            severity: crate::monitor::Severity::Warning,
            component: crate::monitor::Component::Disk,
            message: "nearly full".to_owned(),
            session_id: None,
        });
        history.finish().await;
        let (_bus, history) = started(&store, EventSettings::default());
        let (health, _) = EventFilter::of(["health.*"]);
        let told = history
            .newest(&health, 0..=u64::MAX, 10)
            .await
            .expect("history");
        assert_eq!(sequences(&told), [2]);
        let none = history.newest(&EventFilter::NOTHING, 0..=9, 10).await;
        assert_eq!(none.expect("history").len(), 0);
    }

    #[tokio::test]
    async fn the_store_keeps_no_more_than_it_may() {
        let store = Store::temporary().expect("store");
        let settings = EventSettings {
            keep_bytes: 10_000,
            ..EventSettings::default()
        };
        let (bus, history) = started(&store, settings);
        for number in 0..PRUNE_EVERY + 100 {
            bus.publish(lost(number));
        }
        history.finish().await;
        let count = store.read(|kept| {
            kept.query_row("SELECT count(*), max(sequence) FROM events", [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
        });
        let (count, newest) = count.await.expect("count");
        assert!((1..=200).contains(&count), "{count} are kept");
        assert_eq!(newest, PRUNE_EVERY as i64 + 100);
    }
}
