//! Typing into many sessions at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use quarterdeck_policy::TRACE_TARGET;
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asking::AsksPerson;
use super::deliver::{Told, not_submitted};
use super::target::Target;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::PendingConfirmation;
use crate::host::Host;
use crate::operations::PATTERN_SIZE_LIMIT;
use crate::prompts::PromptReceipt;
use crate::session::Session;

/// Messages in one request, times their targets.
const MOST_DELIVERIES: usize = 10_000;

/// Whether a command travels as base64 that the shell decodes. It is judged decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "EncodingWord", into = "EncodingWord")]
#[schemars(with = "EncodingWord")]
pub enum Encoding {
    /// As it is.
    #[default]
    Never,
    /// Where it holds quotes, line breaks, control characters or other than ASCII.
    Auto,
    /// Always.
    Always,
}

/// true, false or "auto"
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "true, false or \"auto\" is expected")]
enum EncodingWord {
    Yes(bool),
    Word(String),
}

impl TryFrom<EncodingWord> for Encoding {
    type Error = String;

    fn try_from(word: EncodingWord) -> Result<Self, String> {
        match word {
            EncodingWord::Yes(false) => Ok(Self::Never),
            EncodingWord::Yes(true) => Ok(Self::Always),
            EncodingWord::Word(word) => word.parse(),
        }
    }
}

impl std::str::FromStr for Encoding {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word.to_lowercase().as_str() {
            "" | "false" | "none" | "never" => Ok(Self::Never),
            "true" | "base64" | "always" => Ok(Self::Always),
            "auto" => Ok(Self::Auto),
            _ => Err(format!(
                "use_encoding is true, false or \"auto\", not {word:?}"
            )),
        }
    }
}

impl From<Encoding> for EncodingWord {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Never => Self::Yes(false),
            Encoding::Always => Self::Yes(true),
            Encoding::Auto => Self::Word("auto".to_owned()),
        }
    }
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
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// What is typed
    pub content: String,
    /// Where; the active session if none is given
    #[serde(default)]
    pub targets: Vec<Target>,
    /// A regular expression that the screen has to match, or the message is skipped
    #[serde(default)]
    pub condition: Option<String>,
    /// Whether Enter follows
    #[serde(default = "yes")]
    pub execute: bool,
    /// true, or "auto" for awkward text: a command travels as base64 that the shell decodes
    #[serde(default)]
    pub use_encoding: Encoding,
}

/// Texts for many sessions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WriteMessages {
    /// What is typed where
    pub messages: Vec<Message>,
    /// Whether sessions are written to at the same time
    #[serde(default = "yes")]
    pub parallel: bool,
    /// Whether an agent is spared what it was told before
    #[serde(default = "yes")]
    pub skip_duplicates: bool,
}

pub(super) fn yes() -> bool {
    true
}

/// What came of one message in one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WriteResult {
    /// The session; empty where none was meant.
    pub session_id: String,
    /// Its name.
    pub session_name: Option<String>,
    /// Whether it was typed.
    pub success: bool,
    /// Why not, where something went wrong.
    pub error: Option<String>,
    /// Whether it was left out on purpose.
    pub skipped: bool,
    /// `locked`, `condition_not_met`, `duplicate` or `no_match`.
    pub skipped_reason: Option<&'static str>,
    /// What to do to have it typed all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How far it came, where a coding agent's program was prompted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<PromptReceipt>,
}

/// What came of all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WriteReport {
    /// In the order of the messages and their targets.
    pub results: Vec<WriteResult>,
    /// How many were typed.
    pub sent_count: usize,
    /// How many were left out.
    pub skipped_count: usize,
    /// How many failed.
    pub error_count: usize,
}

impl WriteReport {
    fn of(results: Vec<WriteResult>) -> Self {
        let count = |fits: fn(&WriteResult) -> bool| results.iter().filter(|it| fits(it)).count();
        Self {
            sent_count: count(|it| it.success),
            skipped_count: count(|it| it.skipped),
            error_count: count(|it| !it.success && !it.skipped),
            results,
        }
    }
}

/// One message on its way to one session.
struct Delivery<'a> {
    /// Its place in the results.
    place: usize,
    session: Arc<Session>,
    message: &'a Message,
    condition: Option<Regex>,
}

/// Deliveries that go out one after the other.
struct Line<'a> {
    left: VecDeque<Delivery<'a>>,
    outcomes: Vec<(usize, Result<WriteResult, HostError>)>,
    /// A person was asked about the first of them.
    was_asked: bool,
}

impl<'a> Line<'a> {
    fn of(deliveries: impl IntoIterator<Item = Delivery<'a>>) -> Self {
        Self {
            left: deliveries.into_iter().collect(),
            outcomes: Vec::new(),
            was_asked: false,
        }
    }

