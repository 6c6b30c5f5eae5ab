//! `command_signal`.

use std::sync::Arc;

use quarterdeck_core::operations::SignalName;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct CommandSignal;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// SIGINT (default), SIGTERM, SIGKILL, SIGQUIT, SIGHUP, SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2
    #[serde(default = "interrupt")]
    signal: String,
}

fn interrupt() -> String {
    "SIGINT".to_owned()
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    success: bool,
    session_id: String,
    signal: String,
    /// Who got it
    program: String,
}

impl NativeTool for CommandSignal {
    const NAME: &'static str = "command_signal";
    const TITLE: &'static str = "Signal a command";
    const DESCRIPTION: &'static str = "Sends a signal to what runs in a session.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let signal: SignalName = arguments.signal.parse()?;
        let session_id = arguments.session_id;
        let program = host.signal_program(&session_id, signal, &caller).await?;
        Ok(Output {
            success: true,
            session_id,
            signal: signal.to_string(),
            program,
        })
    }

    fn text(output: &Output) -> String {
        format!("sent {} to {}", output.signal, output.program)
    }
}
