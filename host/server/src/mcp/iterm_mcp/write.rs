//! `write_to_sessions`, `write_to_terminal`.

use std::sync::Arc;

use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::orchestration::{
    self, Encoding, WriteMessages, WriteOutcome, WriteResult, WriteSkipped,
};
use quarterdeck_core::prompts::PromptReceipt;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::persons::{Person, nobody};
use super::super::tool::{Effect, ForeignTool, Outcome};
use super::encoding::UseEncoding;
use super::pattern::pattern;
use super::target::TargetFields;
use super::{JsonText, answer, not_submitted, speaking_as, yes};

pub(super) struct WriteToSessions;

/// One text for some sessions.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct MessageFields {
    /// What is typed
    content: String,
    /// Where; the active session if none is given
    #[serde(default)]
    targets: Vec<TargetFields>,
    /// A regular expression that the screen has to match, or the message is skipped
    #[serde(default)]
    condition: Option<String>,
    /// Whether Enter follows
    #[serde(default = "yes")]
    execute: bool,
    /// true, or "auto" for awkward text: a command travels as base64 that the shell decodes
    #[serde(default)]
    use_encoding: UseEncoding,
}

impl TryFrom<MessageFields> for orchestration::Message {
    type Error = HostError;

    fn try_from(message: MessageFields) -> Result<Self, HostError> {
        Ok(Self {
            content: message.content,
            targets: message.targets.into_iter().map(Target::from).collect(),
            condition: pattern("condition", message.condition)?,
            execute: message.execute,
            encoding: message.use_encoding.into(),
        })
    }
}

/// Texts for many sessions.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct MessagesFields {
    /// What is typed where
    messages: Vec<MessageFields>,
    /// Whether sessions are written to at the same time
    #[serde(default = "yes")]
    parallel: bool,
    /// Whether an agent is spared what it was told before
    #[serde(default = "yes")]
    skip_duplicates: bool,
}

impl TryFrom<MessagesFields> for WriteMessages {
    type Error = HostError;

