//! `session_run`.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::operations::RunCommand;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::native_words;
use super::super::notices::Notices;
use super::super::tool::{Effect, NativeTool};
use super::shapes::VerdictShape;

pub(super) struct SessionRun;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Shell command line; may span lines
    command: String,
    /// Default: a session of your own
    session_id: Option<String>,
    /// How long to wait for its end
    #[serde(default = "default_timeout_ms")]
    timeout_ms: u64,
    /// How much output to return
    #[serde(default = "default_max_bytes")]
    max_bytes: usize,
}

fn default_timeout_ms() -> u64 {
    30_000
}

fn default_max_bytes() -> usize {
    16_384
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    output: String,
    /// null while unknown
    exit_status: Option<i32>,
    duration_ms: f64,
    /// The command still runs
    timed_out: bool,
    /// There is more output from cursor on
    truncated: bool,
    cursor: u64,
    session_id: String,
    verdict: VerdictShape,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl NativeTool for SessionRun {
    const NAME: &'static str = "session_run";
    const TITLE: &'static str = "Run a command";
    const DESCRIPTION: &'static str = "Runs a shell command and returns its output and exit status. On timeout the command keeps running. Read truncated output on with session_read and cursor.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let outcome = host
            .run_command(
                RunCommand {
                    command: arguments.command,
                    session_id: arguments.session_id,
                    timeout: Duration::from_millis(arguments.timeout_ms),
                    max_bytes: arguments.max_bytes,
                },
                &caller,
            )
            .await?;
        Ok(Output {
            output: outcome.output,
            exit_status: outcome.exit_status,
            duration_ms: (outcome.duration.as_secs_f64() * 1e6).round() / 1e3,
            timed_out: outcome.timed_out,
            truncated: outcome.truncated,
            cursor: outcome.cursor.offset(),
            session_id: outcome.session_id.to_string(),
            verdict: outcome.verdict.into(),
            note: outcome.remark.map(native_words::remark),
        })
    }

    async fn call_noticed(
        host: Arc<Host>,
        caller: Caller,
        mut arguments: Arguments,
        notices: Option<Notices>,
    ) -> Result<Output, HostError> {
        let Some(notices) = notices else {
            return Self::call(host, caller, arguments).await;
        };
        // Whose progress to tell has to be known before the command runs.
        let session = host
            .session_of(arguments.session_id.as_deref(), &caller)
            .await?;
        arguments.session_id = Some(session.to_string());
        let running = Self::call(Arc::clone(&host), caller, arguments);
        notices.during(&host, &session, running).await
    }

    fn text(output: &Output) -> String {
        let mut text = output.output.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&match output.exit_status {
            Some(status) => format!("[exit status {status}, {} ms]", output.duration_ms),
            None if output.timed_out => {
                format!("[still running after {} ms]", output.duration_ms)
            }
            None => "[exit status unknown]".to_owned(),
        });
        if output.truncated {
            text.push_str(&format!(
                "\n[more output: session_read {{\"sessionId\": {:?}, \"cursor\": {}}}]",
                output.session_id, output.cursor
            ));
        }
        for remark in [output.verdict.remark(), output.note.clone()]
            .into_iter()
            .flatten()
        {
            text.push('\n');
            text.push_str(&remark);
        }
        text
    }
}
