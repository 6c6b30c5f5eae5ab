//! `session_reset`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct SessionReset;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// The shell waits for a command again
    success: bool,
    session_id: String,
}

impl NativeTool for SessionReset {
    const NAME: &'static str = "session_reset";
    const TITLE: &'static str = "Reset a session";
    const DESCRIPTION: &'static str =
        "Ends what runs in a session and puts its terminal in order; folder and variables stay.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let outcome = host.reset_session(&arguments.session_id, &caller).await?;
        Ok(Output {
            success: !outcome.timed_out,
            session_id: arguments.session_id,
        })
    }

    fn text(output: &Output) -> String {
        match output.success {
            true => format!("session {} is at its prompt", output.session_id),
            false => format!("session {} does not answer", output.session_id),
        }
    }
}
