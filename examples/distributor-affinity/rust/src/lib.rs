//! Keeps each kind of task on the worker where that kind ran before, because its
//! caches are warm there, and otherwise takes the worker with the most room.
//!
//! It shows how a strategy remembers: the plan's `state` comes back with the next
//! batch. Its first byte is a version, so that a later release can tell what an
//! earlier one wrote; what it does not understand it forgets.

use std::collections::BTreeMap;

use quarterdeck_sdk::NoConfig;
use quarterdeck_sdk::distributor::{Batch, Distributor, Plan};
use quarterdeck_sdk::serde_json;

/// Which worker ran a kind of task last.
type Homes = BTreeMap<String, String>;

const STATE_VERSION: u8 = 1;

/// The strategy.
#[derive(Debug)]
pub struct Affinity;

impl Distributor for Affinity {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self)
    }

    fn distribute(&self, batch: &Batch) -> Plan {
        let mut homes = remembered(&batch.state);
        let mut rooms: Vec<usize> = batch.workers.iter().map(|worker| worker.room()).collect();
        let mut limit = batch.room();
        let mut plan = Plan::new();
        for task in &batch.tasks {
            if !task.is_ready() {
                plan.wait(task, "It depends on tasks that have not completed.");
            } else if limit == 0 {
                plan.wait(task, "As many tasks run as may.");
            } else if let Some(index) = choose(batch, &rooms, homes.get(&task.kind)) {
                plan.assign(task, &batch.workers[index]);
                rooms[index] -= 1;
                limit -= 1;
                homes.insert(task.kind.clone(), batch.workers[index].session_id.clone());
            } else {
                plan.wait(task, "Every worker is busy.");
            }
        }
        plan.state = vec![STATE_VERSION];
        plan.state
            .extend(serde_json::to_vec(&homes).unwrap_or_default());
        plan
    }
}

/// The worker that the kind is at home at, if it has room; else the one with the
/// most, the first of equals.
fn choose(batch: &Batch, rooms: &[usize], home: Option<&String>) -> Option<usize> {
    let free = |index: &usize| rooms[*index] > 0;
    let at_home = batch
        .workers
        .iter()
        .position(|worker| Some(&worker.session_id) == home)
        .filter(free);
    at_home.or_else(|| {
        (0..rooms.len())
            .rev()
            .filter(free)
            .max_by_key(|index| rooms[*index])
    })
}

fn remembered(state: &[u8]) -> Homes {
    match state {
        [STATE_VERSION, json @ ..] => serde_json::from_slice(json).unwrap_or_default(),
        _ => Homes::new(),
    }
}

quarterdeck_sdk::export!(distributor: Affinity);

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_sdk::distributor::{Task, Worker};

    fn task(id: &str, kind: &str) -> Task {
        let mut task = Task::for_test(id);
        task.kind = kind.to_owned();
        task
    }

    fn assigned(plan: &Plan) -> Vec<(&str, &str)> {
        let pairs = plan.assignments.iter();
        pairs
            .map(|it| (it.task_id.as_str(), it.session_id.as_str()))
            .collect()
    }

    #[test]
    fn a_kind_comes_home_as_long_as_there_is_room() {
        let workers = vec![Worker::for_test("a", 1), Worker::for_test("b", 2)];
        let batch = Batch::for_test(vec![task("1", "build")], workers.clone());
        let plan = Affinity.distribute(&batch);
        assert_eq!(assigned(&plan), [("1", "b")]);

        let tasks = vec![
            task("2", "test"),
            task("3", "build"),
            task("4", "build"),
            task("5", "build"),
        ];
        let mut batch = Batch::for_test(tasks, workers);
        batch.state = plan.state;
        let plan = Affinity.distribute(&batch);
        assert_eq!(assigned(&plan), [("2", "b"), ("3", "b"), ("4", "a")]);
        assert_eq!(plan.waits[0].reason, "Every worker is busy.");
    }

    #[test]
    fn dependencies_and_the_limit_are_kept() {
        let mut after = task("2", "x");
        after.open_dependencies = vec!["1".to_owned()];
        let tasks = vec![after, task("3", "x"), task("4", "x")];
        let mut batch = Batch::for_test(tasks, vec![Worker::for_test("a", 9)]);
        batch.limit = 1;
        let plan = Affinity.distribute(&batch);
        assert_eq!(assigned(&plan), [("3", "a")]);
        assert_eq!(plan.waits.len(), 2);
    }

    #[test]
    fn a_state_of_another_version_is_forgotten() {
        assert!(remembered(b"\x02whatever").is_empty());
        assert!(remembered(b"\x01not json").is_empty());
    }
}
