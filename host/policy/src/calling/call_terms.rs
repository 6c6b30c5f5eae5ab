//! Under which terms a policy runs: what it may use and see, and what it is
//! called where the host speaks of it.

use std::sync::Arc;
use std::time::Duration;

use crate::{Grants, Limits};

/// What holds for every call of one generation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallTerms {
    /// The policy's name, for the host's log.
    pub(crate) policy: Arc<str>,
    pub(crate) limits: Limits,
    pub(crate) grants: Grants,
    /// Whether an instance that answered well is asked again.
    pub(crate) reuse: bool,
    /// Whether nobody relies on the answer yet.
    pub(crate) trial: bool,
}

impl CallTerms {
    /// The same for a call on trial, which may take as long as `deadline` and
    /// always gets an instance of its own.
    pub(crate) fn on_trial(&self, deadline: Duration) -> Arc<Self> {
        let mut terms = self.clone();
        terms.limits.deadline = deadline;
        terms.reuse = false;
        terms.trial = true;
        Arc::new(terms)
    }
}
