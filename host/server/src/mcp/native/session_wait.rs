//! `session_wait`.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::operations::Condition;
use quarterdeck_core::{Caller, Cursor, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::notices::Notices;
use super::super::tool::{Effect, NativeTool};

pub(super) struct SessionWait;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// One of: {pattern: "regex"}, {prompt: true}, {quietMs: 500}, {exit: true}
    until: Until,
    #[serde(default = "default_timeout_ms")]
    timeout_ms: u64,
    /// Look for the pattern from here on, not from the last input
    cursor: Option<u64>,
}

fn default_timeout_ms() -> u64 {
    30_000
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Until {
    pattern: Option<String>,
    prompt: Option<bool>,
    quiet_ms: Option<u64>,
    exit: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// Whether it happened in time
    met: bool,
    /// What the pattern matched
    matched: Option<String>,
    /// What was printed meanwhile
    text: String,
    cursor: u64,
    exit_status: Option<i32>,
}

impl Until {
    fn condition(self) -> Result<Condition, HostError> {
        let wrong = || {
            HostError::InvalidParameters(
                "until takes exactly one of {\"pattern\": \"…\"}, {\"prompt\": true}, {\"quietMs\": 500} and {\"exit\": true}".to_owned(),
            )
        };
        let mut conditions = [
            self.pattern.map(Condition::Pattern),
            (self.prompt == Some(true)).then_some(Condition::Prompt),
            self.quiet_ms
                .map(|quiet| Condition::Quiet(Duration::from_millis(quiet))),
            (self.exit == Some(true)).then_some(Condition::Exit),
        ]
        .into_iter()
        .flatten();
        match (conditions.next(), conditions.next()) {
            (Some(condition), None) => Ok(condition),
            _ => Err(wrong()),
        }
    }
}

impl NativeTool for SessionWait {
    const NAME: &'static str = "session_wait";
    const TITLE: &'static str = "Wait for something";
    const DESCRIPTION: &'static str = "Waits until output matches a pattern, the prompt is back, output has been quiet, or the shell has ended.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let condition = arguments.until.condition()?;
        let outcome = host
            .wait_for(
                &arguments.session_id,
                condition,
                arguments.cursor.map(Cursor::from_offset),
                Duration::from_millis(arguments.timeout_ms),
            )
            .await?;
        Ok(Output {
            met: outcome.met,
            matched: outcome.matched,
            text: outcome.text,
            cursor: outcome.cursor.offset(),
            exit_status: outcome.exit_status,
        })
    }

    async fn call_noticed(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
        notices: Option<Notices>,
    ) -> Result<Output, HostError> {
        let Some(notices) = notices else {
            return Self::call(host, caller, arguments).await;
        };
        let session = host
            .session_of(Some(&arguments.session_id), &caller)
            .await?;
        let waiting = Self::call(Arc::clone(&host), caller, arguments);
        notices.during(&host, &session, waiting).await
    }

    fn text(output: &Output) -> String {
        let mut text = output.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(if output.met {
            "[it happened]"
        } else {
            "[timed out: it has not happened yet]"
        });
        text
    }
}
