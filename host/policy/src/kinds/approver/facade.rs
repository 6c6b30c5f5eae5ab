//! The façade of kind `approver`: a typed call of `approve.review`.
//!
//! Each kind has a façade of its own like this one: its calls in plain Rust
//! types, with what the component said checked and cleaned.

use std::ops::Range;
use std::sync::Arc;

use crate::calling::call_terms::CallTerms;
use crate::calling::callable::Callable;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::Fault;
use crate::interface::bindings::approver::ApproverIndices;
use crate::interface::bindings::approver::exports::quarterdeck::policy::approve as wit;
#[cfg(test)]
use crate::interface::bindings::approver_0_2 as next;
use crate::interface::bindings::types as wit_types;
use crate::interface::borrowed_lists::{LentSession, attributes, strings};
use crate::interface::version::WitVersion;
use crate::kinds::presentable::{presentable, presentable_if_any};
use crate::loading::prepared::Prepared;
use crate::loading::rejection::Rejection;
use crate::{CallerFacts, Certainty, Entry, ReviewRequest, Tier};

/// The longest reason and suggestion that is passed on, in bytes.
const LONGEST_TEXT: usize = 2_000;
/// The longest name of a rule that is passed on, in bytes.
const LONGEST_RULE: usize = 200;

/// A component that answers `review`, ready to be asked: one case for each
/// version of the world.
pub(crate) enum Approver {
    V0_1(Callable<ApproverIndices>),
    #[cfg(test)]
    V0_2(Callable<next::ApproverIndices>),
}

/// What an approver said, cleaned, before it becomes a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) tier: Tier,
    pub(crate) reason: String,
    pub(crate) rule: Option<String>,
    pub(crate) span: Option<Range<u32>>,
    pub(crate) suggestion: Option<String>,
}

impl Approver {
    /// Checks that a linked component has the exports of that version's world.
    pub(crate) fn new(prepared: Prepared, version: WitVersion) -> Result<Self, Rejection> {
        match version {
            WitVersion::V0_1 => Callable::new(prepared).map(Approver::V0_1),
            #[cfg(test)]
            WitVersion::V0_2 => Callable::new(prepared).map(Approver::V0_2),
        }
    }

    /// Asks it.
    pub(crate) async fn review(
        &self,
        engine: &Arc<PolicyEngine>,
        terms: &Arc<CallTerms>,
        request: &ReviewRequest,
    ) -> Result<Answer, Fault> {
        match self {
            Approver::V0_1(callable) => {
                callable
                    .call(engine, terms, async |store, exports| {
                        let lent = Lent::of(request);
                        let verdict = exports
                            .quarterdeck_policy_approve()
                            .call_review(store, lent.request(request))
                            .await
                            .map_err(|error| Fault::of_call(&error))?;
                        Ok(Answer::clean(verdict, &request.command_line))
                    })
                    .await
            }
            #[cfg(test)]
            Approver::V0_2(callable) => {
                callable
                    .call(engine, terms, async |store, exports| {
                        let from_agent = request.caller.kind == "agent";
                        let verdict = exports
                            .quarterdeck_policy_approve()
                            .call_review(store, &request.command_line, from_agent)
                            .await
                            .map_err(|error| Fault::of_call(&error))?;
                        Ok(Answer::of_next(&verdict))
                    })
                    .await
            }
        }
    }
}

/// The lists of a request.
struct Lent<'a> {
    session: LentSession<'a>,
    attributes: Vec<wit_types::Attribute<'a>>,
    recent: Vec<&'a str>,
}

impl<'a> Lent<'a> {
    fn of(request: &'a ReviewRequest) -> Self {
        let recent = &request.recent;
        let newest = recent.len().saturating_sub(ReviewRequest::MAX_RECENT);
        Lent {
            session: LentSession::of(&request.session),
            attributes: attributes(&request.attributes),
            recent: strings(&recent[newest..]),
        }
    }

    fn request(&'a self, request: &'a ReviewRequest) -> wit::Request<'a> {
        wit::Request {
            command_line: &request.command_line,
            entry: match request.entry {
                Entry::Command => wit::Entry::Command,
                Entry::Typed => wit::Entry::Typed,
                Entry::Pasted => wit::Entry::Pasted,
                Entry::Keys => wit::Entry::Keys,
                Entry::Hook => wit::Entry::Hook,
            },
            certainty: match request.certainty {
                Certainty::Exact => wit::Certainty::Exact,
                Certainty::Typed => wit::Certainty::Typed,
                Certainty::Unknown => wit::Certainty::Unknown,
            },
            session: self.session.session(),
            caller: caller(&request.caller),
            recent: &self.recent,
            time_ms: request.time_ms,
            attributes: &self.attributes,
        }
    }
}

fn caller(caller: &CallerFacts) -> wit_types::Caller<'_> {
    wit_types::Caller {
        kind: &caller.kind,
        agent: caller.agent.as_deref(),
        client: caller.client.as_deref(),
        role: caller.role.as_deref(),
        transport: &caller.transport,
    }
}

impl Answer {
    /// Takes over a verdict. Its texts end up before people and models, so they
    /// are made presentable; a span that does not fit the command is left out.
    fn clean(verdict: wit::Verdict, command_line: &str) -> Answer {
        let reason = presentable(&verdict.reason, LONGEST_TEXT);
        Answer {
            tier: match verdict.tier {
                wit_types::Tier::Safe => Tier::Safe,
                wit_types::Tier::Review => Tier::Review,
                wit_types::Tier::Dangerous => Tier::Dangerous,
            },
            reason: if reason.is_empty() {
                String::from("the policy gave no reason")
            } else {
                reason
            },
            rule: presentable_if_any(verdict.rule.as_deref(), LONGEST_RULE),
            span: verdict
                .span
                .map(|span| span.start..span.end)
                .filter(|span| {
                    command_line
                        .get(span.start as usize..span.end as usize)
                        .is_some()
                }),
            suggestion: presentable_if_any(verdict.suggestion.as_deref(), LONGEST_TEXT),
        }
    }

    /// Takes over a verdict of the version that was never released.
    #[cfg(test)]
    fn of_next(verdict: &next::exports::quarterdeck::policy::approve::Verdict) -> Answer {
        use next::exports::quarterdeck::policy::approve::Tier as Next;
        Answer {
            tier: match verdict.tier {
                Next::Safe => Tier::Safe,
                Next::Review => Tier::Review,
                // What is stricter than this host can say is as strict as it can.
                Next::Dangerous | Next::Unthinkable => Tier::Dangerous,
            },
            reason: presentable(&verdict.because, LONGEST_TEXT),
            rule: None,
            span: None,
            suggestion: None,
        }
    }
}
