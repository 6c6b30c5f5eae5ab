//! The bundled distributor `dependency`: what most others wait for starts first.
//!
//! Of the tasks that may start, the one at the head of the longest chain of
//! estimated work goes first (the critical path), then the more urgent, then the
//! one submitted first. Workers are taken as in `load-balanced`.
//!
//! Dependencies that cannot be met are told apart in the reasons:
//!
//! - a *circle* of tasks that wait for each other, and tasks behind one;
//! - a *missing* dependency: not in the batch although nothing runs anywhere,
//!   so that nobody will ever complete it. While something runs, it may be that.
//!
//! Both wait for as long as they are submitted; giving up is the host's choice.

mod graph;

use std::cmp::Reverse;

use policy_planning::{
    Batch, Distributor, LeastLoaded, Plan, Planner, Priority, Task, Why, export_distributor,
};
use serde::Deserialize;

use crate::graph::{Fate, Graph};

/// The `[config]` table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Whether a worker takes only tasks whose tags it all carries.
    pub match_tags: bool,
    /// How long a task counts, in milliseconds, that has no estimate.
    pub default_estimate_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            match_tags: false,
            default_estimate_ms: 60_000,
        }
    }
}

/// Starts first what most others wait for.
#[derive(Debug)]
pub struct Dependency {
    settings: Settings,
}

impl Distributor for Dependency {
    type Settings = Settings;

    fn configured(settings: Settings) -> Result<Self, String> {
        Ok(Self { settings })
    }

    fn distribute(&self, batch: &Batch) -> Plan {
        let shared = policy_planning::Settings {
            match_tags: self.settings.match_tags,
        };
        let graph = Graph::of(&batch.tasks, self.settings.default_estimate_ms);
        let mut workers = LeastLoaded::new(&batch.workers, shared);
        Planner::explaining(batch, |task| reason(batch, &graph, task))
            .fill(
                |index, task| Reverse((graph.chain_ms(index), urgency(task))),
                &mut workers,
            )
            .finish(Vec::new())
    }
}

/// Why a task with open dependencies waits.
fn reason(batch: &Batch, graph: &Graph<'_>, task: &Task) -> Why {
    match graph.fate(task) {
        Fate::InCircle(circle) => return Why::Circle(circle),
        Fate::BehindCircle(circle) => return Why::BehindCircle(circle),
        Fate::Open => {}
    }
    let idle = batch.running == 0 && batch.workers.iter().all(|worker| worker.running == 0);
    let missing: Vec<String> = task
        .open_dependencies
        .iter()
        .filter(|id| idle && !graph.holds(id))
        .cloned()
        .collect();
    if missing.is_empty() {
        Why::Dependencies(task.open_dependencies.clone())
    } else {
        Why::Missing(missing)
    }
}

fn urgency(task: &Task) -> u8 {
    match task.priority {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
    }
}

export_distributor!(Dependency);

#[cfg(test)]
mod tests {
    use policy_planning::testing::{audit, batch, outline, random_batch, task, task_after, worker};
    use proptest::prelude::*;

    use super::*;

    fn plan(batch: &Batch) -> Plan {
        Dependency::configured(Settings::default())
            .unwrap()
            .distribute(batch)
    }

    fn reason_of(plan: &Plan, id: &str) -> String {
        let wait = plan.waits.iter().find(|wait| wait.task_id == id);
        wait.map(|wait| wait.reason.clone()).unwrap_or_default()
    }

    #[test]
    fn the_head_of_the_longest_chain_goes_first() {
        let tasks = vec![
            task("alone"),
            task("head"),
            task_after("middle", &["head"]),
            task_after("end", &["middle"]),
        ];
        let plan = plan(&batch(tasks, vec![worker("a", 1)]));
        assert_eq!(outline(&plan).0, ["head → a"]);
        assert_eq!(reason_of(&plan, "end"), "waits for middle");
        assert_eq!(reason_of(&plan, "alone"), "every worker is full");
    }

    #[test]
    fn estimates_decide_which_chain_is_longest() {
        let mut slow = task("slow");
        slow.estimate_ms = Some(600_000);
        let tasks = vec![task("head"), task_after("next", &["head"]), slow];
        let (assigned, _) = outline(&plan(&batch(tasks, vec![worker("a", 9)])));
        assert_eq!(assigned, ["slow → a", "head → a"]);
    }

    #[test]
    fn equal_chains_go_by_priority_then_by_submission() {
        let mut urgent = task("urgent");
        urgent.priority = Priority::High;
        let tasks = vec![task("first"), task("second"), urgent];
        let (assigned, _) = outline(&plan(&batch(tasks, vec![worker("a", 9)])));
        assert_eq!(assigned, ["urgent → a", "first → a", "second → a"]);
    }

    #[test]
    fn a_circle_is_named_and_so_is_what_stands_behind_it() {
        let tasks = vec![
            task_after("a", &["b"]),
            task_after("b", &["c"]),
            task_after("c", &["a"]),
            task_after("behind", &["a"]),
            task_after("self", &["self"]),
            task("free"),
        ];
        let plan = plan(&batch(tasks, vec![worker("w", 9)]));
        assert_eq!(outline(&plan).0, ["free → w"]);
        assert_eq!(reason_of(&plan, "b"), "waits for itself: b → c → a → b");
        assert_eq!(
            reason_of(&plan, "behind"),
            "waits for tasks that wait for each other: a → b → c → a"
        );
        assert_eq!(reason_of(&plan, "self"), "waits for itself: self → self");
    }

    #[test]
    fn a_long_circle_is_not_told_in_full() {
        let ids: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
        let tasks = (0..1_000)
            .map(|n| task_after(&ids[n], &[&ids[(n + 1) % 1_000]]))
            .collect();
        let plan = plan(&batch(tasks, vec![worker("w", 9)]));
        assert_eq!(
            reason_of(&plan, "7"),
            "waits for itself: 7 → 8 → 9 → 10 → 11 → 12 → … → 7"
        );
    }

    #[test]
    fn a_missing_dependency_is_told_from_one_that_may_be_running() {
        let mut batch = batch(vec![task_after("a", &["gone"])], vec![worker("w", 9)]);
        assert_eq!(
            reason_of(&plan(&batch), "a"),
            "waits for gone, which nobody runs and this batch does not hold"
        );
        batch.running = 1;
        assert_eq!(reason_of(&plan(&batch), "a"), "waits for gone");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_500))]

        #[test]
        fn every_plan_is_true(batch in random_batch(), match_tags: bool) {
            let settings = Settings { match_tags, ..Settings::default() };
            let plan = Dependency { settings }.distribute(&batch);
            prop_assert_eq!(audit(&batch, &plan), Ok(()));
        }

        /// A host that completes whatever it started runs every task, unless
        /// something stands in its way for ever.
        #[test]
        fn everything_that_can_run_does(after in proptest::collection::vec(0usize..20, 0..20)) {
            // A task depends on an earlier one only: no circles.
            let mut tasks: Vec<Task> = after
                .iter()
                .enumerate()
                .map(|(n, before)| if n == 0 { task("0") } else { task_after(&n.to_string(), &[&(before % n).to_string()]) })
                .collect();
            while !tasks.is_empty() {
                let plan = plan(&batch(tasks.clone(), vec![worker("w", 2)]));
                let done: Vec<&String> = plan.assignments.iter().map(|one| &one.task_id).collect();
                prop_assert!(!done.is_empty(), "{tasks:?}");
                tasks.retain(|task| !done.contains(&&task.id));
                for task in &mut tasks {
                    task.open_dependencies.retain(|id| !done.contains(&id));
                }
            }
        }
    }
}
