//! The bundled distributor `round-robin`: each worker takes a task in turn.
//!
//! Tasks go in order of submission. The turn passes on from batch to batch: the
//! state names the worker that had it last, so that a worker that comes or goes
//! does not send everybody back to the first. A full worker is passed over and
//! does not keep its turn.

mod ring;

use policy_planning::{Batch, Distributor, Plan, Planner, Settings, export_distributor};

use crate::ring::Ring;

/// Deals tasks out in turn.
#[derive(Debug)]
pub struct RoundRobin {
    settings: Settings,
}

impl Distributor for RoundRobin {
    type Settings = Settings;

    fn configured(settings: Settings) -> Result<Self, String> {
        Ok(Self { settings })
    }

    fn distribute(&self, batch: &Batch) -> Plan {
        let mut ring = Ring::new(&batch.workers, self.settings, &batch.state);
        let planner = Planner::new(batch).fill(|_, _| (), &mut ring);
        planner.finish(ring.into_state())
    }
}

export_distributor!(RoundRobin);

#[cfg(test)]
mod tests {
    use policy_planning::testing::{audit, batch, outline, random_batch, task, worker};
    use proptest::prelude::*;

    use super::*;

    fn round_robin() -> RoundRobin {
        RoundRobin::configured(Settings::default()).unwrap()
    }

    #[test]
    fn tasks_go_round() {
        let batch = batch(
            ["1", "2", "3", "4"].map(task).to_vec(),
            vec![worker("a", 5), worker("b", 5), worker("c", 5)],
        );
        let (assigned, waits) = outline(&round_robin().distribute(&batch));
        assert_eq!(assigned, ["1 → a", "2 → b", "3 → c", "4 → a"]);
        assert!(waits.is_empty());
    }

    #[test]
    fn the_turn_passes_on_to_the_next_batch() {
        let workers = vec![worker("a", 1), worker("b", 1), worker("c", 1)];
        let first = round_robin().distribute(&batch(vec![task("1")], workers.clone()));
        let mut next = batch(vec![task("2"), task("3")], workers);
        next.state = first.state;
        let (assigned, _) = outline(&round_robin().distribute(&next));
        assert_eq!(assigned, ["2 → b", "3 → c"]);
    }

    #[test]
    fn the_turn_survives_the_worker_that_had_it() {
        let all = vec![worker("a", 1), worker("b", 1), worker("c", 1)];
        let first = round_robin().distribute(&batch(vec![task("1"), task("2")], all));
        let mut next = batch(vec![task("3")], vec![worker("a", 1), worker("c", 1)]);
        next.state = first.state;
        let (assigned, _) = outline(&round_robin().distribute(&next));
        assert_eq!(assigned, ["3 → c"], "b had it last and is gone");
    }

    #[test]
    fn a_full_worker_is_passed_over() {
        let mut workers = vec![worker("a", 1), worker("b", 2)];
        workers[0].running = 1;
        let batch = batch(["1", "2", "3"].map(task).to_vec(), workers);
        let plan = round_robin().distribute(&batch);
        assert_eq!(
            outline(&plan),
            (
                vec!["1 → b".to_owned(), "2 → b".to_owned()],
                vec!["3".to_owned()]
            )
        );
        assert_eq!(plan.waits[0].reason, "every worker is full");
    }

    #[test]
    fn a_state_of_another_version_is_ignored() {
        let mut batch = batch(vec![task("1")], vec![worker("a", 1), worker("b", 1)]);
        batch.state = vec![9, 0, 1, 2];
        assert_eq!(outline(&round_robin().distribute(&batch)).0, ["1 → a"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_500))]

        #[test]
        fn every_plan_is_true(batch in random_batch(), match_tags: bool) {
            let plan = RoundRobin { settings: Settings { match_tags } }.distribute(&batch);
            prop_assert_eq!(audit(&batch, &plan), Ok(()));
        }

        #[test]
        fn nobody_is_two_tasks_ahead(tasks in 0usize..40, workers in 1usize..8) {
            let batch = batch(
                (0..tasks).map(|n| task(&n.to_string())).collect(),
                (0..workers).map(|n| worker(&n.to_string(), 100)).collect(),
            );
            let plan = round_robin().distribute(&batch);
            let count = |id: &str| plan.assignments.iter().filter(|one| one.session_id == id).count();
            let counts: Vec<usize> = batch.workers.iter().map(|worker| count(&worker.session_id)).collect();
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }
    }
}
