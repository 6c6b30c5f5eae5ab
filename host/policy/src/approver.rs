//! The façade of kind `approver`: a typed call of `approve.review`.
//!
//! Each kind has a façade of its own like this one: bindings of its world, how
//! to link a component, how to try it out, and its calls in plain Rust types.

use std::ops::Range;

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::engine::PolicyEngine;
use crate::fault::{Fault, one_line};
use crate::guest::Guest;
use crate::prepared::Prepared;
use crate::rejection::Rejection;
use crate::text::presentable;
use crate::{
    CallerFacts, Certainty, Entry, Limits, PolicyKind, PromptState, ReviewRequest, SessionFacts,
    Tier,
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "approver",
        exports: { default: async },
        // Requests are lent to the guest's bindings, not copied.
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

use bindings::exports::quarterdeck::policy::approve as wit;
use bindings::quarterdeck::policy::types as wit_types;

/// The longest reason and suggestion that is passed on, in bytes.
const LONGEST_TEXT: usize = 2_000;
/// The longest name of a rule that is passed on, in bytes.
const LONGEST_RULE: usize = 200;

/// A component that answers `review`, ready to be asked.
pub(crate) struct Approver {
    prepared: Prepared,
    exports: bindings::ApproverIndices,
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
    /// Checks that a linked component has the shape of the world.
    pub(crate) fn new(prepared: Prepared) -> Result<Self, Rejection> {
        let exports = bindings::ApproverIndices::new(prepared.pre()).map_err(|error| {
            Rejection::WrongShape {
                kind: PolicyKind::Approver,
                detail: one_line(&error),
            }
        })?;
        Ok(Approver { prepared, exports })
    }

    /// Asks a fresh instance.
    pub(crate) async fn review(
        &self,
        engine: &PolicyEngine,
        limits: Limits,
        request: &ReviewRequest,
    ) -> Result<Answer, Fault> {
        engine
            .run(limits, async |store| {
                let instance = self.prepared.instance(store).await?;
                self.ask(store, &instance, request).await
            })
            .await
    }

    /// Asks an instance that is there already.
    async fn ask(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
        request: &ReviewRequest,
    ) -> Result<Answer, Fault> {
        let lent = Lent::of(request);
        let verdict = self
            .exports
            .load(&mut *store, instance)
            .map_err(|error| Fault::Garbage(one_line(&error)))?
            .quarterdeck_policy_approve()
            .call_review(store, lent.request(request))
            .await
            .map_err(|error| Fault::of_call(&error))?;
        Ok(Answer::clean(verdict, &request.command_line))
    }
}

/// The lists of a request as the bindings want them: made of borrowed parts,
/// and kept until the call is over.
struct Lent<'a> {
    attributes: Vec<wit_types::Attribute<'a>>,
    session_attributes: Vec<wit_types::Attribute<'a>>,
    tags: Vec<&'a str>,
    recent: Vec<&'a str>,
}

impl<'a> Lent<'a> {
    fn of(request: &'a ReviewRequest) -> Self {
        let attributes = |list: &'a [(String, String)]| {
            list.iter()
                .map(|(name, value)| wit_types::Attribute { name, value })
                .collect()
        };
        let recent = &request.recent;
        let newest = recent.len().saturating_sub(ReviewRequest::MAX_RECENT);
        Lent {
            attributes: attributes(&request.attributes),
            session_attributes: attributes(&request.session.attributes),
            tags: request.session.tags.iter().map(String::as_str).collect(),
            recent: recent[newest..].iter().map(String::as_str).collect(),
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
            session: self.session(&request.session),
            caller: caller(&request.caller),
            recent: &self.recent,
            time_ms: request.time_ms,
            attributes: &self.attributes,
        }
    }

    fn session(&'a self, session: &'a SessionFacts) -> wit_types::Session<'a> {
        wit_types::Session {
            id: &session.id,
            name: &session.name,
            backend: &session.backend,
            cwd: session.cwd.as_deref(),
            program: session.program.as_deref(),
            prompt: match session.prompt {
                PromptState::AtPrompt => wit_types::PromptState::AtPrompt,
                PromptState::Running => wit_types::PromptState::Running,
                PromptState::Unknown => wit_types::PromptState::Unknown,
            },
            full_screen: session.full_screen,
            tags: &self.tags,
            role: session.role.as_deref(),
            team: session.team.as_deref(),
            attributes: &self.session_attributes,
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
            rule: verdict.rule.map(|rule| presentable(&rule, LONGEST_RULE)),
            span: verdict
                .span
                .map(|span| span.start..span.end)
                .filter(|span| {
                    command_line
                        .get(span.start as usize..span.end as usize)
                        .is_some()
                }),
            suggestion: verdict
                .suggestion
                .map(|suggestion| presentable(&suggestion, LONGEST_TEXT)),
        }
    }
}
