//! The four kinds of policy, and the interface that gives each away.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a policy decides. A component is of exactly one kind, read off its
/// exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// Judges what is about to run in a session.
    Approver,
    /// Decides which worker runs which task.
    Distributor,
    /// Tells from a session's output how far a program is.
    ProgressParser,
    /// Decides what is done about an incident.
    Recovery,
}

impl PolicyKind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [PolicyKind; 4] = [
        PolicyKind::Approver,
        PolicyKind::Distributor,
        PolicyKind::ProgressParser,
        PolicyKind::Recovery,
    ];

    /// The name of the kind, as in the WIT package's worlds.
    pub fn as_str(self) -> &'static str {
        match self {
            PolicyKind::Approver => "approver",
            PolicyKind::Distributor => "distributor",
            PolicyKind::ProgressParser => "progress-parser",
            PolicyKind::Recovery => "recovery",
        }
    }

    /// The interface of package `quarterdeck:policy` that a component of this
    /// kind exports.
    pub fn interface(self) -> &'static str {
        match self {
            PolicyKind::Approver => "approve",
            PolicyKind::Distributor => "distribute",
            PolicyKind::ProgressParser => "parse-progress",
            PolicyKind::Recovery => "recover",
        }
    }
}

/// The name; in the alternate form (`{:#}`) with its article.
impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            f.write_str(match self {
                PolicyKind::Approver => "an ",
                PolicyKind::Distributor | PolicyKind::ProgressParser | PolicyKind::Recovery => "a ",
            })?;
        }
        f.write_str(self.as_str())
    }
}

/// A text that names no kind of policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a kind of policy; the kinds are approver, distributor, progress-parser and recovery"
)]
pub struct UnknownKind(String);

impl FromStr for PolicyKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        PolicyKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_name() {
        for kind in PolicyKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "approvers".parse::<PolicyKind>().unwrap_err();
        assert!(error.to_string().contains("approver, distributor"));
    }
}