    fn try_from(fields: MessagesFields) -> Result<Self, HostError> {
        let messages = fields.messages.into_iter().map(TryInto::try_into);
        Ok(Self {
            messages: messages.collect::<Result<_, HostError>>()?,
            parallel: fields.parallel,
            skip_duplicates: fields.skip_duplicates,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    #[serde(flatten)]
    messages: MessagesFields,
    /// The agent on whose behalf you write: its locks let it through
    #[serde(default)]
    requesting_agent: Option<String>,
    /// The number that lock_session gave that agent: an old one is refused
    #[serde(default)]
    fencing_token: Option<u64>,
}

/// What came of one message in one session, as clients are told of it.
#[derive(Default, Serialize)]
pub(crate) struct Written {
    /// Empty where no session was meant.
    pub(crate) session_id: String,
    pub(crate) session_name: Option<String>,
    pub(crate) success: bool,
    pub(crate) error: Option<String>,
    pub(crate) skipped: bool,
    /// `locked`, `condition_not_met`, `duplicate` or `no_match`.
    pub(crate) skipped_reason: Option<&'static str>,
    /// What to do to have it typed all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<PromptReceipt>,
}

impl From<WriteResult> for Written {
    fn from(result: WriteResult) -> Self {
        let (id, name, outcome) = match result {
            WriteResult::Session { id, name, outcome } => (id, name, outcome),
            WriteResult::NoneMeant(target) => {
                return Self {
                    skipped: true,
                    skipped_reason: Some("no_match"),
                    hint: Some(format!("no session is meant by {target}")),
                    ..Self::default()
                };
            }
        };
        let written = Self {
            session_id: id.to_string(),
            session_name: Some(name),
            ..Self::default()
        };
        match outcome {
            WriteOutcome::Typed => Self {
                success: true,
                ..written
            },
            WriteOutcome::Prompted(receipt) => {
                let error = not_submitted(&receipt);
                Self {
                    success: error.is_none(),
                    error,
                    receipt: Some(receipt),
                    ..written
                }
            }
            WriteOutcome::Skipped(why) => {
                let (reason, hint) = why_skipped(&why);
                Self {
                    skipped: true,
                    skipped_reason: Some(reason),
                    hint: Some(hint),
                    ..written
                }
            }
            WriteOutcome::Failed(error) => Self {
                error: Some(match &error {
                    // With the code that tells it from one that was refused.
                    HostError::ConfirmationRequired(pending) => {
                        format!("CONFIRMATION_REQUIRED: {pending}")
                    }
                    error => error.to_string(),
                }),
                ..written
            },
        }
    }
}

fn why_skipped(why: &WriteSkipped) -> (&'static str, String) {
    match why {
        WriteSkipped::Locked(locked) => ("locked", locked.to_string()),
        WriteSkipped::ConditionNotMet(condition) => (
            "condition_not_met",
            format!("the screen does not match {:?}", condition.to_string()),
        ),
        WriteSkipped::Duplicate => (
            "duplicate",
            "this agent was told the same before; send it again with skip_duplicates: false"
                .to_owned(),
        ),
    }
}

/// What came of all of them.
#[derive(Serialize)]
pub(crate) struct WrittenAll {
    pub(crate) results: Vec<Written>,
    pub(crate) sent_count: usize,
    pub(crate) skipped_count: usize,
    pub(crate) error_count: usize,
}

impl From<Vec<WriteResult>> for WrittenAll {
    fn from(results: Vec<WriteResult>) -> Self {
        let results: Vec<Written> = results.into_iter().map(Written::from).collect();
        let count = |fits: fn(&Written) -> bool| results.iter().filter(|it| fits(it)).count();
        Self {
            sent_count: count(|it| it.success),
            skipped_count: count(|it| it.skipped),
            error_count: count(|it| !it.success && !it.skipped),
            results,
        }
    }
}

impl ForeignTool for WriteToSessions {
    const NAME: &'static str = "write_to_sessions";
    const DESCRIPTION: &'static str = "Type messages into one or more sessions, by session, agent or team. Skipped ones say why: locked, condition_not_met, duplicate, no_match. A coding agent is prompted when it is ready, once, with a receipt. Commands are judged by safety policies before they run.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        Self::call_asking(host, caller, arguments, nobody()).await
    }

    async fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
        person: Person,
    ) -> Outcome {
        let agent = arguments.requesting_agent.as_deref();
        let caller = Caller {
            fencing_token: arguments.fencing_token,
            ..speaking_as(&host, caller, agent, Self::NAME)?
        };
        let messages = arguments.messages.try_into()?;
        let written = host.write_to_sessions(&messages, &person, &caller);
        answer(&WrittenAll::from(written.await?))
    }
}

pub(super) struct WriteToTerminal;

#[derive(Deserialize, JsonSchema)]
pub(super) struct OneMessage {
    /// The session's id
    session_id: String,
    /// What is typed
    content: String,
    /// Whether Enter follows
    #[serde(default = "yes")]
    execute: bool,
}

impl ForeignTool for WriteToTerminal {
    const NAME: &'static str = "write_to_terminal";
    const DESCRIPTION: &'static str = "Type one text into one session, as write_to_sessions does.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = OneMessage;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: OneMessage) -> Outcome {
        Self::call_asking(host, caller, arguments, nobody()).await
    }

    async fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        arguments: OneMessage,
        person: Person,
    ) -> Outcome {
        let request = WriteMessages {
            messages: vec![orchestration::Message {
                content: arguments.content,
                targets: vec![Target::Session(arguments.session_id.clone())],
                condition: None,
                execute: arguments.execute,
                encoding: Encoding::Never,
            }],
            parallel: false,
            skip_duplicates: false,
        };
        let results = host.write_to_sessions(&request, &person, &caller).await?;
        match results.into_iter().next() {
            Some(result @ WriteResult::Session { .. }) => answer(&Written::from(result)),
            _ => Err(HostError::SessionNotFound(arguments.session_id)),
        }
    }
}
