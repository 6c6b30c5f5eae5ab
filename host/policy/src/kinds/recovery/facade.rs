//! The façade of kind `recovery`: a typed call of `recover.decide`, whose
//! decision is checked before anybody acts on it.

use std::sync::Arc;

use crate::calling::call_terms::CallTerms;
use crate::calling::callable::Callable;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::Fault;
use crate::interface::bindings::recovery::RecoveryIndices;
use crate::interface::bindings::recovery::exports::quarterdeck::policy::recover as wit;
use crate::interface::borrowed_lists::{LentSession, attributes, strings};
use crate::kinds::presentable::presentable;
use crate::loading::prepared::Prepared;
use crate::loading::rejection::Rejection;
use crate::{IncidentCause, IncidentFacts, RecoveryAction, RecoveryDecision};

/// The longest reason that is passed on, in bytes.
const LONGEST_REASON: usize = 2_000;

/// A component that answers `decide`, ready to be asked.
pub(crate) struct Recovery(pub(crate) Callable<RecoveryIndices>);

/// The rule that a decision breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Breach {
    #[error("it fails over to `{0}`, which is not among the backups")]
    UnknownBackup(String),
    #[error("it takes another step after all {0} that were allowed")]
    Attempts(u32),
    #[error("it runs an empty command")]
    NoCommand,
    #[error("it waits {0} ms, longer than a day")]
    Delay(u64),
}

impl Recovery {
    /// Checks that a linked component has the exports of the world.
    pub(crate) fn new(prepared: Prepared) -> Result<Self, Rejection> {
        Callable::new(prepared).map(Recovery)
    }

    /// Asks it. A decision that breaks a rule is a fault.
    pub(crate) async fn decide(
        &self,
        engine: &Arc<PolicyEngine>,
        terms: &Arc<CallTerms>,
        incident: &IncidentFacts,
    ) -> Result<RecoveryDecision, Fault> {
        self.0
            .call(engine, terms, async |store, exports| {
                let session = LentSession::of(&incident.session);
                let screen = strings(&incident.screen);
                let backups = strings(&incident.backups);
                let attributes = attributes(&incident.attributes);
                let decision = exports
                    .quarterdeck_policy_recover()
                    .call_decide(
                        store,
                        wit::Incident {
                            id: &incident.id,
                            cause: cause(incident.cause),
                            session: session.session(),
                            detail: &incident.detail,
                            exit_status: incident.exit_status,
                            screen: &screen,
                            attempts: incident.attempts,
                            max_attempts: incident.max_attempts,
                            age_ms: incident.age_ms,
                            backups: &backups,
                            attributes: &attributes,
                        },
                    )
                    .await
                    .map_err(|error| Fault::of_call(&error))?;
                let decision = clean(decision);
                match check(incident, &decision) {
                    Ok(()) => Ok(decision),
                    Err(breach) => Err(Fault::Unlawful(presentable(
                        &breach.to_string(),
                        LONGEST_REASON,
                    ))),
                }
            })
            .await
    }
}

fn check(incident: &IncidentFacts, decision: &RecoveryDecision) -> Result<(), Breach> {
    if decision.delay_ms > RecoveryDecision::MAX_DELAY_MS {
        return Err(Breach::Delay(decision.delay_ms));
    }
    match &decision.action {
        RecoveryAction::Wait | RecoveryAction::GiveUp => return Ok(()),
        RecoveryAction::Failover(session) if !incident.backups.contains(session) => {
            return Err(Breach::UnknownBackup(session.clone()));
        }
        RecoveryAction::Run(command) if command.trim().is_empty() => {
            return Err(Breach::NoCommand);
        }
        _ => {}
    }
    if incident.attempts >= incident.max_attempts {
        return Err(Breach::Attempts(incident.max_attempts));
    }
    Ok(())
}

fn cause(cause: IncidentCause) -> wit::Cause {
    match cause {
        IncidentCause::Exited => wit::Cause::Exited,
        IncidentCause::Hung => wit::Cause::Hung,
        IncidentCause::BackendLost => wit::Cause::BackendLost,
        IncidentCause::AwaitsPerson => wit::Cause::AwaitsPerson,
        IncidentCause::Errors => wit::Cause::Errors,
        IncidentCause::Exhausted => wit::Cause::Exhausted,
        IncidentCause::Requested => wit::Cause::Requested,
    }
}

fn clean(decision: wit::Decision) -> RecoveryDecision {
    let reason = presentable(&decision.reason, LONGEST_REASON);
    RecoveryDecision {
        action: match decision.action {
            wit::Action::Restart => RecoveryAction::Restart,
            wit::Action::Reset => RecoveryAction::Reset,
            wit::Action::Failover(session) => RecoveryAction::Failover(session),
            wit::Action::Run(command) => RecoveryAction::Run(command),
            wit::Action::Wait => RecoveryAction::Wait,
            wit::Action::GiveUp => RecoveryAction::GiveUp,
        },
        reason: if reason.is_empty() {
            String::from("the policy gave no reason")
        } else {
            reason
        },
        delay_ms: decision.delay_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionFacts;

    fn incident(attempts: u32, max_attempts: u32) -> IncidentFacts {
        IncidentFacts {
            id: String::from("i1"),
            cause: IncidentCause::Exited,
            session: SessionFacts::default(),
            detail: String::new(),
            exit_status: None,
            screen: Vec::new(),
            attempts,
            max_attempts,
            age_ms: 0,
            backups: vec![String::from("s2")],
            attributes: Vec::new(),
        }
    }

    fn decision(action: RecoveryAction) -> RecoveryDecision {
        RecoveryDecision {
            action,
            reason: String::from("because"),
            delay_ms: 0,
        }
    }

    #[test]
    fn a_decision_has_to_keep_the_rules() {
        use RecoveryAction::{Failover, GiveUp, Restart, Run, Wait};
        let failover = |to: &str| Failover(to.to_owned());
        for (attempts, action, expected) in [
            (0, Restart, Ok(())),
            (3, Restart, Err(Breach::Attempts(3))),
            (3, Wait, Ok(())),
            (3, GiveUp, Ok(())),
            (0, failover("s2"), Ok(())),
            (
                0,
                failover("s3"),
                Err(Breach::UnknownBackup(String::from("s3"))),
            ),
            (0, Run(String::from(" ")), Err(Breach::NoCommand)),
        ] {
            assert_eq!(check(&incident(attempts, 3), &decision(action)), expected);
        }
        let late = RecoveryDecision {
            delay_ms: RecoveryDecision::MAX_DELAY_MS + 1,
            ..decision(Wait)
        };
        assert_eq!(
            check(&incident(0, 3), &late),
            Err(Breach::Delay(86_400_001))
        );
    }
}
