//! `command_execute`.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::operations::RunCommand;
use quarterdeck_core::{Caller, Host, HostError, whole_ms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::notices::Notices;
use super::super::tool::{Effect, NativeTool};

/// As much output is returned.
const MAX_BYTES: usize = 16_384;

pub(super) struct CommandExecute;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    command: String,
    /// Default: a session of your own
    session_id: Option<String>,
    /// ms to wait for its end
    #[serde(default = "default_timeout")]
    timeout: u64,
}

fn default_timeout() -> u64 {
    30_000
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// It ended with exit status 0
    success: bool,
    session_id: String,
    output: String,
    /// null while unknown
    exit_status: Option<i32>,
    duration_ms: u64,
    /// It still runs
    timed_out: bool,
    /// There is more output: read it with session_output from cursor on
    truncated: bool,
    cursor: u64,
}

impl NativeTool for CommandExecute {
    const NAME: &'static str = "command_execute";
    const TITLE: &'static str = "Execute a command";
    const DESCRIPTION: &'static str = "session_run by another name.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let request = RunCommand {
            command: arguments.command,
            session_id: arguments.session_id,
            timeout: Duration::from_millis(arguments.timeout),
            max_bytes: MAX_BYTES,
        };
        let outcome = host.run_command(request, &caller).await?;
        Ok(Output {
            success: outcome.exit_status == Some(0),
            session_id: outcome.session_id.to_string(),
            output: outcome.output,
            exit_status: outcome.exit_status,
            duration_ms: whole_ms(outcome.duration),
            timed_out: outcome.timed_out,
            truncated: outcome.truncated,
            cursor: outcome.cursor.offset(),
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
        let session = host
            .session_of(arguments.session_id.as_deref(), &caller)
            .await?;
        arguments.session_id = Some(session.to_string());
        let running = Self::call(Arc::clone(&host), caller, arguments);
        notices.during(&host, &session, running).await
    }

    fn text(output: &Output) -> String {
        let how = match output.exit_status {
            Some(status) => format!("exit status {status}"),
            None if output.timed_out => "still running".to_owned(),
            None => "exit status unknown".to_owned(),
        };
        let more = match output.truncated {
            true => format!(
                "\n[more output: session_output {{\"sessionId\": {:?}, \"cursor\": {}}}]",
                output.session_id, output.cursor
            ),
            false => String::new(),
        };
        format!("{}[{how}, {} ms]{more}", output.output, output.duration_ms)
    }
}
