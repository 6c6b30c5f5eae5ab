//! Gives each task to the worker with the most room.

use quarterdeck_sdk::NoConfig;
use quarterdeck_sdk::distributor::{Batch, Distributor, Plan};

/// The strategy.
#[derive(Debug)]
pub struct Policy;

impl Distributor for Policy {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self)
    }

    fn distribute(&self, batch: &Batch) -> Plan {
        let mut rooms: Vec<usize> = batch.workers.iter().map(|worker| worker.room()).collect();
        let mut limit = batch.room();
        let mut plan = Plan::new();
        for task in &batch.tasks {
            // Backwards, because of equals the last one seen is taken.
            let roomiest = (0..rooms.len()).rev().max_by_key(|&index| rooms[index]);
            match roomiest {
                _ if !task.is_ready() => plan.wait(task, "It depends on tasks that have not completed."),
                Some(index) if limit > 0 && rooms[index] > 0 => {
                    plan.assign(task, &batch.workers[index]);
                    rooms[index] -= 1;
                    limit -= 1;
                }
                _ => plan.wait(task, "There is no room."),
            }
        }
        plan
    }
}

quarterdeck_sdk::export!(distributor: Policy);

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_sdk::distributor::{Task, Worker};

    #[test]
    fn the_roomiest_worker_is_taken_and_nobody_is_overfull() {
        let tasks = ["1", "2", "3", "4"].map(Task::for_test).to_vec();
        let workers = vec![Worker::for_test("a", 1), Worker::for_test("b", 2)];
        let plan = Policy.distribute(&Batch::for_test(tasks, workers));
        assert_eq!(plan.assignments[0].session_id, "b");
        assert_eq!((plan.assignments.len(), plan.waits.len()), (3, 1));
    }
}
