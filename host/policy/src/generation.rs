//! One loaded version of a policy: immutable, except for what is counted of it.

use std::sync::Arc;
use std::time::Duration;

use crate::approver::{Answer, Approver};
use crate::engine::PolicyEngine;
use crate::fault::Fault;
use crate::quarantine::Change;
use crate::sidecar::Sidecar;
use crate::tally::{Summary, Tally};
use crate::{Limits, PolicyKind, PolicySource, ReviewRequest, Serving, Tier, Trust, Verdict};

/// What a generation was made of: the same again is not loaded again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Origin {
    pub(crate) source: PolicySource,
    pub(crate) digest: String,
    pub(crate) sidecar: Sidecar,
}

/// A policy of one name, in one version, with one configuration.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) kind: PolicyKind,
    pub(crate) size: u64,
    pub(crate) imports: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) facade: Facade,
    pub(crate) tally: Tally,
    pub(crate) engine: Arc<PolicyEngine>,
}

/// The typed door to a component, one for each kind that this host runs.
pub(crate) enum Facade {
    Approver(Box<Approver>),
    /// Sound, but of a kind that nobody asks yet.
    Unused,
}

impl Generation {
    pub(crate) fn trust(&self) -> Trust {
        match (&self.origin.source, &self.origin.sidecar.pinned_sha256) {
            (_, Some(_)) => Trust::Pinned,
            (PolicySource::Bundled, None) => Trust::Bundled,
            (PolicySource::File(_), None) => Trust::Local,
        }
    }

    pub(crate) fn serving(&self) -> Serving {
        Serving {
            generation: self.number,
            digest: self.origin.digest.clone(),
            source: self.origin.source.clone(),
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        self.tally.summary()
    }

    /// Asks `approver`, which is this generation's façade. Whatever fails is a
    /// verdict too, a `dangerous` one; the change is in how far this generation
    /// is believed.
    pub(crate) async fn review(
        &self,
        approver: &Approver,
        request: &ReviewRequest,
    ) -> (Verdict, Option<Change>) {
        let call = match self.tally.admit() {
            Ok(call) => call,
            Err(refused) => {
                return (
                    self.quarantined(refused.remaining, &refused.last_fault),
                    None,
                );
            }
        };
        match approver.review(&self.engine, self.limits, request).await {
            Ok(answer) => (self.verdict(answer), call.succeeded()),
            Err(fault) => (self.failed(&fault), call.failed(&fault)),
        }
    }

    fn verdict(&self, answer: Answer) -> Verdict {
        Verdict {
            tier: answer.tier,
            reason: answer.reason,
            rule: answer.rule,
            span: answer.span,
            suggestion: answer.suggestion,
            policy: self.name.clone(),
            generation: self.number,
            digest: self.origin.digest.clone(),
        }
    }

    fn failed(&self, fault: &Fault) -> Verdict {
        self.refusal(
            fault.rule(),
            format!(
                "refused, because the approver `{}` (generation {}) {fault}",
                self.name, self.number
            ),
            "the command was not judged on its merits; have the policy mended, or try a simpler command",
        )
    }

    fn quarantined(&self, remaining: Duration, last_fault: &str) -> Verdict {
        self.refusal(
            "host/quarantine",
            format!(
                "refused, because the approver `{}` (generation {}) failed several times in a row and is not asked for another {} s; last it {last_fault}",
                self.name,
                self.number,
                remaining.as_secs() + 1,
            ),
            "have the policy mended or replaced; until then nothing is approved",
        )
    }

    fn refusal(&self, rule: &str, reason: String, suggestion: &str) -> Verdict {
        Verdict {
            tier: Tier::Dangerous,
            reason,
            rule: Some(rule.to_owned()),
            span: None,
            suggestion: Some(suggestion.to_owned()),
            policy: self.name.clone(),
            generation: self.number,
            digest: self.origin.digest.clone(),
        }
    }
}
