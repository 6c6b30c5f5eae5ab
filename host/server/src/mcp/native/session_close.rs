//! `session_close`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct SessionClose;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    success: bool,
    session_id: String,
    closed_at: String,
}

impl NativeTool for SessionClose {
    const NAME: &'static str = "session_close";
    const TITLE: &'static str = "Close a session";
    const DESCRIPTION: &'static str = "Ends a session and everything that runs in it.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let closed_at = host.close_session(&arguments.session_id, &caller).await?;
        Ok(Output {
            success: true,
            session_id: arguments.session_id,
            closed_at: rfc3339(closed_at),
        })
    }

    fn text(output: &Output) -> String {
        format!("closed session {}", output.session_id)
    }
}