    /// The first of them came to this.
    fn ends(&mut self, outcome: Result<WriteResult, HostError>) {
        self.was_asked = false;
        if let Some(delivery) = self.left.pop_front() {
            self.outcomes.push((delivery.place, outcome));
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
    ) -> Result<WriteReport, HostError> {
        let (deliveries, mut results) = self.plan(request, caller)?;
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
                        line.ends(Err(HostError::ConfirmationRequired(Box::new(pending))));
                    }
                    None => {}
                }
            }
        }
        for (place, outcome) in lines.into_iter().flat_map(|line| line.outcomes) {
            results[place] = match outcome {
                Ok(result) => result,
                Err(error) => WriteResult {
                    error: Some(match &error {
                        HostError::ConfirmationRequired(pending) => waits(pending),
                        error => error.to_string(),
                    }),
                    ..std::mem::take(&mut results[place])
                },
            };
        }
        Ok(WriteReport::of(results))
    }

    fn plan<'a>(
        &self,
        request: &'a WriteMessages,
        caller: &Caller,
    ) -> Result<(Vec<Delivery<'a>>, Vec<WriteResult>), HostError> {
        let mut deliveries = Vec::new();
        let mut results: Vec<WriteResult> = Vec::new();
        let active = [Target::default()];
        for message in &request.messages {
            let condition = message.condition.as_deref().filter(|it| !it.is_empty());
            let condition = condition.map(|it| pattern("condition", it)).transpose()?;
            let targets = match message.targets.is_empty() {
                true => &active[..],
                false => &message.targets,
            };
            let mut meant: Vec<Arc<Session>> = Vec::new();
            for target in targets {
                let found = self.resolve(target, caller);
                if found.is_empty() {
                    results.push(WriteResult {
                        skipped: true,
                        skipped_reason: Some("no_match"),
                        hint: Some(format!("no session is meant by {}", target.describe())),
                        ..WriteResult::default()
                    });
                }
                for session in found {
                    if meant.iter().all(|known| known.id != session.id) {
                        meant.push(session);
                    }
                }
            }
            for session in meant {
                deliveries.push(Delivery {
                    place: results.len(),
                    message,
                    condition: condition.clone(),
                    session: Arc::clone(&session),
                });
                results.push(WriteResult {
                    session_id: session.id.to_string(),
                    session_name: Some(session.name.clone()),
                    ..WriteResult::default()
                });
                if deliveries.len() > MOST_DELIVERIES {
                    return Err(HostError::InvalidParameters(format!(
                        "the messages go to more than {MOST_DELIVERIES} sessions in all: send fewer at once"
                    )));
                }
            }
        }
        Ok((deliveries, results))
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
                outcome => line.ends(outcome),
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
                && delivery.condition.is_none()
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
    ) -> Result<WriteResult, HostError> {
        let Delivery {
            session, message, ..
        } = delivery;
        let about = WriteResult {
            session_id: session.id.to_string(),
            session_name: Some(session.name.clone()),
            ..WriteResult::default()
        };
        let skipped = |reason, hint: String| WriteResult {
            skipped: true,
            skipped_reason: Some(reason),
            hint: Some(hint),
            ..about.clone()
        };
        if let Err(locked) = self.agents.may_type(&session.id, caller) {
            return Ok(skipped("locked", locked.to_string()));
        }
        if let Some(condition) = &delivery.condition
            && !condition.is_match(&session.terminal.screen().await.text())
        {
            let hint = format!("the screen does not match {:?}", condition.as_str());
            return Ok(skipped("condition_not_met", hint));
        }
        let told = self.tell_session(
            session,
            &message.content,
            message.execute,
            message.use_encoding,
            skip_duplicates,
            caller,
        );
        match told.await {
            Ok(Told::Typed) => Ok(WriteResult {
                success: true,
                ..about
            }),
            Ok(Told::Prompted(receipt)) => {
                let error = not_submitted(&receipt);
                Ok(WriteResult {
                    success: error.is_none(),
                    error,
                    receipt: Some(receipt),
                    ..about
                })
            }
            Ok(Told::Duplicate) => Ok(skipped(
                "duplicate",
                "this agent was told the same before; send it again with skip_duplicates: false"
                    .to_owned(),
            )),
            Err(locked @ (HostError::Locked { .. } | HostError::LockLost { .. })) => {
                Ok(skipped("locked", locked.to_string()))
            }
            Err(error) => Err(error),
        }
    }
}

/// Why a message that waits for a person was not typed, with the code that tells it
/// from one that was refused.
fn waits(pending: &PendingConfirmation) -> String {
    format!("CONFIRMATION_REQUIRED: {pending}")
}

/// A caller's regular expression.
pub(crate) fn pattern(what: &str, text: &str) -> Result<Regex, HostError> {
    (RegexBuilder::new(text)
        .size_limit(PATTERN_SIZE_LIMIT)
        .multi_line(true)
        .build())
    .map_err(|error| {
        HostError::InvalidParameters(format!(
            "{what} {text:?} is not a regular expression: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_is_a_truth_or_a_word() {
        let read = |value| serde_json::from_value::<Encoding>(value).ok();
        for (value, expected) in [
            (serde_json::json!(true), Some(Encoding::Always)),
            (serde_json::json!(false), Some(Encoding::Never)),
            (serde_json::json!("auto"), Some(Encoding::Auto)),
            (serde_json::json!("base64"), Some(Encoding::Always)),
            (serde_json::json!("rot13"), None),
        ] {
            assert_eq!(read(value.clone()), expected, "{value}");
        }
        for encoding in [Encoding::Never, Encoding::Auto, Encoding::Always] {
            let written = serde_json::to_value(encoding).expect("a value");
            assert_eq!(read(written), Some(encoding));
        }
    }

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
