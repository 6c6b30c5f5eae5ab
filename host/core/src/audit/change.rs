//! The body of a row that says who changed the rules that commands are judged by.

use serde::{Deserialize, Serialize};

/// A change of what commands are judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Who made it, or which host saw that it was made.
    pub by: String,
    /// What was done.
    pub change: ChangeKind,
    /// The rule's id, or the policy's name.
    pub subject: String,
    /// What holds from then on, or what did until then, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// SHA-256 of the component, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A rule of one's own was added to the bundled approver.
    RuleAdded,
    /// One was taken away.
    RuleRemoved,
    /// A standing yes was given.
    AllowRuleAdded,
    /// One was taken back.
    AllowRuleRemoved,
    /// A component was put into the plugins folder.
    PolicyAdded,
    /// One was taken out.
    PolicyRemoved,
    /// A policy was switched on.
    PolicyEnabled,
    /// One was switched off.
    PolicyDisabled,
    /// A policy left shadow mode.
    PolicyPromoted,
    /// The former version of a policy was put back.
    PolicyRolledBack,
    /// A running host put a version in charge: another component, or other settings.
    /// So are changes seen that are made to the files by hand.
    InCharge,
    /// A running host asks a policy no longer.
    OutOfCharge,
}

impl Change {
    /// A change that a person makes with the `command` of this program, named as it is
    /// typed: `rule add`.
    pub fn by_person(command: &str, change: ChangeKind, subject: impl Into<String>) -> Self {
        Self {
            by: format!(
                "user {}, with quarterdeck {command}",
                rustix::process::getuid().as_raw()
            ),
            change,
            subject: subject.into(),
            detail: None,
            digest: None,
        }
    }

    /// A change that this host saw.
    pub(crate) fn seen_by_host(change: ChangeKind, subject: impl Into<String>) -> Self {
        Self {
            by: format!("host, process {}", std::process::id()),
            change,
            subject: subject.into(),
            detail: None,
            digest: None,
        }
    }

    /// With what holds from then on.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the component that it is about.
    #[must_use]
    pub fn of_component(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }
}

impl ChangeKind {
    /// As lists show it.
    pub fn words(self) -> &'static str {
        match self {
            Self::RuleAdded => "rule added",
            Self::RuleRemoved => "rule removed",
            Self::AllowRuleAdded => "allow rule added",
            Self::AllowRuleRemoved => "allow rule removed",
            Self::PolicyAdded => "policy added",
            Self::PolicyRemoved => "policy removed",
            Self::PolicyEnabled => "policy enabled",
            Self::PolicyDisabled => "policy disabled",
            Self::PolicyPromoted => "policy promoted",
            Self::PolicyRolledBack => "policy rolled back",
            Self::InCharge => "in charge",
            Self::OutOfCharge => "out of charge",
        }
    }
}
