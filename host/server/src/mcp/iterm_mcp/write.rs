//! `write_to_sessions`, `write_to_terminal`.

use std::sync::Arc;

use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::orchestration::{Encoding, Message, WriteMessages};
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::persons::{Person, nobody};
use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer, speaking_as};

pub(super) struct WriteToSessions;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    #[serde(flatten)]
    messages: WriteMessages,
    /// The agent on whose behalf you write: its locks let it through
    #[serde(default)]
    requesting_agent: Option<String>,
    /// The number that lock_session gave that agent: an old one is refused
    #[serde(default)]
    fencing_token: Option<u64>,
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
        let written = host.write_to_sessions(&arguments.messages, &person, &caller);
        answer(&written.await?)
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

fn yes() -> bool {
    true
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
            messages: vec![Message {
                content: arguments.content,
                targets: vec![Target {
                    session_id: Some(arguments.session_id.clone()),
                    ..Target::default()
                }],
                condition: None,
                execute: arguments.execute,
                use_encoding: Encoding::Never,
            }],
            parallel: false,
            skip_duplicates: false,
        };
        let report = host.write_to_sessions(&request, &person, &caller).await?;
        match report.results.into_iter().next() {
            Some(result) if result.skipped_reason != Some("no_match") => answer(&json!(result)),
            _ => Err(HostError::SessionNotFound(arguments.session_id)),
        }
    }
}
