//! Typing into many sessions at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use quarterdeck_policy::TRACE_TARGET;

use super::BadRequest;
use super::asking::AsksPerson;
use super::deliver::Told;
use super::target::Target;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::PendingConfirmation;
use crate::host::Host;
use crate::pattern::Pattern;
use crate::prompts::PromptReceipt;
use crate::session::{Session, SessionId};

/// Messages in one request, times their targets.
pub(super) const MOST_DELIVERIES: usize = 10_000;

/// Whether a command travels as base64 that the shell decodes. It is judged decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    #[default]
    Never,
    /// Where it holds quotes, line breaks, control characters or other than ASCII.
    Auto,
    /// Always.
    Always,
}

impl Encoding {
    /// Whether `text` is to be encoded.
    pub(super) fn applies_to(self, text: &str) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Auto => text
                .chars()
                .any(|c| "'\"\\`$!\n\t".contains(c) || !(' '..='~').contains(&c)),
        }
    }
}

/// One text for some sessions.
#[derive(Clone, Debug)]
pub struct Message {
    /// What is typed.
    pub content: String,
    /// Where; the active session if none is given.
    pub targets: Vec<Target>,
    /// What the screen has to match, or the message is skipped.
    pub condition: Option<Pattern>,
    /// Whether Enter follows.
    pub execute: bool,
    /// How a command travels.
    pub encoding: Encoding,
}

/// Texts for many sessions.
#[derive(Clone, Debug)]
pub struct WriteMessages {
    /// What is typed where.
    pub messages: Vec<Message>,
    /// Whether sessions are written to at the same time.
    pub parallel: bool,
    /// Whether an agent is spared what it was told before.
    pub skip_duplicates: bool,
}

/// What came of one message for one of its targets.
#[derive(Debug)]
pub enum WriteResult {
    /// The target means no session.
    NoneMeant(Target),
    /// It means this session.
    Session {
        /// The session.
        id: SessionId,
        /// Its name.
        name: String,
        /// What came of the message there.
        outcome: WriteOutcome,
    },
}

/// What came of one message in one session.
#[derive(Debug)]
pub enum WriteOutcome {
    /// It was typed.
    Typed,
    /// It was handed to the coding agent in front: the receipt says how far it came.
    Prompted(PromptReceipt),
    /// It was left out on purpose.
    Skipped(WriteSkipped),
    /// It was not typed.
    Failed(HostError),
}

/// Why a message was left out.
#[derive(Debug)]
pub enum WriteSkipped {
    /// Another agent has locked the session, or the caller has lost its lock.
    Locked(HostError),
    /// The screen does not match the message's condition.
    ConditionNotMet(Pattern),
    /// The session's agent was told the same before.
    Duplicate,
}

/// One message on its way to one session.
struct Delivery<'a> {
    /// Its place in the results.
    place: usize,
    session: Arc<Session>,
    message: &'a Message,
}

impl Delivery<'_> {
    fn ends(self, outcome: WriteOutcome) -> (usize, WriteResult) {
        let result = WriteResult::Session {
            id: self.session.id.clone(),
            name: self.session.name.clone(),
            outcome,
        };
        (self.place, result)
    }
}

/// What is to be delivered, and what is known of the other places of the results.
struct Plan<'a> {
    deliveries: Vec<Delivery<'a>>,
    /// By place in the results.
    results: BTreeMap<usize, WriteResult>,
}

/// Deliveries that go out one after the other.
struct Line<'a> {
    left: VecDeque<Delivery<'a>>,
    results: Vec<(usize, WriteResult)>,
    /// A person was asked about the first of them.
    was_asked: bool,
}

impl<'a> Line<'a> {
    fn of(deliveries: impl IntoIterator<Item = Delivery<'a>>) -> Self {
        Self {
            left: deliveries.into_iter().collect(),
            results: Vec::new(),
            was_asked: false,
        }
    }

    /// The first of them came to this.
    fn ends(&mut self, outcome: WriteOutcome) {
        self.was_asked = false;
        if let Some(delivery) = self.left.pop_front() {
            self.results.push(delivery.ends(outcome));
        }
    }
}

