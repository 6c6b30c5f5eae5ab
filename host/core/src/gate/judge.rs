//! How the gate comes to a decision: approvers, mode, confirmation, audit log.

use std::path::Path;
use std::pin::Pin;
use std::time::SystemTime;

use quarterdeck_policy::{
    CallerFacts, Certainty, Entry, PromptState, ReviewRequest, Ruling, SessionFacts, Statement,
    TRACE_TARGET, Tier,
};
use quarterdeck_terminal::{ShellState, Status};
use serde::{Deserialize, Serialize};

use super::confirmation::{Approval, Occasion};
use super::continuation::EarlierLines;
use super::surroundings;
use super::verdict::{Decision, Refusal, VerdictReport};
use super::{Answer, ApprovalScope, Gate, Mode, OverrideLimit, PendingConfirmation};
use crate::allow_rules::AllowRule;
use crate::audit::{AuditError, EntryKind, VerdictRow};
use crate::caller::Caller;
use crate::clock::now_ms;
use crate::error::HostError;
use crate::session::{Session, SessionId};

/// A command line, and how it came to be.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) entry: Entry,
    pub(super) certainty: Certainty,
    /// Those of its lines that were handed over before.
    pub(super) earlier: Option<EarlierLines>,
}

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

/// What the approvers are asked, and the audit rows of what it shows as recent.
pub(super) struct Asked {
    pub(super) request: ReviewRequest,
    recent: Vec<i64>,
}

impl Asked {
    fn in_session(
        session: SessionFacts,
        caller: CallerFacts,
        line: &Line,
        (recent, texts): (Vec<i64>, Vec<String>),
    ) -> Self {
        Self {
            request: ReviewRequest {
                command_line: line.text.clone(),
                entry: line.entry,
                certainty: line.certainty,
                session,
                caller,
                recent: texts,
                time_ms: now_ms(),
                attributes: line
                    .earlier
                    .into_iter()
                    .flat_map(EarlierLines::attributes)
                    .collect(),
            },
            recent,
        }
    }

    /// A whole command that is judged outside any session.
    pub(super) fn outside(caller: &Caller, command: &str, mut facts: SessionFacts) -> Self {
        let project = surroundings::project(facts.cwd.as_deref().map(Path::new));
        facts.attributes.extend(project);
        Self {
            request: ReviewRequest {
                command_line: command.to_owned(),
                entry: Entry::Command,
                certainty: Certainty::Exact,
                session: facts,
                caller: caller.into(),
                recent: Vec::new(),
                time_ms: now_ms(),
                attributes: Vec::new(),
            },
            recent: Vec::new(),
        }
    }
}

impl Gate {
    async fn asked(
        &self,
        session: &Session,
        status: &Status,
        caller: &Caller,
        line: &Line,
    ) -> Asked {
        let (role, team) = self.agents.facts_of(&session.id);
        let agent_role = (caller.agent.as_deref()).and_then(|it| self.agents.role_of_agent(it));
        let session_facts = SessionFacts {
            role,
            team,
            ..session_facts(session, status).await
        };
        let caller = CallerFacts {
            role: agent_role,
            ..caller.into()
        };
        Asked::in_session(session_facts, caller, line, session.door.recent())
    }

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
        // What a program in front reads is no command line.
        if !status.is_running()
            && let Err(forbidden) = self.agents.may_run(&session.id, &line.text)
        {
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

    /// A person's answer to a confirmation. It is written down first, a yes for good
    /// as an allow rule besides; if that fails, nothing is approved.
    pub(crate) fn answer(
        &self,
        id: &str,
        by: &str,
        answer: Answer,
    ) -> Result<PendingConfirmation, HostError> {
        let pending = self.confirmations.get(id)?;
        let scope = match answer {
            Answer::Allow(scope) => Some(scope),
            Answer::Deny | Answer::Dismiss => None,
        };
        self.keep(
            EntryKind::Approval,
            &serde_json::json!({
                "confirmation": id,
                "session": pending.session_id,
                "command": pending.command,
                "by": by,
                "allowed": scope.is_some(),
                "scope": scope,
            }),
        )?;
        match answer {
            Answer::Allow(ApprovalScope::Always) => {
                self.allow_for_good(pending.allow_rule(by))?;
                self.confirmations.withdraw(id)?
            }
            Answer::Allow(scope) => {
                let by = by.to_owned();
                self.confirmations.approve(id, Approval { by, scope })?
            }
            Answer::Deny => self.confirmations.deny(id)?,
            Answer::Dismiss => self.confirmations.withdraw(id)?,
        };
        self.tell_answer(&pending, by, scope.is_some());
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

    /// Where everything that is judged is written down.
    pub(crate) fn audit_path(&self) -> &Path {
        self.audit.path()
    }

    /// Commands that wait for a person.
    pub(crate) fn waiting(&self) -> Vec<PendingConfirmation> {
        self.confirmations.waiting()
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
    fn would_pass(&self, session: &SessionId, request: &ReviewRequest, ruling: &Ruling) -> bool {
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

fn occasion<'a>(session: &'a SessionId, request: &'a ReviewRequest) -> Occasion<'a> {
    Occasion {
        session,
        command: &request.command_line,
        cwd: request.session.cwd.as_deref(),
        client: request.caller.client.as_deref(),
    }
}

/// A session as policies see it.
pub(crate) async fn session_facts(session: &Session, status: &Status) -> SessionFacts {
    SessionFacts {
        id: session.id.to_string(),
        name: session.name.clone(),
        backend: session.backend.as_str().to_owned(),
        // On another machine nobody knows it.
        cwd: status
            .cwd
            .as_ref()
            .filter(|_| session.remote_host.is_none())
            .map(|cwd| cwd.to_string_lossy().into_owned()),
        program: status
            .foreground
            .as_ref()
            .map(|program| program.name.clone()),
        prompt: match status.shell {
            ShellState::AtPrompt { .. } => PromptState::AtPrompt,
            ShellState::Running { .. } => PromptState::Running,
            ShellState::Unknown | ShellState::Exited(_) => PromptState::Unknown,
        },
        full_screen: status.full_screen,
        tags: session.tags.list(),
        role: None,
        team: None,
        attributes: surroundings::of_session(session, status).await,
    }
}
