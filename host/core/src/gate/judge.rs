//! How the gate comes to a decision: approvers, mode, confirmation, audit log.

use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use quarterdeck_policy::{ReviewRequest, Ruling, TRACE_TARGET, Tier};
use quarterdeck_terminal::Status;
use serde::Serialize;

use super::asked::{Asked, Line};
use super::confirmation::{Approval, Occasion};
use super::surroundings;
use super::verdict::{Decision, Refusal, VerdictReport};
use super::{Gate, Mode, OverrideLimit};
use crate::allow_rules::AllowRule;
use crate::audit::{AuditError, AuditLog, EntryKind, VerdictRow};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::{Session, SessionId};

impl Gate {
    /// Judges a line that is about to be typed. `Ok` means that it may be, and
    /// that the audit log says so.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "gate.judge",
        skip_all,
        fields(tier = tracing::field::Empty)
    )]
    pub(super) async fn pass(
        &self,
        session: &Session,
        status: &Status,
        caller: &Caller,
        line: &Line,
    ) -> Result<VerdictReport, HostError> {
        let asked = self.asked(session, status, caller, line).await;
        // What a program in front reads is no command line, unless it is a shell.
        let is_command =
            !status.is_running() || surroundings::takes_commands(&asked.request.session);
        if is_command && let Err(forbidden) = self.agents.may_run(&session.id, &line.text) {
            self.keep_verdict(asked, caller, Decision::Refused, None)?;
            return Err(forbidden);
        }
        if self.settings.mode == Mode::Off {
            let decision = Decision::LetThrough { mode: Mode::Off };
            self.keep_verdict(asked, caller, decision, None)?;
            return Ok(VerdictReport::gate_off());
        }
        let ruling = self.ask(&asked.request).await;
        tracing::Span::current().record("tier", ruling.verdict.tier.as_str());
        let report = VerdictReport::new(&ruling.verdict, line.certainty);
        let (decision, outcome) = self.decide(&session.id, &asked.request, &ruling, report)?;
        let row = self.keep_verdict(asked, caller, decision, Some(&ruling))?;
        if outcome.is_ok() {
            session.door.remember(row, &line.text);
        }
        outcome
    }

    /// Where everything that is judged is written down.
    pub(crate) fn audit(&self) -> &Arc<AuditLog> {
        &self.audit
    }

    /// Adds a row to the audit log and returns its number.
    pub(super) fn keep(&self, kind: EntryKind, body: &impl Serialize) -> Result<i64, HostError> {
        self.audit
            .append(kind, body)
            .map_err(|error: AuditError| HostError::AuditUnwritable {
                path: self.audit.path().to_owned(),
                reason: error.to_string(),
            })
    }

    /// Asks the approvers. Of no type of its own: else what asking takes would be part
    /// of the futures of everybody who types or opens, too deep for the compiler.
    pub(super) fn ask<'a>(
        &'a self,
        request: &'a ReviewRequest,
    ) -> Pin<Box<dyn Future<Output = Ruling> + Send + 'a>> {
        Box::pin(async move { self.policies.approvers().await.review(request).await })
    }

    /// What becomes of a judged line: what the audit log says of it, and what its
    /// caller is told.
    pub(super) fn decide(
        &self,
        session: &SessionId,
        request: &ReviewRequest,
        ruling: &Ruling,
        report: VerdictReport,
    ) -> Result<(Decision, Result<VerdictReport, HostError>), HostError> {
        if let Some(decision) = self.why_through(session, request, ruling, report.tier)? {
            return Ok((decision, Ok(report)));
        }
        if report.tier == Tier::Review {
            if let Some(no) = self.confirmations.declined(occasion(session, request)) {
                let refusal = HostError::Declined(Box::new(no));
                return Ok((Decision::Refused, Err(refusal)));
            }
            let pending = self.ask_a_person(occasion(session, request), report);
            let confirmation = pending.confirmation_id.clone();
            return Ok((
                Decision::ConfirmationRequired { confirmation },
                Err(HostError::ConfirmationRequired(Box::new(pending))),
            ));
        }
        let refusal = Refusal {
            command: request.command_line.clone(),
            session_id: session.clone(),
            verdict: report,
        };
        Ok((
            Decision::Refused,
            Err(HostError::Refused(Box::new(refusal))),
        ))
    }

    /// Why a line may pass without a question: its tier, the mode, an allow rule,
    /// or a yes that was given before, in this order.
    pub(super) fn why_through(
        &self,
        session: &SessionId,
        request: &ReviewRequest,
        ruling: &Ruling,
        tier: Tier,
    ) -> Result<Option<Decision>, HostError> {
        if tier == Tier::Safe {
            return Ok(Some(Decision::Allowed));
        }
        if self.settings.mode == Mode::Warn {
            return Ok(Some(Decision::LetThrough { mode: Mode::Warn }));
        }
        if let Some(decision) = self.allowed_by_rule(request, ruling)? {
            return Ok(Some(decision));
        }
        let approval = self
            .is_redeemable(tier)
            .then(|| self.confirmations.redeem(occasion(session, request)))
            .flatten();
        Ok(approval.map(|Approval { by, scope }| Decision::Confirmed { by, scope }))
    }

    /// Whether a line would pass without a question, for the same reasons; no yes is
    /// used up by it.
    pub(super) fn would_pass(
        &self,
        session: &SessionId,
        request: &ReviewRequest,
        ruling: &Ruling,
    ) -> bool {
        let tier = ruling.verdict.tier;
        tier == Tier::Safe
            || self.settings.mode == Mode::Warn
            || self.allow_rule_for(request, ruling).is_some()
            || self.is_redeemable(tier)
                && self.confirmations.is_approved(occasion(session, request))
    }

    /// A yes that was given to a reviewed command does not carry over to a dangerous
    /// one, should the policy have changed in between.
    fn is_redeemable(&self, tier: Tier) -> bool {
        tier == Tier::Review || self.settings.override_limit == OverrideLimit::Dangerous
    }

    /// Looks for an allow rule, and writes down the one that lets the line
    /// through, since the file may change.
    fn allowed_by_rule(
        &self,
        request: &ReviewRequest,
        ruling: &Ruling,
    ) -> Result<Option<Decision>, HostError> {
        let Some(rule) = self.allow_rule_for(request, ruling) else {
            return Ok(None);
        };
        let allow_rule_row = self.keep(
            EntryKind::AllowRule,
            &serde_json::json!({
                "rule": rule,
                "session": request.session.id,
                "command": request.command_line,
                "tier": ruling.verdict.tier,
                "overridden": ruling.verdict.rule,
            }),
        )?;
        Ok(Some(Decision::AllowedByRule { allow_rule_row }))
    }

    fn allow_rule_for(&self, request: &ReviewRequest, ruling: &Ruling) -> Option<AllowRule> {
        let rules = self.allow_rules.as_ref()?.current();
        let now = SystemTime::now();
        let mut rules = rules.iter();
        rules
            .find(|rule| rule.lets_through(request, ruling, now))
            .cloned()
    }

    /// Writes down what was asked and said, and returns the row's number.
    pub(super) fn keep_verdict(
        &self,
        asked: Asked,
        caller: &Caller,
        decision: Decision,
        ruling: Option<&Ruling>,
    ) -> Result<i64, HostError> {
        let Asked { request, recent } = asked;
        let told = super::telling::verdict(&request, caller, &decision, ruling);
        let row = VerdictRow::new(request, caller, recent, decision.clone(), ruling);
        let number = self.keep(EntryKind::Verdict, &row)?;
        self.tally
            .count(ruling.map(|it| it.verdict.tier), &decision);
        self.events.publish(told);
        Ok(number)
    }
}

/// The occasion on which a person would be asked.
pub(super) fn occasion<'a>(session: &'a SessionId, request: &'a ReviewRequest) -> Occasion<'a> {
    Occasion {
        session,
        command: &request.command_line,
        cwd: request.session.cwd.as_deref(),
        client: request.caller.client.as_deref(),
    }
}
