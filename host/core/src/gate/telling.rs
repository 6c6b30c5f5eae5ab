//! What the gate tells the stream of events.

use quarterdeck_policy::{ReviewRequest, Ruling};

use super::{Decision, Gate, PendingConfirmation};
use crate::caller::Caller;
use crate::events::{ConfirmationState, GateConfirmation, GateVerdict};

/// A verdict as the stream carries it.
pub(super) fn verdict(
    request: &ReviewRequest,
    caller: &Caller,
    decision: &Decision,
    ruling: Option<&Ruling>,
) -> GateVerdict {
    let verdict = ruling.map(|ruling| &ruling.verdict);
    GateVerdict {
        session_id: Some(request.session.id.clone()).filter(|id| !id.is_empty()),
        command: request.command_line.clone(),
        tier: verdict.map(|it| it.tier.as_str().to_owned()),
        decision: decision.into(),
        policy: verdict.map(|it| it.policy.clone()),
        generation: verdict.map(|it| it.generation),
        rule: verdict.and_then(|it| it.rule.clone()),
        reason: verdict.map(|it| it.reason.clone()),
        caller: caller.kind,
        client: caller.client.clone(),
    }
}

impl Gate {
    /// Says what a person has answered.
    pub(super) fn tell_answer(&self, pending: &PendingConfirmation, by: &str, allow: bool) {
        let state = match allow {
            true => ConfirmationState::Approved,
            false => ConfirmationState::Denied,
        };
        self.tell_confirmation(pending, state, Some(by.to_owned()));
    }

    /// Says how it stands with a command that a person is asked about.
    pub(super) fn tell_confirmation(
        &self,
        pending: &PendingConfirmation,
        state: ConfirmationState,
        by: Option<String>,
    ) {
        self.events.publish(GateConfirmation {
            confirmation_id: pending.confirmation_id.clone(),
            session_id: pending.session_id.to_string(),
            command: pending.command.clone(),
            reason: pending.verdict.reason.clone(),
            state,
            by,
        });
    }
}
