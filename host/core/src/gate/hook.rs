//! Commands of a coding agent's own shell tool, which its hook asks about.
//! Nothing is typed here: the agent is told whether it may.

use quarterdeck_policy::{Certainty, Entry, PromptState, SessionFacts, Tier};
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::verdict::{Decision, VerdictReport};
use super::{Gate, Mode};
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::SessionId;

/// Whether an agent may run its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookDecision {
    /// It may.
    Allow,
    /// It is to ask its person.
    Ask,
    /// It may not.
    Deny,
}

/// The answer to a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookJudgement {
    /// Whether it may.
    pub decision: HookDecision,
    /// Why, for whoever reads it, with what to do instead.
    pub reason: String,
}

/// What a hook asks about.
pub(crate) struct HookCommand<'a> {
    pub(crate) agent: &'a str,
    pub(crate) session: SessionId,
    pub(crate) command: &'a str,
    pub(crate) cwd: Option<String>,
    /// Whether the agent can put a question to its person.
    pub(crate) can_ask: bool,
}

impl Gate {
    /// Judges a command that an agent is about to run by itself.
    pub(crate) async fn judge_hook(
        &self,
        caller: &Caller,
        hook: HookCommand<'_>,
    ) -> Result<HookJudgement, HostError> {
        let facts = SessionFacts {
            id: hook.session.to_string(),
            name: hook.agent.to_owned(),
            backend: "none".to_owned(),
            cwd: hook.cwd,
            prompt: PromptState::AtPrompt,
            ..SessionFacts::default()
        };
        let mut asked = Asked::outside(caller, hook.command, facts);
        asked.request.entry = Entry::Hook;
        if self.settings.mode == Mode::Off {
            let decision = Decision::LetThrough { mode: Mode::Off };
            self.keep_verdict(asked, caller, decision, None)?;
            return Ok(HookJudgement::allow(&VerdictReport::gate_off()));
        }
        let ruling = self.ask(&asked.request).await;
        let report = VerdictReport::new(&ruling.verdict, Certainty::Exact);
        let through = self.why_through(&hook.session, &asked.request, &ruling, report.tier)?;
        let (decision, judgement) = match through {
            Some(decision) => (decision, HookJudgement::allow(&report)),
            None if report.tier == Tier::Review && hook.can_ask => {
                (Decision::LeftToCaller, HookJudgement::ask(&report))
            }
            None => match self.decide(&hook.session, &asked.request, &ruling, report)? {
                (decision, Ok(report)) => (decision, HookJudgement::allow(&report)),
                (decision, Err(refused)) => (decision, HookJudgement::deny(&refused)),
            },
        };
        self.keep_verdict(asked, caller, decision, Some(&ruling))?;
        Ok(judgement)
    }
}

impl HookJudgement {
    fn allow(report: &VerdictReport) -> Self {
        Self {
            decision: HookDecision::Allow,
            reason: report.reason.clone(),
        }
    }

    fn ask(report: &VerdictReport) -> Self {
        let mut reason = report.reason.clone();
        if let Some(rule) = &report.rule {
            reason.push_str(&format!(" (rule {rule} of {})", report.policy));
        }
        if let Some(suggestion) = &report.suggestion {
            reason.push_str(&format!(" Instead: {suggestion}"));
        }
        Self {
            decision: HookDecision::Ask,
            reason,
        }
    }

    fn deny(refused: &HostError) -> Self {
        Self {
            decision: HookDecision::Deny,
            reason: refused.to_string(),
        }
    }
}
