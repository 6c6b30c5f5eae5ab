//! How often samples are taken: as the settings say, and more often while somebody
//! listens who wants that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// However impatient a listener is.
const SHORTEST: Duration = Duration::from_millis(250);

/// What listeners want. The lock is held for one look or change.
#[derive(Clone, Default)]
pub(super) struct Wishes(Arc<Mutex<Wanted>>);

#[derive(Default)]
struct Wanted {
    last_id: u64,
    intervals: HashMap<u64, Duration>,
}

/// While it is held, samples are taken at least this often.
pub struct SamplingWish {
    id: u64,
    wishes: Wishes,
}

impl Wishes {
    pub(super) fn add(&self, interval: Duration, wake: &Notify) -> SamplingWish {
        let mut wanted = self.lock();
        wanted.last_id += 1;
        let id = wanted.last_id;
        wanted.intervals.insert(id, interval.max(SHORTEST));
        drop(wanted);
        wake.notify_one();
        SamplingWish {
            id,
            wishes: self.clone(),
        }
    }

    /// The time between two samples, where it is `usual` without wishes.
    pub(super) fn interval(&self, usual: Duration) -> Duration {
        let wanted = self.lock();
        let shortest = wanted.intervals.values().min().copied();
        shortest.map_or(usual, |shortest| shortest.min(usual))
    }

    /// Whether anybody listens.
    pub(super) fn any(&self) -> bool {
        !self.lock().intervals.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        // Every change leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SamplingWish {
    fn drop(&mut self) {
        self.wishes.lock().intervals.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_impatient_of_those_who_listen_counts() {
        let wishes = Wishes::default();
        let usual = Duration::from_secs(5);
        let add = |millis| wishes.add(Duration::from_millis(millis), &Notify::new());
        assert_eq!(wishes.interval(usual), usual);
        let patient = add(60_000);
        assert_eq!(wishes.interval(usual), usual);
        let second = add(1_000);
        let greedy = add(1);
        assert_eq!(wishes.interval(usual), SHORTEST);
        drop(greedy);
        assert_eq!(wishes.interval(usual), Duration::from_secs(1));
        drop((patient, second));
        assert_eq!(wishes.interval(usual), usual);
    }
}
