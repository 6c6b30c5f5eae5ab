//! Whether tasks can be done in some order. Pure.

use std::collections::{HashMap, HashSet};

use crate::tasks::task::{NewTask, TaskId};

/// The most tasks that are taken at once.
pub(super) const MOST_AT_ONCE: usize = 10_000;

/// As many names of one kind are told.
const NAMES_TOLD: usize = 12;

/// Why tasks that were handed in cannot be done. None of them is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There are none.
    #[error("tasks is empty: give at least one task")]
    Empty,
    /// There are too many.
    #[error(
        "{0} tasks are more than the {MOST_AT_ONCE} that are taken at once: hand them in by parts"
    )]
    TooMany(usize),
    /// Several have one id.
    #[error("several tasks have the id {}: give each its own", names(.0))]
    SameId(Vec<TaskId>),
    /// A task of that id has not ended.
    #[error("{} {} queued or running already: wait for it, cancel it, or choose another id", names(.0), if .0.len() == 1 { "is" } else { "are" })]
    StillOpen(Vec<TaskId>),
    /// A dependency that nobody knows.
    #[error("no task has the id {}: dependencies name tasks of the same call or earlier ones", unknown(.0))]
    UnknownDependency(Vec<(TaskId, TaskId)>),
    /// A circle.
    #[error("these tasks wait for each other: {}; take one of the dependencies out", circle(.0))]
    Circle(Vec<TaskId>),
}

fn names(ids: &[TaskId]) -> String {
    let told: Vec<String> = ids
        .iter()
        .take(NAMES_TOLD)
        .map(|id| format!("{:?}", id.as_str()))
        .collect();
    shortened(told.join(", "), ids.len())
}

fn unknown(pairs: &[(TaskId, TaskId)]) -> String {
    let told: Vec<String> = pairs
        .iter()
        .take(NAMES_TOLD)
        .map(|(task, missing)| format!("{:?} (needed by {:?})", missing.as_str(), task.as_str()))
        .collect();
    shortened(told.join(", "), pairs.len())
}

fn circle(ids: &[TaskId]) -> String {
    let mut told: Vec<&str> = ids.iter().take(NAMES_TOLD).map(TaskId::as_str).collect();
    if ids.len() > NAMES_TOLD {
        told.push("…");
    }
    told.extend(ids.first().map(TaskId::as_str));
    told.join(" → ")
}

fn shortened(text: String, count: usize) -> String {
    match count.checked_sub(NAMES_TOLD) {
        None | Some(0) => text,
        Some(more) => format!("{text} and {more} more"),
    }
}

/// Checks `tasks` against each other, and against those that there are:
/// `is_open` says whether a task of that id has yet to end, `is_known` whether
/// there ever was one.
pub(super) fn check(
    tasks: &[NewTask],
    is_open: impl Fn(&TaskId) -> bool,
    is_known: impl Fn(&TaskId) -> bool,
) -> Result<(), OrderError> {
    if tasks.is_empty() {
        return Err(OrderError::Empty);
    }
    if tasks.len() > MOST_AT_ONCE {
        return Err(OrderError::TooMany(tasks.len()));
    }
    let mut index = HashMap::with_capacity(tasks.len());
    let mut twice = Vec::new();
    for (at, task) in tasks.iter().enumerate() {
        if index.insert(&task.id, at).is_some() && !twice.contains(&task.id) {
            twice.push(task.id.clone());
        }
    }
    if !twice.is_empty() {
        return Err(OrderError::SameId(twice));
    }
    let open: Vec<TaskId> = (tasks.iter().map(|task| &task.id))
        .filter(|id| is_open(id))
        .cloned()
        .collect();
    if !open.is_empty() {
        return Err(OrderError::StillOpen(open));
    }
    let unknown: Vec<(TaskId, TaskId)> = tasks
        .iter()
        .flat_map(|task| {
            task.dependencies
                .iter()
                .map(move |needed| (&task.id, needed))
        })
        .filter(|(_, needed)| !index.contains_key(needed) && !is_known(needed))
        .map(|(task, needed)| (task.clone(), needed.clone()))
        .collect();
    if !unknown.is_empty() {
        return Err(OrderError::UnknownDependency(unknown));
    }
    match find_circle(tasks, &index) {
        Some(circle) => Err(OrderError::Circle(circle)),
        None => Ok(()),
    }
}

