//! The bundled distributor `load-balanced`: the worker with the least to do takes
//! the next task.
//!
//! Tasks go in order of submission; of equally loaded workers, the one offered
//! first. A worker whose reported load has reached `saturated` takes nothing,
//! even with slots left.

use policy_planning::{Batch, Distributor, LeastLoaded, Plan, Planner, export_distributor};
use serde::Deserialize;

/// The `[config]` table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Whether a worker takes only tasks whose tags it all carries.
    pub match_tags: bool,
    /// The reported load, between 0 and 1, from which on a worker takes no more.
    pub saturated: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            match_tags: false,
            saturated: 1.0,
        }
    }
}

/// Keeps workers equally busy.
#[derive(Debug)]
pub struct LoadBalanced {
    settings: Settings,
}

impl Distributor for LoadBalanced {
    type Settings = Settings;

    fn configured(settings: Settings) -> Result<Self, String> {
        if !(settings.saturated > 0.0 && settings.saturated <= 1.0) {
            return Err(format!(
                "`saturated` is {}; it must be above 0 and at most 1",
                settings.saturated
            ));
        }
        Ok(Self { settings })
    }

    fn distribute(&self, batch: &Batch) -> Plan {
        let shared = policy_planning::Settings {
            match_tags: self.settings.match_tags,
        };
        let mut workers = LeastLoaded::below(&batch.workers, shared, self.settings.saturated);
        Planner::new(batch)
            .fill(|_, _| (), &mut workers)
            .finish(Vec::new())
    }
}

export_distributor!(LoadBalanced);

#[cfg(test)]
mod tests {
    use policy_planning::testing::{audit, batch, outline, random_batch, task, worker};
    use proptest::prelude::*;

    use super::*;

    fn load_balanced() -> LoadBalanced {
        LoadBalanced::configured(Settings::default()).unwrap()
    }

    #[test]
    fn the_idle_worker_goes_first() {
        let mut workers = vec![worker("busy", 4), worker("idle", 4)];
        workers[0].load = 0.6;
        let batch = batch(["1", "2", "3", "4"].map(task).to_vec(), workers);
        let (assigned, _) = outline(&load_balanced().distribute(&batch));
        assert_eq!(assigned, ["1 → idle", "2 → idle", "3 → idle", "4 → busy"]);
    }

    #[test]
    fn running_tasks_count_as_load() {
        let mut workers = vec![worker("a", 4), worker("b", 4)];
        workers[0].running = 2;
        let batch = batch(vec![task("1")], workers);
        assert_eq!(outline(&load_balanced().distribute(&batch)).0, ["1 → b"]);
    }

    #[test]
    fn a_saturated_worker_takes_nothing() {
        let mut workers = vec![worker("a", 4)];
        workers[0].load = 1.0;
        let plan = load_balanced().distribute(&batch(vec![task("1")], workers));
        assert_eq!(plan.waits[0].reason, "every worker is full");
    }

    #[test]
    fn an_impossible_threshold_is_refused() {
        for saturated in [0.0, -1.0, 1.5, f64::NAN] {
            let settings = Settings {
                saturated,
                ..Settings::default()
            };
            let error = LoadBalanced::configured(settings).unwrap_err();
            assert!(error.contains("saturated"), "{error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_500))]

        #[test]
        fn every_plan_is_true(batch in random_batch(), match_tags: bool) {
            let settings = Settings { match_tags, ..Settings::default() };
            let plan = LoadBalanced { settings }.distribute(&batch);
            prop_assert_eq!(audit(&batch, &plan), Ok(()));
        }
    }
}
