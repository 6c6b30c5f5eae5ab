//! What is put to a person about one command, and what they may say.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::VerdictReport;
use crate::allow_rules::AllowRule;
use crate::error::HostError;
use crate::session::SessionId;

/// A command that a person has to approve.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingConfirmation {
    /// What `quarterdeck approve` takes.
    pub confirmation_id: String,
    /// The command line as the gate judged it.
    pub command: String,
    /// Where it would run.
    pub session_id: SessionId,
    /// The folder that it would run in, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The client that asks, as it named itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Why it needs a yes.
    pub verdict: VerdictReport,
    /// Seconds from now until the id is void.
    pub expires_in_seconds: u64,
}

impl fmt::Display for PendingConfirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a person has to confirm this command: {}. Ask for `quarterdeck approve {}` (valid for {} s), then make the same call again",
            self.verdict.reason.trim_end_matches('.'),
            self.confirmation_id,
            self.expires_in_seconds
        )
    }
}

/// A person's no, as it is told to whoever makes the same call again.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonsNo {
    /// What `quarterdeck approve` takes, should the person change their mind.
    pub confirmation_id: String,
    /// The command line.
    pub command: String,
    /// When it was said, in RFC 3339.
    pub said_at: String,
    /// Seconds from now until the command may be asked about again.
    pub expires_in_seconds: u64,
}

impl fmt::Display for PersonsNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a person said no to this command (at {}), and is not asked again for {} s: do something else. Only `quarterdeck approve {}` would still allow it",
            self.said_at, self.expires_in_seconds, self.confirmation_id
        )
    }
}

/// What a person says to a command that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Yes.
    Allow(ApprovalScope),
    /// No.
    Deny,
    /// The question was put away without an answer: the command is not run now, and
    /// may be asked about again.
    Dismiss,
}

impl Answer {
    /// What a yes is good for; `None` where it is none.
    pub(crate) fn scope(self) -> Option<ApprovalScope> {
        match self {
            Self::Allow(scope) => Some(scope),
            Self::Deny | Self::Dismiss => None,
        }
    }
}

impl From<bool> for Answer {
    /// A plain yes is good once.
    fn from(yes: bool) -> Self {
        if yes {
            Self::Allow(ApprovalScope::Once)
        } else {
            Self::Deny
        }
    }
}

/// What a yes is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalScope {
    /// One use.
    #[default]
    Once,
    /// This command in this session, as long as this host knows it.
    Session,
    /// This command in this folder, for good: written down as an allow rule. Refused
    /// where the folder is not known.
    Always,
}

/// A yes that lets a command through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Approval {
    /// Who gave it.
    pub(crate) by: String,
    /// What it was good for.
    pub(crate) scope: ApprovalScope,
}

/// A command that is about to run, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) command: &'a str,
    pub(crate) cwd: Option<&'a str>,
    pub(crate) client: Option<&'a str>,
}

impl PendingConfirmation {
    /// The rule that a yes for good becomes: this command in this folder,
    /// whoever asks. Without a folder it would hold in every folder, which nobody
    /// has said yes to.
    pub(crate) fn allow_rule(&self, by: &str) -> Result<AllowRule, HostError> {
        let Some(cwd) = &self.cwd else {
            return Err(HostError::NoFolderToAllowIn(self.confirmation_id.clone()));
        };
        Ok(AllowRule {
            cwd: Some(cwd.clone()),
            by: Some(by.to_owned()),
            ..AllowRule::of(self.command.clone())
        })
    }

    /// Whether the session that it would run in is yet to be opened.
    pub(crate) fn opens_a_session(&self) -> bool {
        self.session_id == SessionId::not_yet()
    }
}
