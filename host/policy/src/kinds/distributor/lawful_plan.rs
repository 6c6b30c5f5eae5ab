//! Whether a plan may be carried out. A distributor is foreign code: what it
//! says is checked against the batch that it was asked about, and a plan that
//! breaks one rule is not believed in any part. Pure.

use std::collections::{HashMap, HashSet};

use crate::{Batch, Plan};

/// Why a batch cannot be asked about: its own fault, not the distributor's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadBatch {
    #[error("the batch names the task `{0}` twice")]
    TaskTwice(String),
    #[error("the batch offers the worker `{0}` twice")]
    WorkerTwice(String),
}

/// The rule that a plan breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Breach {
    #[error("it speaks of the task `{0}`, which is not in the batch")]
    UnknownTask(String),
    #[error("it disposes of the task `{0}` twice")]
    TaskTwice(String),
    #[error("it says nothing of the task `{0}`")]
    TaskForgotten(String),
    #[error("it assigns the task `{task}` before `{dependency}` has completed")]
    TooEarly { task: String, dependency: String },
    #[error("it assigns the task `{task}` to `{worker}`, which was not offered")]
    UnknownWorker { task: String, worker: String },
    #[error("it assigns more tasks to `{worker}` than its capacity of {capacity}")]
    WorkerFull { worker: String, capacity: u32 },
    #[error("it lets more tasks run at once than the limit of {limit}")]
    Limit { limit: u32 },
    #[error("its state is {size} bytes long, of {} at most", Plan::MAX_STATE)]
    State { size: usize },
}

/// Whether every task and worker of `batch` is there once.
pub(crate) fn check_batch(batch: &Batch) -> Result<(), BadBatch> {
    let mut tasks = HashSet::with_capacity(batch.tasks.len());
    if let Some(task) = batch.tasks.iter().find(|task| !tasks.insert(&*task.id)) {
        return Err(BadBatch::TaskTwice(task.id.clone()));
    }
    let mut workers = HashSet::with_capacity(batch.workers.len());
    match batch
        .workers
        .iter()
        .find(|worker| !workers.insert(&*worker.session_id))
    {
        Some(worker) => Err(BadBatch::WorkerTwice(worker.session_id.clone())),
        None => Ok(()),
    }
}

