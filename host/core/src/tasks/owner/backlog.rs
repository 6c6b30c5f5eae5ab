//! Which tasks could run, of each submission: kept up to date, so that a round
//! need not look at all there are. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use quarterdeck_policy::TaskPriority;

use crate::tasks::task::Lane;

/// As many tasks a distributor is asked about at once. Where more wait, half of
/// them are the oldest that could run now, and half the most urgent.
const MOST_ASKED_ABOUT: usize = 256;

/// A task, as far as its place in the backlog goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct BacklogEntry {
    pub(super) number: u64,
    pub(super) submission: u64,
    pub(super) lane: Lane,
    pub(super) priority: TaskPriority,
    pub(super) place: BacklogPlace,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BacklogPlace {
    /// It waits for others.
    Blocked,
    /// It could run.
    Ready,
    /// A worker has it.
    Running,
}

/// All tasks that have not ended, by submission and by what they want of a worker.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    lanes: BTreeMap<(u64, Lane), LaneBacklog>,
}

#[derive(Debug, Default)]
struct LaneBacklog {
    blocked: BTreeSet<u64>,
    ready: BTreeSet<u64>,
    /// Those that are ready, the most urgent first.
    urgent: BTreeSet<(Reverse<TaskPriority>, u64)>,
    running: BTreeSet<u64>,
    /// Why none of those that are ready runs.
    reason: Option<String>,
}

impl Backlog {
    /// Puts a task where it stands now.
    pub(super) fn put(&mut self, entry: BacklogEntry) {
        let lane = self.without(entry);
        match entry.place {
            BacklogPlace::Blocked => drop(lane.blocked.insert(entry.number)),
            BacklogPlace::Ready => {
                lane.ready.insert(entry.number);
                lane.urgent.insert((Reverse(entry.priority), entry.number));
            }
            BacklogPlace::Running => drop(lane.running.insert(entry.number)),
        }
    }

    /// Takes a task out that has ended.
    pub(super) fn remove(&mut self, entry: BacklogEntry) {
        if self.without(entry).is_empty() {
            self.lanes.remove(&(entry.submission, entry.lane));
        }
    }

    /// The lane of a task, which is nowhere in it.
    fn without(&mut self, entry: BacklogEntry) -> &mut LaneBacklog {
        let key = (entry.submission, entry.lane);
        let urgency = (Reverse(entry.priority), entry.number);
        let lane = self.lanes.entry(key).or_default();
        lane.blocked.remove(&entry.number);
        lane.ready.remove(&entry.number);
        lane.urgent.remove(&urgency);
        lane.running.remove(&entry.number);
        lane
    }

    /// Where some task could run.
    pub(super) fn lanes_with_ready_tasks(&self) -> Vec<(u64, Lane)> {
        let ready = self.lanes.iter().filter(|(_, lane)| !lane.ready.is_empty());
        ready.map(|(key, _)| *key).collect()
    }

    /// Whether anything is left of a submission.
    pub(super) fn holds(&self, submission: u64) -> bool {
        self.of(submission).next().is_some()
    }

    /// How many tasks of a submission run.
    pub(super) fn running(&self, submission: u64) -> usize {
        self.of(submission).map(|lane| lane.running.len()).sum()
    }

    /// All tasks that run.
    pub(super) fn all_running(&self) -> impl Iterator<Item = u64> {
        let lanes = self.lanes.values();
        lanes.flat_map(|lane| lane.running.iter().copied())
    }

    /// How many tasks could run.
    pub(super) fn ready(&self, submission: u64, lane: Lane) -> usize {
        self.lanes
            .get(&(submission, lane))
            .map_or(0, |lane| lane.ready.len())
    }

    /// How many tasks wait, over all submissions.
    pub(super) fn waiting(&self) -> usize {
        self.lanes
            .values()
            .map(|lane| lane.ready.len() + lane.blocked.len())
            .sum()
    }

