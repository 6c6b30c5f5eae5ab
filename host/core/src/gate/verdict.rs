//! Verdicts as callers and the audit log see them.

use std::fmt;

use quarterdeck_policy::{Certainty, Tier, Verdict};
use serde::{Deserialize, Serialize};

use super::{ApprovalScope, Mode};
use crate::session::SessionId;

/// What was decided about a command line, by whom, and how sure the gate is
/// that it knows the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictReport {
    /// How far the command may go.
    pub tier: Tier,
    /// One sentence.
    pub reason: String,
    /// The rule that decided, where the policy names one.
    pub rule: Option<String>,
    /// The policy that decided.
    pub policy: String,
    /// The policy's generation; 0 when no policy was asked.
    pub generation: u64,
    /// How sure the gate is of the command line.
    pub certainty: Certainty,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl VerdictReport {
    pub(crate) fn new(verdict: &Verdict, certainty: Certainty) -> Self {
        Self {
            tier: verdict.tier,
            reason: verdict.reason.clone(),
            rule: verdict.rule.clone(),
            policy: verdict.policy.clone(),
            generation: verdict.generation,
            certainty,
            suggestion: verdict.suggestion.clone(),
        }
    }

    /// What is reported while the gate is switched off.
    pub(crate) fn gate_off() -> Self {
        Self {
            tier: Tier::Safe,
            reason: "the gate is off: nothing was judged".to_owned(),
            rule: None,
            policy: "none".to_owned(),
            generation: 0,
            certainty: Certainty::Exact,
            suggestion: None,
        }
    }
}

/// A command line that the gate did not let through.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The line as the gate judged it.
    pub command: String,
    /// Where it would have run.
    pub session_id: SessionId,
    /// Why not.
    pub verdict: VerdictReport,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.verdict.reason)?;
        match &self.verdict.rule {
            Some(rule) => write!(f, " (rule {rule} of policy {})", self.verdict.policy)?,
            None => write!(f, " (policy {})", self.verdict.policy)?,
        }
        if let Some(suggestion) = &self.verdict.suggestion {
            write!(f, ". Instead: {suggestion}")?;
        }
        Ok(())
    }
}

/// What the gate did with a verdict, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "decision")]
pub enum Decision {
    /// Let through.
    Allowed,
    /// Let through because a person said so.
    Confirmed {
        /// Who that was.
        by: String,
        /// What the yes was good for.
        #[serde(default)]
        scope: ApprovalScope,
    },
    /// Let through because a person's standing rule says so.
    AllowedByRule {
        /// The row of the audit log that holds the rule as it was.
        allow_rule_row: i64,
    },
    /// Left to the question that the caller's own program puts to its person.
    LeftToCaller,
    /// Let through although the verdict was stricter, as the mode says.
    LetThrough {
        /// The gate's mode.
        mode: Mode,
    },
    /// A person has to say yes first.
    ConfirmationRequired {
        /// The confirmation's id.
        confirmation: String,
    },
    /// Not let through.
    Refused,
    /// Asked about, with nothing to be typed.
    OnlyAsked,
}

impl Decision {
    /// The decision's name, as the audit log writes it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Confirmed { .. } => "confirmed",
            Self::AllowedByRule { .. } => "allowed-by-rule",
            Self::LeftToCaller => "left-to-caller",
            Self::LetThrough { .. } => "let-through",
            Self::ConfirmationRequired { .. } => "confirmation-required",
            Self::Refused => "refused",
            Self::OnlyAsked => "only-asked",
        }
    }
}