/// Tasks that wait for each other, in the order in which they do.
fn find_circle(tasks: &[NewTask], index: &HashMap<&TaskId, usize>) -> Option<Vec<TaskId>> {
    let needs = |at: usize| {
        tasks[at]
            .dependencies
            .iter()
            .filter_map(|id| index.get(id).copied())
    };
    // What needs nothing that is left is taken away, until nothing more can be.
    let mut left: Vec<usize> = vec![0; tasks.len()];
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (at, left) in left.iter_mut().enumerate() {
        for needed in needs(at) {
            *left += 1;
            needed_by[needed].push(at);
        }
    }
    let mut free: Vec<usize> = (0..tasks.len()).filter(|&at| left[at] == 0).collect();
    let mut gone: HashSet<usize> = HashSet::with_capacity(tasks.len());
    while let Some(at) = free.pop() {
        gone.insert(at);
        for &waiting in &needed_by[at] {
            left[waiting] -= 1;
            if left[waiting] == 0 {
                free.push(waiting);
            }
        }
    }
    // Of what is left, each needs another that is left: following them leads
    // into a circle.
    let mut at = (0..tasks.len()).find(|at| !gone.contains(at))?;
    let mut path = Vec::new();
    let mut seen = HashMap::new();
    while !seen.contains_key(&at) {
        seen.insert(at, path.len());
        path.push(at);
        at = needs(at).find(|needed| !gone.contains(needed))?;
    }
    let circle = path.split_off(seen[&at]);
    Some(circle.into_iter().map(|at| tasks[at].id.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::task::Work;
    use proptest::prelude::*;

    fn id(name: &str) -> TaskId {
        TaskId::try_from(name.to_owned()).expect("an id")
    }

    fn task(name: &str, needs: &[&str]) -> NewTask {
        let work = Work::Command {
            command: "true".into(),
            folder: None,
        };
        NewTask {
            dependencies: needs.iter().map(|name| id(name)).collect(),
            ..NewTask::new(id(name), work)
        }
    }

    fn checked(tasks: &[NewTask]) -> Result<(), String> {
        check(
            tasks,
            |it| it.as_str() == "open",
            |it| ["open", "done"].contains(&it.as_str()),
        )
        .map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        for (tasks, said) in [
            (vec![], "tasks is empty"),
            (
                vec![task("a", &[]), task("a", &[])],
                "several tasks have the id \"a\"",
            ),
            (
                vec![task("open", &[])],
                "\"open\" is queued or running already",
            ),
            (
                vec![task("a", &["b", "c"]), task("c", &[])],
                "\"b\" (needed by \"a\")",
            ),
            (vec![task("a", &["a"])], "wait for each other: a → a;"),
            (
                vec![
                    task("x", &["a"]),
                    task("a", &["c"]),
                    task("b", &["a"]),
                    task("c", &["b"]),
                ],
                "a → c → b → a;",
            ),
        ] {
            let error = checked(&tasks).expect_err(said);
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(
            checked(&[task("a", &["open", "done", "b"]), task("b", &[])]),
            Ok(())
        );
    }

    #[test]
    fn many_names_are_not_told_in_full() {
        let tasks: Vec<NewTask> = (0..100)
            .map(|n| task(&format!("t{n}"), &[&format!("x{n}")]))
            .collect();
        let error = checked(&tasks).expect_err("unknown");
        assert!(error.contains("and 88 more"), "{error}");
    }

    proptest! {
        /// Tasks that need earlier ones only are in order, whatever order they
        /// are handed in.
        #[test]
        fn no_circle_where_there_is_none(
            needs in prop::collection::vec(prop::collection::vec(0usize..30, 0..4), 1..30),
            turn in 0usize..30,
        ) {
            let mut tasks: Vec<NewTask> = needs
                .iter()
                .enumerate()
                .map(|(at, needs)| {
                    let names: Vec<String> = needs.iter().filter(|&&it| it < at).map(|it| it.to_string()).collect();
                    task(&at.to_string(), &names.iter().map(String::as_str).collect::<Vec<_>>())
                })
                .collect();
            let count = tasks.len();
            tasks.rotate_left(turn % count);
            prop_assert_eq!(checked(&tasks), Ok(()));
        }

        /// A circle that is told is one.
        #[test]
        fn a_circle_that_is_told_is_one(needs in prop::collection::vec(prop::collection::vec(0usize..12, 0..3), 1..12)) {
            let count = needs.len();
            let tasks: Vec<NewTask> = needs
                .iter()
                .enumerate()
                .map(|(at, needs)| {
                    let names: Vec<String> = needs.iter().map(|it| (it % count).to_string()).collect();
                    task(&at.to_string(), &names.iter().map(String::as_str).collect::<Vec<_>>())
                })
                .collect();
            if let Err(OrderError::Circle(circle)) = check(&tasks, |_| false, |_| false) {
                for (at, name) in circle.iter().enumerate() {
                    let next = &circle[(at + 1) % circle.len()];
                    let task = tasks.iter().find(|task| task.id == *name).expect("a task");
                    prop_assert!(task.dependencies.contains(next));
                }
            }
        }
    }
}
