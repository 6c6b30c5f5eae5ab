//! A person is asked about a command, and answers.

use super::confirmation::Occasion;
use super::running::runnable;
use super::verdict::VerdictReport;
use super::{Answer, ApprovalScope, Gate, PendingConfirmation};
use crate::allow_rules::AllowRule;
use crate::audit::EntryKind;
use crate::caller::Caller;
use crate::error::HostError;
use crate::events::ConfirmationState;
use crate::session::{Session, SessionId};

impl Gate {
    /// Puts a command before a person, and says so.
    pub(super) fn ask_a_person(
        &self,
        occasion: Occasion<'_>,
        verdict: VerdictReport,
    ) -> PendingConfirmation {
        let pending = self.confirmations.request(occasion, verdict);
        self.tell_confirmation(&pending, ConfirmationState::Waiting, None);
        pending
    }

    /// Runs the first command of a session that is being opened. Where a person has to
    /// confirm it, their answer is good for the next session that begins with it in
    /// the same folder: the caller closes this one.
    pub(crate) async fn run_first(
        &self,
        session: &Session,
        command: &str,
        caller: &Caller,
    ) -> Result<VerdictReport, HostError> {
        self.confirmations.begin(&session.id, runnable(command)?);
        match self.run(session, command, caller).await {
            Ok(running) => Ok(running.verdict),
            Err(error) => {
                self.confirmations.put_off(&session.id);
                Err(match error {
                    HostError::ConfirmationRequired(mut pending) => {
                        pending.session_id = SessionId::not_yet();
                        HostError::ConfirmationRequired(pending)
                    }
                    error => error,
                })
            }
        }
    }

    /// Commands that wait for a person.
    pub(crate) fn waiting(&self) -> Vec<PendingConfirmation> {
        self.confirmations.waiting()
    }

    /// A person's answer to a confirmation. It is written down first, a yes for good
    /// as an allow rule besides; if that fails, nothing is approved. Nobody else
    /// answers meanwhile, so that what is written down is what holds.
    pub(crate) fn answer(
        &self,
        id: &str,
        by: &str,
        answer: Answer,
    ) -> Result<PendingConfirmation, HostError> {
        let pending = self.confirmations.settle(id, by, answer, |pending| {
            let rule = match answer {
                Answer::Allow(ApprovalScope::Always) => Some(pending.allow_rule(by)?),
                Answer::Allow(ApprovalScope::Session) if pending.opens_a_session() => {
                    return Err(HostError::NoSessionToAllowFor(id.to_owned()));
                }
                Answer::Allow(_) | Answer::Deny | Answer::Dismiss => None,
            };
            self.keep(
                EntryKind::Approval,
                &serde_json::json!({
                    "confirmation": id,
                    "session": pending.session_id,
                    "command": pending.command,
                    "by": by,
                    "allowed": answer.scope().is_some(),
                    "scope": answer.scope(),
                }),
            )?;
            rule.map_or(Ok(()), |rule| self.allow_for_good(rule))
        })?;
        self.tell_answer(&pending, by, answer.scope().is_some());
        Ok(pending)
    }

    fn allow_for_good(&self, rule: AllowRule) -> Result<(), HostError> {
        let Some(rules) = &self.allow_rules else {
            return Err(HostError::InvalidParameters(
                "this host has no file of allow rules: allow the command once or for this session"
                    .to_owned(),
            ));
        };
        rules
            .add(rule)
            .map_err(|error| HostError::InvalidParameters(error.to_string()))
    }
}