    /// The tasks that a distributor is asked about, in order of submission: all
    /// that wait, if they are few, else some of those that could run.
    pub(super) fn asked_about(&self, submission: u64, lane: Lane) -> BTreeSet<u64> {
        let Some(lane) = self.lanes.get(&(submission, lane)) else {
            return BTreeSet::new();
        };
        if lane.ready.len() + lane.blocked.len() <= MOST_ASKED_ABOUT {
            return lane.ready.union(&lane.blocked).copied().collect();
        }
        let oldest = lane.ready.iter().copied();
        let urgent = lane.urgent.iter().map(|(_, number)| *number);
        oldest
            .take(MOST_ASKED_ABOUT / 2)
            .chain(urgent.take(MOST_ASKED_ABOUT / 2))
            .collect()
    }

    /// Says why none of the tasks that could run does.
    pub(super) fn none_runs_because(&mut self, submission: u64, lane: Lane, reason: &str) {
        if let Some(lane) = self.lanes.get_mut(&(submission, lane))
            && lane.reason.as_deref() != Some(reason)
        {
            lane.reason = Some(reason.to_owned());
        }
    }

    /// Why a task that could run does not.
    pub(super) fn reason(&self, submission: u64, lane: Lane) -> Option<&str> {
        self.lanes.get(&(submission, lane))?.reason.as_deref()
    }

    fn of(&self, submission: u64) -> impl Iterator<Item = &LaneBacklog> {
        self.lanes
            .range((submission, Lane::Shell)..=(submission, Lane::Program))
            .map(|(_, lane)| lane)
    }
}

impl LaneBacklog {
    fn is_empty(&self) -> bool {
        self.blocked.is_empty() && self.ready.is_empty() && self.running.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64, priority: TaskPriority, place: BacklogPlace) -> BacklogEntry {
        BacklogEntry {
            number,
            submission: 1,
            lane: Lane::Shell,
            priority,
            place,
        }
    }

    #[test]
    fn a_task_stands_in_one_place() {
        let mut backlog = Backlog::default();
        let task = |place| entry(7, TaskPriority::Medium, place);
        for (place, counts) in [
            (BacklogPlace::Blocked, (0, 0, 1)),
            (BacklogPlace::Ready, (1, 0, 1)),
            (BacklogPlace::Running, (0, 1, 0)),
            (BacklogPlace::Ready, (1, 0, 1)),
        ] {
            backlog.put(task(place));
            assert_eq!(
                (
                    backlog.ready(1, Lane::Shell),
                    backlog.running(1),
                    backlog.waiting()
                ),
                counts,
                "{place:?}"
            );
            let runs = backlog.all_running().collect::<Vec<_>>() == [7];
            assert_eq!(runs, place == BacklogPlace::Running);
            assert!(backlog.holds(1) && !backlog.holds(2));
        }
        backlog.remove(task(BacklogPlace::Running));
        assert!(!backlog.holds(1) && backlog.lanes.is_empty());
    }

    #[test]
    fn of_many_the_oldest_and_the_most_urgent_are_asked_about() {
        let mut backlog = Backlog::default();
        let ready = |number| {
            let priority = match number >= 990 {
                true => TaskPriority::High,
                false => TaskPriority::Low,
            };
            entry(number, priority, BacklogPlace::Ready)
        };
        backlog.put(entry(10_000, TaskPriority::Low, BacklogPlace::Blocked));
        for number in 0..1_000 {
            backlog.put(ready(number));
        }
        let asked = backlog.asked_about(1, Lane::Shell);
        assert!(asked.len() <= MOST_ASKED_ABOUT);
        assert!(
            (0..128)
                .chain(990..1_000)
                .all(|number| asked.contains(&number))
        );
        for number in 100..1_000 {
            backlog.remove(ready(number));
        }
        assert_eq!(
            backlog.asked_about(1, Lane::Shell).len(),
            101,
            "few enough: what waits for others too"
        );
    }
}