/// Whether `plan` keeps every rule, given that `batch` is sound.
pub(crate) fn check_plan(batch: &Batch, plan: &Plan) -> Result<(), Breach> {
    if plan.state.len() > Plan::MAX_STATE {
        return Err(Breach::State {
            size: plan.state.len(),
        });
    }
    // What is left to be disposed of, and the room that is left.
    let mut tasks: HashMap<&str, Option<&[String]>> = batch
        .tasks
        .iter()
        .map(|task| (&*task.id, Some(&*task.open_dependencies)))
        .collect();
    let mut dispose = |id: &str| match tasks.get_mut(id) {
        None => Err(Breach::UnknownTask(id.to_owned())),
        Some(left) => left.take().ok_or_else(|| Breach::TaskTwice(id.to_owned())),
    };
    let mut workers: HashMap<&str, (u32, u32)> = batch
        .workers
        .iter()
        .map(|worker| {
            let room = worker.capacity.saturating_sub(worker.running);
            (&*worker.session_id, (room, worker.capacity))
        })
        .collect();
    let mut room = batch.limit.saturating_sub(batch.running);

    for assignment in &plan.assignments {
        let open_dependencies = dispose(&assignment.task_id)?;
        if let Some(dependency) = open_dependencies.first() {
            return Err(Breach::TooEarly {
                task: assignment.task_id.clone(),
                dependency: dependency.clone(),
            });
        }
        let Some((worker_room, capacity)) = workers.get_mut(&*assignment.session_id) else {
            return Err(Breach::UnknownWorker {
                task: assignment.task_id.clone(),
                worker: assignment.session_id.clone(),
            });
        };
        *worker_room = worker_room.checked_sub(1).ok_or(Breach::WorkerFull {
            worker: assignment.session_id.clone(),
            capacity: *capacity,
        })?;
        room = room
            .checked_sub(1)
            .ok_or(Breach::Limit { limit: batch.limit })?;
    }
    for waiting in &plan.waits {
        dispose(&waiting.task_id)?;
    }
    // In the order of the batch, so that the same plan has the same breach.
    match batch
        .tasks
        .iter()
        .find(|task| tasks.get(&*task.id).is_some_and(Option::is_some))
    {
        Some(task) => Err(Breach::TaskForgotten(task.id.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Assignment, TaskFacts, Waiting, WorkerFacts};
    use proptest::prelude::*;

    fn batch() -> impl Strategy<Value = Batch> {
        let task = (0..12u8, prop::bool::weighted(0.2));
        let worker = (0..4u32, 0..4u32);
        (
            prop::collection::vec(task, 0..12),
            prop::collection::vec(worker, 0..5),
            0..8u32,
            0..4u32,
        )
            .prop_map(|(tasks, workers, limit, running)| Batch {
                tasks: tasks
                    .iter()
                    .enumerate()
                    .map(|(at, (_, blocked))| TaskFacts {
                        id: format!("t{at}"),
                        open_dependencies: blocked
                            .then(|| String::from("before"))
                            .into_iter()
                            .collect(),
                        ..TaskFacts::default()
                    })
                    .collect(),
                workers: workers
                    .iter()
                    .enumerate()
                    .map(|(at, (running, capacity))| WorkerFacts {
                        session_id: format!("w{at}"),
                        running: *running,
                        capacity: *capacity,
                        ..WorkerFacts::default()
                    })
                    .collect(),
                limit,
                running,
                ..Batch::default()
            })
    }

    /// Any plan over a few names, lawful or not.
    fn plan() -> impl Strategy<Value = Plan> {
        let assignment = (0..13u8, 0..6u8).prop_map(|(task, worker)| Assignment {
            task_id: format!("t{task}"),
            session_id: format!("w{worker}"),
        });
        let waiting = (0..13u8).prop_map(|task| Waiting {
            task_id: format!("t{task}"),
            reason: String::from("later"),
        });
        (
            prop::collection::vec(assignment, 0..6),
            prop::collection::vec(waiting, 0..10),
        )
            .prop_map(|(assignments, waits)| Plan {
                assignments,
                waits,
                state: Vec::new(),
            })
    }

    /// The first tasks to the first workers, as far as there is room.
    fn greedy(batch: &Batch) -> Plan {
        let mut room: Vec<(&str, u32)> = batch
            .workers
            .iter()
            .map(|it| (&*it.session_id, it.capacity.saturating_sub(it.running)))
            .collect();
        let mut left = batch.limit.saturating_sub(batch.running);
        let mut plan = Plan::default();
        for task in &batch.tasks {
            let worker = room.iter_mut().find(|(_, room)| *room > 0);
            match worker {
                Some((worker, room)) if left > 0 && task.open_dependencies.is_empty() => {
                    *room -= 1;
                    left -= 1;
                    plan.assignments.push(Assignment {
                        task_id: task.id.clone(),
                        session_id: (*worker).to_owned(),
                    });
                }
                _ => plan.waits.push(Waiting {
                    task_id: task.id.clone(),
                    reason: String::from("no room"),
                }),
            }
        }
        plan
    }

    /// The rules once more, each for itself and without regard to speed.
    fn keeps_the_rules(batch: &Batch, plan: &Plan) -> bool {
        let named: Vec<&str> = plan
            .assignments
            .iter()
            .map(|it| &*it.task_id)
            .chain(plan.waits.iter().map(|it| &*it.task_id))
            .collect();
        let wanted: BTreeSet<&str> = batch.tasks.iter().map(|it| &*it.id).collect();
        let every_task_once =
            named.len() == wanted.len() && named.iter().copied().collect::<BTreeSet<_>>() == wanted;
        let ready = plan.assignments.iter().all(|assignment| {
            batch
                .tasks
                .iter()
                .any(|it| it.id == assignment.task_id && it.open_dependencies.is_empty())
        });
        let offered = plan.assignments.iter().all(|assignment| {
            let worker = batch
                .workers
                .iter()
                .find(|it| it.session_id == assignment.session_id);
            worker.is_some_and(|worker| {
                let given = plan
                    .assignments
                    .iter()
                    .filter(|it| it.session_id == worker.session_id)
                    .count();
                worker.running as usize + given <= worker.capacity as usize
            })
        });
        let given = plan.assignments.len();
        let within_limit = given == 0 || batch.running as usize + given <= batch.limit as usize;
        every_task_once && ready && offered && within_limit
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_lawful_plan_is_believed(batch in batch()) {
            prop_assert_eq!(check_plan(&batch, &greedy(&batch)), Ok(()));
        }

        #[test]
        fn what_is_believed_keeps_every_rule(batch in batch(), plan in plan()) {
            prop_assert_eq!(check_plan(&batch, &plan).is_ok(), keeps_the_rules(&batch, &plan));
        }
    }

    #[test]
    fn each_breach_is_named() {
        let batch = Batch {
            tasks: ["a", "b"]
                .map(|id| TaskFacts {
                    id: id.to_owned(),
                    ..TaskFacts::default()
                })
                .into(),
            workers: vec![WorkerFacts {
                session_id: String::from("w"),
                capacity: 1,
                ..WorkerFacts::default()
            }],
            limit: 9,
            ..Batch::default()
        };
        let to = |task: &str, worker: &str| Assignment {
            task_id: task.to_owned(),
            session_id: worker.to_owned(),
        };
        for (assignments, said) in [
            (vec![to("a", "w"), to("a", "w")], "the task `a` twice"),
            (vec![to("a", "x")], "`x`, which was not offered"),
            (
                vec![to("a", "w"), to("b", "w")],
                "more tasks to `w` than its capacity of 1",
            ),
            (vec![to("c", "w")], "`c`, which is not in the batch"),
            (vec![to("a", "w")], "nothing of the task `b`"),
        ] {
            let plan = Plan {
                assignments,
                ..Plan::default()
            };
            let breach = check_plan(&batch, &plan).unwrap_err().to_string();
            assert!(breach.contains(said), "{breach}");
        }
        let plan = Plan {
            state: vec![0; Plan::MAX_STATE + 1],
            ..Plan::default()
        };
        assert_eq!(
            check_plan(&batch, &plan),
            Err(Breach::State {
                size: Plan::MAX_STATE + 1
            })
        );
    }

    #[test]
    fn a_batch_that_names_something_twice_is_not_asked_about() {
        let task = TaskFacts::default();
        let batch = Batch {
            tasks: vec![task.clone(), task],
            ..Batch::default()
        };
        assert!(check_batch(&batch).is_err());
    }
}
