//! Batches for tests, and what must hold for any plan.

use std::collections::{HashMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{Batch, Plan, Priority, Task, Worker};

/// A task of medium priority that may start at once.
#[must_use]
pub fn task(id: &str) -> Task {
    Task {
        id: id.to_owned(),
        kind: "command".to_owned(),
        priority: Priority::Medium,
        dependencies: Vec::new(),
        open_dependencies: Vec::new(),
        waiting_ms: 0,
        estimate_ms: None,
        tags: Vec::new(),
        attributes: Vec::new(),
    }
}

/// A task that waits for others.
#[must_use]
pub fn task_after(id: &str, others: &[&str]) -> Task {
    let others: Vec<String> = others.iter().map(|id| (*id).to_owned()).collect();
    Task {
        dependencies: others.clone(),
        open_dependencies: others,
        ..task(id)
    }
}

/// An idle worker.
#[must_use]
pub fn worker(id: &str, capacity: u32) -> Worker {
    Worker {
        session_id: id.to_owned(),
        running: 0,
        capacity,
        load: 0.0,
        tags: Vec::new(),
        attributes: Vec::new(),
    }
}

/// A first batch: nothing runs, and the limit is out of the way.
#[must_use]
pub fn batch(tasks: Vec<Task>, workers: Vec<Worker>) -> Batch {
    Batch {
        tasks,
        workers,
        limit: u32::MAX,
        running: 0,
        state: Vec::new(),
        time_ms: 0,
    }
}

/// The assignments as `task → session`, and the ids of those that wait.
#[must_use]
pub fn outline(plan: &Plan) -> (Vec<String>, Vec<String>) {
    (
        plan.assignments
            .iter()
            .map(|one| format!("{} → {}", one.task_id, one.session_id))
            .collect(),
        plan.waits.iter().map(|one| one.task_id.clone()).collect(),
    )
}

/// Says what is untrue about a plan, if anything is.
///
/// # Errors
///
/// Names the first promise of `wit/distributor.wit` that the plan breaks.
pub fn audit(batch: &Batch, plan: &Plan) -> Result<(), String> {
    let known: HashSet<&str> = batch.tasks.iter().map(|task| task.id.as_str()).collect();
    let mut room = HashMap::new();
    for worker in &batch.workers {
        room.entry(worker.session_id.as_str())
            .or_insert(worker.capacity.saturating_sub(worker.running));
    }
    let blocked: HashSet<&str> = batch
        .tasks
        .iter()
        .filter(|task| !task.open_dependencies.is_empty())
        .map(|task| task.id.as_str())
        .collect();
    let open: HashSet<&str> = batch
        .tasks
        .iter()
        .filter(|task| task.open_dependencies.is_empty())
        .map(|task| task.id.as_str())
        .collect();

    let mut mentioned = HashSet::new();
    for one in &plan.assignments {
        let id = one.task_id.as_str();
        if !mentioned.insert(id) {
            return Err(format!("task {id} is planned twice"));
        }
        if !known.contains(id) {
            return Err(format!("task {id} is not in the batch"));
        }
        if blocked.contains(id) && !open.contains(id) {
            return Err(format!(
                "task {id} starts before its dependencies completed"
            ));
        }
        match room.get_mut(one.session_id.as_str()) {
            None => return Err(format!("worker {} was not offered", one.session_id)),
            Some(0) => return Err(format!("worker {} is full", one.session_id)),
            Some(slots) => *slots -= 1,
        }
    }
    let slots = batch.limit.saturating_sub(batch.running);
    if plan.assignments.len() as u64 > u64::from(slots) {
        return Err(format!("more than {slots} tasks are started"));
    }
    for one in &plan.waits {
        if !mentioned.insert(&one.task_id) {
            return Err(format!("task {} is planned twice", one.task_id));
        }
        if one.reason.is_empty() {
            return Err(format!("task {} waits for no reason", one.task_id));
        }
    }
    if mentioned != known {
        return Err("a task is missing, or was made up".to_owned());
    }
    if plan.state.len() > 64 * 1024 {
        return Err("the state is larger than 64 KiB".to_owned());
    }
    Ok(())
}

/// Any batch that a host, or something worse, could hand in: doubled ids,
/// dependencies on nothing and in circles, loads that are no number.
pub fn random_batch() -> impl proptest::strategy::Strategy<Value = Batch> {
    let task = (
        0u8..24,
        0u8..3,
        vec(0u8..30, 0..3),
        0u64..1_000,
        proptest::option::of(any::<u64>()),
        vec(0u8..3, 0..2),
    )
        .prop_map(|(id, urgency, after, waiting_ms, estimate_ms, tags)| {
            let after: Vec<String> = after.iter().map(|id| format!("t{id}")).collect();
            Task {
                priority: [Priority::Low, Priority::Medium, Priority::High][usize::from(urgency)],
                waiting_ms,
                estimate_ms,
                tags: tags.iter().map(|tag| format!("tag{tag}")).collect(),
                dependencies: after.clone(),
                // Half of the tasks have all they need.
                open_dependencies: if id % 2 == 0 { Vec::new() } else { after },
                ..task(&format!("t{id}"))
            }
        });
    let worker = (
        0u8..6,
        0u32..4,
        0u32..4,
        prop_oneof![Just(0.0), Just(f64::NAN), any::<f64>(), 0.0..1.0],
        vec(0u8..3, 0..3),
    )
        .prop_map(|(id, capacity, running, load, tags)| Worker {
            running,
            load,
            tags: tags.iter().map(|tag| format!("tag{tag}")).collect(),
            ..worker(&format!("w{id}"), capacity)
        });
    let state = prop_oneof![
        vec(any::<u8>(), 0..12),
        (0u8..8).prop_map(|id| [vec![1, id, 0, 0, 0], format!("w{id}").into_bytes()].concat()),
    ];
    (
        vec(task, 0..24),
        vec(worker, 0..8),
        0u32..12,
        0u32..6,
        state,
    )
        .prop_map(|(tasks, workers, limit, running, state)| Batch {
            limit,
            running,
            state,
            ..batch(tasks, workers)
        })
}
