//! A verdict without a session: `quarterdeck check`, and `quarterdeck explain`.

use quarterdeck_policy::{PromptState, SessionFacts};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{CommandExplanation, VerdictReport};
use crate::host::Host;

/// What a command line is judged for that is not typed. The row in the audit log says it
/// in the place of a session's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckPurpose {
    /// To be told: `quarterdeck check`.
    #[default]
    Opinion,
    /// `quarterdeck run` asks before it runs it in a host of its own, which judges it
    /// once more.
    BeforeRun,
}

impl CheckPurpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Opinion => "check",
            Self::BeforeRun => "before run",
        }
    }
}

impl Host {
    /// What the approvers say to a command line typed at a shell in `cwd`.
    pub async fn check(
        &self,
        command: &str,
        cwd: Option<String>,
        purpose: CheckPurpose,
        caller: &Caller,
    ) -> Result<VerdictReport, HostError> {
        if command.trim().is_empty() {
            return Err(nothing_to_judge());
        }
        let facts = at_no_session(purpose.as_str(), cwd);
        self.gate.check(caller, command, facts).await
    }

    /// What each approver says to it, shadows included.
    pub async fn explain(
        &self,
        command: &str,
        cwd: Option<String>,
        caller: &Caller,
    ) -> Result<CommandExplanation, HostError> {
        if command.trim().is_empty() {
            return Err(nothing_to_judge());
        }
        let facts = at_no_session("explain", cwd);
        self.gate.explain(caller, command, facts).await
    }
}

/// No command, or nothing but blanks.
pub(super) fn nothing_to_judge() -> HostError {
    HostError::InvalidParameters("command is empty: give the command line to judge".to_owned())
}

/// The prompt of a shell that does not exist.
fn at_no_session(name: &str, cwd: Option<String>) -> SessionFacts {
    SessionFacts {
        name: name.to_owned(),
        backend: "none".to_owned(),
        cwd,
        prompt: PromptState::AtPrompt,
        ..SessionFacts::default()
    }
}
