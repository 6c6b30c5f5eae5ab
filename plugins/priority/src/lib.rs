//! The bundled distributor `priority`: urgent tasks start first.
//!
//! High before medium before low; of equals, the one submitted first. Workers
//! are taken as in `load-balanced`. With `raise-after-ms`, a task counts as one
//! priority higher for each such time that it has been ready, so that a steady
//! stream of urgent tasks cannot keep the others waiting for ever.

use std::cmp::Reverse;

use policy_planning::{
    Batch, Distributor, LeastLoaded, Plan, Planner, Priority, Task, export_distributor,
};
use serde::Deserialize;

/// The `[config]` table.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Whether a worker takes only tasks whose tags it all carries.
    pub match_tags: bool,
    /// Waiting time, in milliseconds, that raises a task by one priority; 0 for
    /// never.
    pub raise_after_ms: u64,
}

/// Starts urgent tasks first.
#[derive(Debug)]
pub struct ByPriority {
    settings: Settings,
}

impl Distributor for ByPriority {
    type Settings = Settings;

    fn configured(settings: Settings) -> Result<Self, String> {
        Ok(Self { settings })
    }

    fn distribute(&self, batch: &Batch) -> Plan {
        let shared = policy_planning::Settings {
            match_tags: self.settings.match_tags,
        };
        let mut workers = LeastLoaded::new(&batch.workers, shared);
        Planner::new(batch)
            .fill(|_, task| Reverse(self.urgency(task)), &mut workers)
            .finish(Vec::new())
    }
}

impl ByPriority {
    fn urgency(&self, task: &Task) -> u64 {
        let given = match task.priority {
            Priority::Low => 0,
            Priority::Medium => 1,
            Priority::High => 2,
        };
        let raised = task
            .waiting_ms
            .checked_div(self.settings.raise_after_ms)
            .unwrap_or(0);
        // Never above high: an old task is no reason to pass an urgent one by.
        raised.saturating_add(given).min(2)
    }
}

export_distributor!(ByPriority);

#[cfg(test)]
mod tests {
    use policy_planning::testing::{audit, batch, outline, random_batch, task, worker};
    use proptest::prelude::*;

    use super::*;

    fn task_of(id: &str, priority: Priority) -> Task {
        Task {
            priority,
            ..task(id)
        }
    }

    #[test]
    fn urgent_tasks_go_first_and_equals_in_order() {
        let batch = batch(
            vec![
                task_of("low", Priority::Low),
                task_of("medium", Priority::Medium),
                task_of("high-1", Priority::High),
                task_of("high-2", Priority::High),
            ],
            vec![worker("a", 3)],
        );
        let strategy = ByPriority::configured(Settings::default()).unwrap();
        let (assigned, waits) = outline(&strategy.distribute(&batch));
        assert_eq!(assigned, ["high-1 → a", "high-2 → a", "medium → a"]);
        assert_eq!(waits, ["low"]);
    }

    #[test]
    fn the_limit_leaves_the_least_urgent_waiting() {
        let mut batch = batch(
            vec![
                task_of("low", Priority::Low),
                task_of("high", Priority::High),
            ],
            vec![worker("a", 9)],
        );
        (batch.limit, batch.running) = (3, 2);
        let strategy = ByPriority::configured(Settings::default()).unwrap();
        let plan = strategy.distribute(&batch);
        assert_eq!(outline(&plan).0, ["high → a"]);
        assert_eq!(plan.waits[0].reason, "3 tasks may run at once, and do");
    }

    #[test]
    fn waiting_raises_a_task_but_not_above_high() {
        let mut old = task_of("old", Priority::Low);
        old.waiting_ms = 60_000;
        let batch = batch(
            vec![task_of("high", Priority::High), old, task("medium")],
            vec![worker("a", 9)],
        );
        let order = |raise_after_ms| {
            let settings = Settings {
                raise_after_ms,
                ..Settings::default()
            };
            outline(&ByPriority { settings }.distribute(&batch)).0
        };
        assert_eq!(order(0), ["high → a", "medium → a", "old → a"]);
        assert_eq!(order(30_000), ["high → a", "old → a", "medium → a"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_500))]

        #[test]
        fn every_plan_is_true(batch in random_batch(), match_tags: bool, raise_after_ms in 0u64..100) {
            let settings = Settings { match_tags, raise_after_ms };
            let plan = ByPriority { settings }.distribute(&batch);
            prop_assert_eq!(audit(&batch, &plan), Ok(()));
        }
    }
}
