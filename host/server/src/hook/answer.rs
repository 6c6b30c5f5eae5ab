//! Answers in each agent's words.

use quarterdeck_core::gate::{HookDecision, HookJudgement};
use serde_json::{Value, json};

use super::HookAgent;

/// The exit status that every agent but Copilot understands as "do not".
const BLOCKS: u8 = 2;

/// What an agent is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What goes to standard output.
    pub stdout: Option<String>,
    /// What goes to standard error.
    pub stderr: Option<String>,
    /// The exit status.
    pub exit: u8,
}

impl HookAgent {
    /// A judgement in its words. An agent that cannot ask is told no.
    pub fn answer(self, judgement: &HookJudgement) -> Told {
        let reason = &judgement.reason;
        let decision = match judgement.decision {
            HookDecision::Ask if !self.can_ask() => HookDecision::Deny,
            decision => decision,
        };
        let word = match decision {
            HookDecision::Allow => "allow",
            HookDecision::Ask => "ask",
            HookDecision::Deny => "deny",
        };
        let answer = match self {
            // Says of an `allow` that changes nothing that the hook has failed.
            Self::Codex if decision == HookDecision::Allow => return Told::default(),
            Self::ClaudeCode | Self::Codex => json!({ "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": word,
                "permissionDecisionReason": reason,
            }}),
            Self::Gemini | Self::OpenCode => json!({ "decision": word, "reason": reason }),
            Self::Copilot => json!({
                "permissionDecision": word,
                "permissionDecisionReason": reason,
            }),
            Self::Cursor => json!({
                "permission": word,
                "user_message": reason,
                "agent_message": reason,
            }),
        };
        Told::saying(&answer)
    }

    /// The answer when nothing could be judged: do not run it. With the exit
    /// status that blocks, since an agent may not read what a hook that went
    /// wrong has printed; except to Copilot, which skips a hook with any status
    /// but 0 and goes on.
    pub fn refuse(self, why: &str) -> Told {
        let why = format!("quarterdeck could not judge this, so it is refused: {why}");
        match self {
            Self::Copilot => Told {
                stderr: Some(why.clone()),
                ..self.answer(&HookJudgement {
                    decision: HookDecision::Deny,
                    reason: why,
                })
            },
            _ => Told::blocking(why),
        }
    }
}

impl Told {
    /// No, to an agent of which nothing is known.
    pub fn blocking(why: String) -> Self {
        Self {
            stdout: None,
            stderr: Some(why),
            exit: BLOCKS,
        }
    }

    /// Something to be known, which keeps no agent from its work.
    pub fn remarking(what: String) -> Self {
        Self {
            stderr: Some(what),
            ..Self::default()
        }
    }

    fn saying(answer: &Value) -> Self {
        Self {
            stdout: Some(answer.to_string()),
            ..Self::default()
        }
    }
}
