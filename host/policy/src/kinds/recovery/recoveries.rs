//! The recoveries as their callers see them.

use std::sync::Arc;
use std::time::Duration;

use crate::serving::catalogue::Catalogue;
use crate::serving::generation::{Facade, Generation, StandIn};
use crate::serving::problem::Problems;
use crate::{IncidentFacts, PolicyKind, RecoveryAction, RecoveryDecision};

/// How long the fallback waits before it wants to be asked again: as long as a
/// quarantine lasts.
const FALLBACK_DELAY: Duration = crate::serving::quarantine::COOL_DOWN;
/// For how long the fallback waits before it leaves an incident to a person.
const FALLBACK_PATIENCE: Duration = Duration::from_secs(10 * 60);

const STAND_IN: StandIn = StandIn {
    kind: PolicyKind::Recovery,
    happens: "the session is left alone",
    meanwhile: "leaves sessions alone",
};

/// The recoveries at one moment. A swap does not touch it: what was pinned
/// answers to the end.
///
/// Each is a strategy of its own; the caller says by name which one decides.
#[derive(Clone)]
pub struct Recoveries {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) problems: Problems,
}

/// What is to be done about an incident, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryRuling {
    /// The decision; checked, so that it can be carried out as it is (a command
    /// still goes through the gate).
    pub decision: RecoveryDecision,
    /// Name of the recovery that was asked.
    pub policy: String,
    /// Its generation; 0 when there was none to ask.
    pub generation: u64,
    /// SHA-256 of its component in hexadecimal; empty when none was there.
    pub digest: String,
    /// Why the decision is the host's fallback, if it is: to wait while the
    /// incident is young and steps are left, then to give up.
    pub fallback: Option<String>,
}

impl Recoveries {
    /// The names of the recoveries, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.catalogue
            .of_kind(PolicyKind::Recovery)
            .map(|generation| &*generation.name)
    }

    /// Asks the recovery `name` what is to be done about `incident`.
    ///
    /// There is no error: when it fails, breaks a rule (a failover to a session
    /// that is no backup, a step too many), is in quarantine or not there, the
    /// session is left alone: the decision is to wait half a minute, or to give
    /// up once ten minutes or all attempts have passed. That is reported as an
    /// incident, except when the host was too busy.
    pub async fn decide(&self, name: &str, incident: &IncidentFacts) -> RecoveryRuling {
        let generation = match self.catalogue.named(PolicyKind::Recovery, name) {
            Ok(generation) => generation,
            Err(absent) => return fallback(name, None, incident, absent.to_string()),
        };
        let Facade::Recovery(recovery) = &generation.facade else {
            return fallback(name, None, incident, String::from("it is no recovery"));
        };
        let asked = generation
            .ask(recovery.decide(&generation.engine, &generation.terms, incident))
            .await;
        match generation.answer_of(asked, &self.problems, &STAND_IN) {
            Ok(decision) => RecoveryRuling {
                decision,
                policy: generation.name.clone(),
                generation: generation.number,
                digest: generation.origin.digest.clone(),
                fallback: None,
            },
            Err(reason) => fallback(name, Some(generation), incident, reason),
        }
    }
}

/// The decision that harms nothing.
fn fallback(
    name: &str,
    generation: Option<&Arc<Generation>>,
    incident: &IncidentFacts,
    reason: String,
) -> RecoveryRuling {
    let old = u128::from(incident.age_ms) >= FALLBACK_PATIENCE.as_millis();
    let (action, delay) = if old || incident.attempts >= incident.max_attempts {
        (RecoveryAction::GiveUp, Duration::ZERO)
    } else {
        (RecoveryAction::Wait, FALLBACK_DELAY)
    };
    RecoveryRuling {
        decision: RecoveryDecision {
            action,
            reason: reason.clone(),
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
        },
        policy: name.to_owned(),
        generation: generation.map_or(0, |generation| generation.number),
        digest: generation.map_or_else(String::new, |generation| generation.origin.digest.clone()),
        fallback: Some(reason),
    }
}
