//! Command lines that are judged while nobody types them: to be told what would become
//! of them, and why.

use quarterdeck_policy::{Certainty, Entry, ReviewRequest, Ruling, SessionFacts, Statement, Tier};
use serde::{Deserialize, Serialize};

use super::asked::{Asked, Line};
use super::judge::occasion;
use super::verdict::{Decision, VerdictReport};
use super::{Answer, ApprovalScope, Gate, Mode, OverrideLimit, PendingConfirmation};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::Session;

/// The answer of `safety_approve`.
#[derive(Clone, Debug)]
pub struct Opinion {
    /// Whether the command would run now.
    pub approved: bool,
    /// The verdict.
    pub verdict: VerdictReport,
    /// What a person would have to approve.
    pub confirmation: Option<PendingConfirmation>,
}

/// Why a command line is judged as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandExplanation {
    /// What the approvers were asked.
    pub request: ReviewRequest,
    /// What each of them said: first those that rule, then the shadows.
    pub statements: Vec<Statement>,
    /// The row of the audit log that keeps it.
    pub row: i64,
}

impl Gate {
    /// Judges a line that nobody types yet.
    pub(crate) async fn opinion(
        &self,
        session: &Session,
        caller: &Caller,
        command: &str,
        forced: bool,
    ) -> Result<Opinion, HostError> {
        let line = Line {
            text: command.to_owned(),
            entry: Entry::Command,
            certainty: Certainty::Exact,
            earlier: None,
        };
        if self.settings.mode == Mode::Off {
            return Ok(Opinion {
                approved: true,
                verdict: VerdictReport::gate_off(),
                confirmation: None,
            });
        }
        let status = session.terminal.status().await;
        let asked = self.asked(session, &status, caller, &line).await;
        self.agents.may_run(&session.id, command)?;
        let ruling = self.ask(&asked.request).await;
        let mut verdict = VerdictReport::new(&ruling.verdict, line.certainty);
        let would_pass = self.would_pass(&session.id, &asked.request, &ruling);
        let declined = (!would_pass && verdict.tier == Tier::Review)
            .then(|| {
                self.confirmations
                    .declined(occasion(&session.id, &asked.request))
            })
            .flatten();
        let forced = forced && declined.is_none() && self.may_force(verdict.tier);
        if forced && !would_pass {
            self.grant(session, &asked.request, &verdict)?;
        }
        let approved = would_pass || forced;
        if let Some(no) = &declined {
            verdict.reason = no.to_string();
        }
        let confirmation = (!approved && declined.is_none() && verdict.tier == Tier::Review)
            .then(|| self.ask_a_person(occasion(&session.id, &asked.request), verdict.clone()));
        self.keep_verdict(asked, caller, Decision::OnlyAsked, Some(&ruling))?;
        Ok(Opinion {
            approved,
            verdict,
            confirmation,
        })
    }

    /// Judges a command line outside any session.
    pub(crate) async fn check(
        &self,
        caller: &Caller,
        command: &str,
        facts: SessionFacts,
    ) -> Result<VerdictReport, HostError> {
        let asked = Asked::outside(caller, command, facts);
        let ruling = self.ask(&asked.request).await;
        let report = VerdictReport::new(&ruling.verdict, asked.request.certainty);
        self.keep_verdict(asked, caller, Decision::OnlyAsked, Some(&ruling))?;
        Ok(report)
    }

    /// What each approver says to a command line outside any session, and the
    /// row that keeps it.
    pub(crate) async fn explain(
        &self,
        caller: &Caller,
        command: &str,
        facts: SessionFacts,
    ) -> Result<CommandExplanation, HostError> {
        let asked = Asked::outside(caller, command, facts);
        let request = asked.request.clone();
        let statements = self.policies.approvers().await.hear(&request).await;
        let ruling = Ruling::of(statements.iter().cloned());
        let row = self.keep_verdict(asked, caller, Decision::OnlyAsked, Some(&ruling))?;
        Ok(CommandExplanation {
            request,
            statements,
            row,
        })
    }

    fn may_force(&self, tier: Tier) -> bool {
        match self.settings.override_limit {
            OverrideLimit::None => false,
            OverrideLimit::Review => tier <= Tier::Review,
            OverrideLimit::Dangerous => true,
        }
    }

    /// Lets a caller's own override stand for a person's yes, once.
    fn grant(
        &self,
        session: &Session,
        request: &ReviewRequest,
        verdict: &VerdictReport,
    ) -> Result<(), HostError> {
        let pending = self
            .confirmations
            .request(occasion(&session.id, request), verdict.clone());
        let yes = Answer::Allow(ApprovalScope::Once);
        self.answer(&pending.confirmation_id, "the caller's own override", yes)?;
        Ok(())
    }
}