impl Host {
    /// Types messages into sessions, as far as locks, conditions and the gate let
    /// them through. A session gets its messages in their order.
    ///
    /// What waits for a person is put to them through `asks`, of all sessions at once;
    /// what they are not asked about, or do not answer, is told message by message.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "execute_write_request",
        skip_all,
        fields(messages = request.messages.len())
    )]
    pub async fn write_to_sessions(
        &self,
        request: &WriteMessages,
        asks: &dyn AsksPerson,
        caller: &Caller,
    ) -> Result<Vec<WriteResult>, HostError> {
        let Plan {
            deliveries,
            mut results,
        } = self.plan(request, caller)?;
        let skip = request.skip_duplicates;
        let mut lines: Vec<Line<'_>> = if request.parallel {
            let mut by_session: BTreeMap<String, Vec<Delivery<'_>>> = BTreeMap::new();
            for delivery in deliveries {
                let session = delivery.session.id.to_string();
                by_session.entry(session).or_default().push(delivery);
            }
            by_session.into_values().map(Line::of).collect()
        } else {
            vec![Line::of(deliveries)]
        };
        loop {
            let going = lines.iter_mut().map(|line| self.go_on(line, skip, caller));
            let stopped = futures_util::future::join_all(going).await;
            let mut waiting: Vec<PendingConfirmation> = stopped.iter().flatten().cloned().collect();
            if waiting.is_empty() {
                break;
            }
            if !request.parallel && asks.can_ask() {
                waiting.extend(self.foreseen(&lines, skip, caller).await);
            }
            let answered = asks.ask(waiting).await;
            for (line, pending) in lines.iter_mut().zip(stopped) {
                match pending {
                    Some(_) if answered => line.was_asked = true,
                    Some(pending) => {
                        let waits = HostError::ConfirmationRequired(Box::new(pending));
                        line.ends(WriteOutcome::Failed(waits));
                    }
                    None => {}
                }
            }
        }
        results.extend(lines.into_iter().flat_map(|line| line.results));
        // In the order of the messages and their targets.
        Ok(results.into_values().collect())
    }

    fn plan<'a>(&self, request: &'a WriteMessages, caller: &Caller) -> Result<Plan<'a>, HostError> {
        let mut deliveries = Vec::new();
        let mut results = BTreeMap::new();
        let active = [Target::Active];
        for message in &request.messages {
            let targets = match message.targets.is_empty() {
                true => &active[..],
                false => &message.targets,
            };
            let mut meant: Vec<Arc<Session>> = Vec::new();
            for target in targets {
                let found = self.resolve(target, caller);
                if found.is_empty() {
                    let place = results.len() + deliveries.len();
                    results.insert(place, WriteResult::NoneMeant(target.clone()));
                }
                for session in found {
                    if meant.iter().all(|known| known.id != session.id) {
                        meant.push(session);
                    }
                }
            }
            for session in meant {
                deliveries.push(Delivery {
                    place: results.len() + deliveries.len(),
                    message,
                    session,
                });
                if deliveries.len() > MOST_DELIVERIES {
                    return Err(BadRequest::TooManyDeliveries.into());
                }
            }
        }
        Ok(Plan {
            deliveries,
            results,
        })
    }

    /// Sends deliveries out until one waits for a person who was not asked yet.
    async fn go_on(
        &self,
        line: &mut Line<'_>,
        skip_duplicates: bool,
        caller: &Caller,
    ) -> Option<PendingConfirmation> {
        while let Some(delivery) = line.left.front() {
            match self.write_one(delivery, skip_duplicates, caller).await {
                Err(HostError::ConfirmationRequired(pending)) if !line.was_asked => {
                    return Some(*pending);
                }
                outcome => line.ends(outcome.unwrap_or_else(WriteOutcome::Failed)),
            }
        }
        None
    }

    /// What will have to be asked about other sessions whose turn comes later, as far as
    /// that can be told before: so that one question does for all.
    async fn foreseen(
        &self,
        lines: &[Line<'_>],
        skip_duplicates: bool,
        caller: &Caller,
    ) -> Vec<PendingConfirmation> {
        let mut waiting = Vec::new();
        let mut looked_at = BTreeSet::new();
        for (number, delivery) in lines.iter().flat_map(|line| line.left.iter()).enumerate() {
            let (session, message) = (&delivery.session, delivery.message);
            let is_next = looked_at.insert(session.id.as_str());
            let spared = skip_duplicates && self.agents.was_told(&session.id, &message.content);
            let may_be_typed = message.execute
                && message.condition.is_none()
                && self.agents.may_type(&session.id, caller).is_ok();
            if number == 0 || !is_next || spared || !may_be_typed {
                continue;
            }
            let text = message.content.trim_end_matches(['\r', '\n']);
            if let Ok(opinion) = self.gate.opinion(session, caller, text, false).await {
                waiting.extend(opinion.confirmation);
            }
        }
        waiting
    }

    /// Lock, condition, duplicate: in this order.
    async fn write_one(
        &self,
        delivery: &Delivery<'_>,
        skip_duplicates: bool,
        caller: &Caller,
    ) -> Result<WriteOutcome, HostError> {
        let Delivery {
            session, message, ..
        } = delivery;
        if let Err(locked) = self.agents.may_type(&session.id, caller) {
            return Ok(WriteOutcome::Skipped(WriteSkipped::Locked(locked)));
        }
        if let Some(condition) = &message.condition
            && !condition.is_match(&session.terminal.screen().await.text())
        {
            let unmet = WriteSkipped::ConditionNotMet(condition.clone());
            return Ok(WriteOutcome::Skipped(unmet));
        }
        let told = self.tell_session(
            session,
            &message.content,
            message.execute,
            message.encoding,
            skip_duplicates,
            caller,
        );
        match told.await {
            Ok(Told::Typed) => Ok(WriteOutcome::Typed),
            Ok(Told::Prompted(receipt)) => Ok(WriteOutcome::Prompted(receipt)),
            Ok(Told::Duplicate) => Ok(WriteOutcome::Skipped(WriteSkipped::Duplicate)),
            Err(locked @ (HostError::Locked { .. } | HostError::LockLost { .. })) => {
                Ok(WriteOutcome::Skipped(WriteSkipped::Locked(locked)))
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awkward_text_is_encoded_on_its_own() {
        for (text, encoded) in [
            ("ls -l", false),
            ("echo \"a\"", true),
            ("echo é", true),
            ("a\nb", true),
        ] {
            assert_eq!(Encoding::Auto.applies_to(text), encoded, "{text:?}");
        }
    }
}
