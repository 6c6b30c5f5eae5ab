//! What the gate decides, and what it waits for.

use schemars::JsonSchema;
use serde::Serialize;

use crate::caller::CallerKind;
use crate::gate::Decision;

/// `gate.verdict`: a command line was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GateVerdict {
    /// The session; none for a command that was judged outside any.
    pub session_id: Option<String>,
    /// The command line as the gate judged it.
    pub command: String,
    /// `safe`, `review` or `dangerous`; none while the gate is off.
    pub tier: Option<String>,
    /// What the gate did.
    pub decision: GateDecision,
    /// The policy that decided.
    pub policy: Option<String>,
    /// That policy's generation.
    pub generation: Option<u64>,
    /// The rule that decided, where the policy names one.
    pub rule: Option<String>,
    /// One sentence.
    pub reason: Option<String>,
    /// Who asked: a model, a person, or a policy that mends a session.
    pub caller: CallerKind,
    /// The client program, as it named itself.
    pub client: Option<String>,
}

/// `gate.confirmation`: a command waits for a person, or a person has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GateConfirmation {
    /// What `quarterdeck approve` takes.
    pub confirmation_id: String,
    /// Where it would run.
    pub session_id: String,
    /// The command line.
    pub command: String,
    /// Why it needs a yes.
    pub reason: String,
    /// Whether it waits, and what the answer was.
    pub state: ConfirmationState,
    /// Who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What the gate did with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateDecision {
    /// Let through.
    Allowed,
    /// Let through because a person said so.
    Confirmed,
    /// Let through because a person's standing rule says so.
    AllowedByRule,
    /// Left to the question that the caller's own program puts to its person.
    LeftToCaller,
    /// Let through although the verdict was stricter, as the mode says.
    LetThrough,
    /// A person has to say yes first.
    ConfirmationRequired,
    /// Not let through.
    Refused,
    /// Asked about, with nothing to be typed.
    OnlyAsked,
}

impl From<&Decision> for GateDecision {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Allowed => Self::Allowed,
            Decision::Confirmed { .. } => Self::Confirmed,
            Decision::AllowedByRule { .. } => Self::AllowedByRule,
            Decision::LeftToCaller => Self::LeftToCaller,
            Decision::LetThrough { .. } => Self::LetThrough,
            Decision::ConfirmationRequired { .. } => Self::ConfirmationRequired,
            Decision::Refused => Self::Refused,
            Decision::OnlyAsked => Self::OnlyAsked,
        }
    }
}

/// What became of a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConfirmationState {
    /// Nobody has answered yet.
    Waiting,
    /// A person said yes: the same call made again goes through, once.
    Approved,
    /// A person said no.
    Denied,
}
