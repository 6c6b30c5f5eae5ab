//! The worker with the least to do takes the next task.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::{Choose, Room, Settings, Task, Why, Worker};

/// Chooses the least loaded worker; of equals, the one offered first.
///
/// A worker's load is what it reports or the share of its capacity in use,
/// whichever is higher; each task that it takes adds its share of the capacity.
/// A report that is no number counts as saturated.
#[derive(Debug)]
pub struct LeastLoaded<'batch> {
    workers: &'batch [Worker],
    room: Room<'batch>,
    /// Workers with room, the least loaded on top.
    open: BinaryHeap<Reverse<Open>>,
    /// Set aside while a task looks for a worker with its tags.
    passed: Vec<Reverse<Open>>,
}

/// A worker with room. The order of the fields is the order of choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Open {
    /// In millionths, so that loads have an order.
    load: u64,
    index: usize,
}

const SATURATED: u64 = 1_000_000;

impl<'batch> LeastLoaded<'batch> {
    /// All workers that have room.
    #[must_use]
    pub fn new(workers: &'batch [Worker], settings: Settings) -> Self {
        Self::below(workers, settings, f64::INFINITY)
    }

    /// All workers that have room and report a load below `threshold`.
    #[must_use]
    pub fn below(workers: &'batch [Worker], settings: Settings, threshold: f64) -> Self {
        let room = Room::new(workers, settings);
        let open = workers
            .iter()
            .enumerate()
            .filter(|&(index, worker)| room.slots(index) > 0 && reported(worker) < threshold)
            .map(|(index, worker)| {
                let in_use = share(worker) * u64::from(worker.running);
                let load = millionths(reported(worker)).max(in_use);
                Reverse(Open { load, index })
            })
            .collect();
        Self {
            workers,
            room,
            open,
            passed: Vec::new(),
        }
    }

    /// Takes one slot of the worker, and puts it back if it has more.
    fn take(&mut self, Open { load, index }: Open) -> usize {
        if self.room.take(index) > 0 {
            let load = load + share(&self.workers[index]);
            self.open.push(Reverse(Open { load, index }));
        }
        index
    }
}

impl Choose for LeastLoaded<'_> {
    fn choose(&mut self, task: &Task) -> Result<usize, Why> {
        if self.workers.is_empty() {
            return Err(Why::NoWorkers);
        }
        if self.open.is_empty() {
            return Err(Why::AllFull);
        }
        let mut chosen = None;
        while let Some(Reverse(open)) = self.open.pop() {
            if self.room.suits(open.index, task) {
                chosen = Some(open);
                break;
            }
            self.passed.push(Reverse(open));
        }
        self.open.extend(self.passed.drain(..));
        chosen.map(|open| self.take(open)).ok_or(Why::NoneWithTags)
    }
}

/// The load that a worker reports; 1 for one that reports nonsense.
fn reported(worker: &Worker) -> f64 {
    if worker.load.is_nan() {
        1.0
    } else {
        worker.load.max(0.0)
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped to 0..=1 first"
)]
fn millionths(load: f64) -> u64 {
    (load.clamp(0.0, 1.0) * SATURATED as f64) as u64
}

/// What one task adds to a worker's load.
fn share(worker: &Worker) -> u64 {
    SATURATED / u64::from(worker.capacity.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{task, worker};

    fn chosen(workers: &[Worker], count: usize) -> Vec<usize> {
        let mut choice = LeastLoaded::new(workers, Settings::default());
        (0..count)
            .map_while(|_| choice.choose(&task("t")).ok())
            .collect()
    }

    #[test]
    fn equal_workers_are_taken_in_the_order_offered() {
        let workers = [worker("a", 2), worker("b", 2)];
        assert_eq!(chosen(&workers, 9), [0, 1, 0, 1]);
    }

    #[test]
    fn a_big_worker_takes_more() {
        let workers = [worker("small", 1), worker("big", 4)];
        assert_eq!(chosen(&workers, 9), [0, 1, 1, 1, 1]);
    }

    #[test]
    fn a_worker_that_reports_nonsense_comes_last() {
        let mut workers = [worker("nan", 4), worker("b", 1)];
        workers[0].load = f64::NAN;
        assert_eq!(chosen(&workers, 2), [1, 0]);
    }

    #[test]
    fn a_full_worker_takes_nothing() {
        let mut workers = [worker("a", 2)];
        workers[0].running = 5;
        let mut choice = LeastLoaded::new(&workers, Settings::default());
        assert_eq!(choice.choose(&task("t")), Err(Why::AllFull));
    }

    #[test]
    fn tags_are_matched_only_on_request() {
        let workers = [worker("a", 1), worker("b", 1)];
        let mut tagged = task("t");
        tagged.tags = vec!["gpu".to_owned()];
        let mut strict = LeastLoaded::new(&workers, Settings { match_tags: true });
        assert_eq!(strict.choose(&tagged), Err(Why::NoneWithTags));
        assert_eq!(strict.choose(&task("u")), Ok(0), "nothing was used up");
        let mut lax = LeastLoaded::new(&workers, Settings::default());
        assert_eq!(lax.choose(&tagged), Ok(0));
    }
}
