//! What the host reports when something is wrong with a policy.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::PolicySource;

/// Something went wrong with a policy, or with the folder they come from.
///
/// Its text form is one line that says what happened and who decides now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyProblem {
    /// What sort of thing happened.
    pub kind: ProblemKind,
    /// The policy it is about; empty when it is about the folder.
    pub policy: String,
    /// The file that caused it, where there is one.
    pub file: Option<PathBuf>,
    /// What is wrong and what to do about it, in one or two sentences.
    pub reason: String,
    /// Who decides under this policy's name now, if anybody.
    pub serving: Option<Serving>,
}

/// What sort of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// A component was rejected; the former generation stays in charge.
    Rejected,
    /// A sidecar was rejected; the former generation stays in charge.
    Sidecar,
    /// A required policy is gone: nothing is approved until it is back.
    RequiredMissing,
    /// A distributor or a recovery gave no answer that can be used; the host's
    /// fallback stood in for it.
    Failed,
    /// A policy failed several times in a row and is not believed for a while.
    Quarantined,
    /// A quarantined policy answered again.
    Released,
    /// The plugins folder cannot be used or watched.
    Folder,
    /// Compiled code cannot be kept; every start compiles anew.
    Cache,
}

/// The generation in charge after a problem came up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// Its number.
    pub generation: u64,
    /// SHA-256 of its component, in hexadecimal.
    pub digest: String,
    /// Where its component comes from.
    pub source: PolicySource,
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.policy.is_empty()) {
            (Some(file), _) => write!(f, "{}: ", file.display())?,
            (None, false) => write!(f, "policy `{}`: ", self.policy)?,
            (None, true) => {}
        }
        f.write_str(&self.reason)?;
        match &self.serving {
            Some(serving) => write!(
                f,
                " (generation {} of `{}` stays in charge, from {})",
                serving.generation, self.policy, serving.source
            ),
            None if self.policy.is_empty() => Ok(()),
            None => write!(f, " (no component decides as `{}` now)", self.policy),
        }
    }
}

/// Whoever wants to hear of policies' problems.
#[derive(Clone)]
pub(crate) struct Problems(Arc<dyn Fn(PolicyProblem) + Send + Sync>);

impl Problems {
    pub(crate) fn new(listener: impl Fn(PolicyProblem) + Send + Sync + 'static) -> Self {
        Problems(Arc::new(listener))
    }

    pub(crate) fn raise(&self, problem: PolicyProblem) {
        (self.0)(problem);
    }
}
