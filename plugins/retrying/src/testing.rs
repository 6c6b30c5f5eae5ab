//! Incidents for tests.

use crate::bindings::quarterdeck::policy::types::{PromptState, Session};
use crate::{Action, Cause, Decision, Incident};

/// An incident that has just begun, on a session without a backup.
#[must_use]
pub fn incident(cause: Cause) -> Incident {
    Incident {
        id: "incident".to_owned(),
        cause,
        session: Session {
            id: "broken".to_owned(),
            name: "broken".to_owned(),
            backend: "pty".to_owned(),
            cwd: None,
            program: None,
            prompt: PromptState::Unknown,
            full_screen: false,
            tags: Vec::new(),
            role: None,
            team: None,
            attributes: Vec::new(),
        },
        detail: String::new(),
        exit_status: None,
        screen: Vec::new(),
        attempts: 0,
        max_attempts: 10,
        age_ms: 0,
        backups: Vec::new(),
        attributes: Vec::new(),
    }
}

/// All causes.
pub const CAUSES: [Cause; 7] = [
    Cause::Exited,
    Cause::Hung,
    Cause::BackendLost,
    Cause::AwaitsPerson,
    Cause::Errors,
    Cause::Exhausted,
    Cause::Requested,
];

/// The actions taken, one after the other, until the recovery gives up.
///
/// # Panics
///
/// When it does not within 100 attempts.
pub fn actions(mut incident: Incident, decide: impl Fn(&Incident) -> Decision) -> Vec<Action> {
    let mut actions = Vec::new();
    loop {
        let decision = decide(&incident);
        assert!(!decision.reason.is_empty(), "{decision:?} for no reason");
        if decision.action == Action::GiveUp {
            return actions;
        }
        actions.push(decision.action);
        incident.attempts += 1;
        incident.age_ms += decision.delay_ms;
        assert!(incident.attempts < 100, "it never gives up: {actions:?}");
    }
}
