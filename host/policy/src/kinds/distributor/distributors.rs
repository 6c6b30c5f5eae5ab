//! The distributors as their callers see them.

use std::sync::Arc;

use crate::kinds::distributor::lawful_plan::check_batch;
use crate::serving::catalogue::Catalogue;
use crate::serving::generation::{Facade, Generation, StandIn};
use crate::serving::problem::Problems;
use crate::{Batch, Plan, PolicyKind, Waiting};

const STAND_IN: StandIn = StandIn {
    kind: PolicyKind::Distributor,
    happens: "nothing is assigned",
    meanwhile: "assigns nothing",
};

/// The distributors at one moment. A swap does not touch it: what was pinned
/// answers to the end.
///
/// Each is a strategy of its own; the caller says by name which one decides.
#[derive(Clone)]
pub struct Distributors {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) problems: Problems,
}

/// What becomes of a batch, and who said so.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The plan; checked, so that it can be carried out as it is.
    pub plan: Plan,
    /// Name of the distributor that was asked.
    pub policy: String,
    /// Its generation; 0 when there was none to ask.
    pub generation: u64,
    /// SHA-256 of its component in hexadecimal; empty when none was there.
    pub digest: String,
    /// Why the plan is the host's fallback, if it is: nothing is assigned,
    /// every task waits, and the state is what it was.
    pub fallback: Option<String>,
}

impl Distributors {
    /// The names of the distributors, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.catalogue
            .of_kind(PolicyKind::Distributor)
            .map(|generation| &*generation.name)
    }

    /// Asks the distributor `name` what becomes of `batch`.
    ///
    /// There is no error: when it fails, lies, is in quarantine or not there,
    /// nothing is assigned and the state stays as it was, so that the same
    /// batch can be asked about again. That is reported as a problem, except
    /// when the host was too busy or the batch itself is unsound.
    pub async fn distribute(&self, name: &str, batch: &Batch) -> Distribution {
        let generation = match self.catalogue.named(PolicyKind::Distributor, name) {
            Ok(generation) => generation,
            Err(absent) => return fallback(name, None, batch, absent.to_string()),
        };
        let Facade::Distributor(distributor) = &generation.facade else {
            return fallback(name, None, batch, String::from("it is no distributor"));
        };
        if let Err(bad) = check_batch(batch) {
            return fallback(name, Some(generation), batch, bad.to_string());
        }
        let asked = generation
            .ask(distributor.distribute(&generation.engine, &generation.terms, batch))
            .await;
        match generation.answer_of(asked, &self.problems, &STAND_IN) {
            Ok(plan) => Distribution {
                plan,
                policy: generation.name.clone(),
                generation: generation.number,
                digest: generation.origin.digest.clone(),
                fallback: None,
            },
            Err(reason) => fallback(name, Some(generation), batch, reason),
        }
    }
}

/// The plan that changes nothing.
fn fallback(
    name: &str,
    generation: Option<&Arc<Generation>>,
    batch: &Batch,
    reason: String,
) -> Distribution {
    let waits = batch
        .tasks
        .iter()
        .map(|task| Waiting {
            task_id: task.id.clone(),
            reason: reason.clone(),
        })
        .collect();
    Distribution {
        plan: Plan {
            assignments: Vec::new(),
            waits,
            state: batch.state.clone(),
        },
        policy: name.to_owned(),
        generation: generation.map_or(0, |generation| generation.number),
        digest: generation.map_or_else(String::new, |generation| generation.origin.digest.clone()),
        fallback: Some(reason),
    }
}
