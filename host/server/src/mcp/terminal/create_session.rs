//! `terminal_create_session_tool`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host, operations};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{OneObject, answer};

/// The shell of a session that is not given one.
const DEFAULT_SHELL: &str = "/bin/bash";

pub(super) struct CreateSession;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Shell to use (default: /bin/bash)
    shell: Option<String>,
}

impl ForeignTool for CreateSession {
    const NAME: &'static str = "terminal_create_session_tool";
    const DESCRIPTION: &'static str = "Create a new persistent terminal session.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let shell = arguments.shell.unwrap_or_else(|| DEFAULT_SHELL.to_owned());
        let request = operations::CreateSession {
            shell: Some(shell.clone()),
            ..operations::CreateSession::default()
        };
        let created = host.create_session(request, &caller).await?;
        answer(json!({
            "success": true,
            "session_id": created.id,
            "shell": shell,
            "status": "active",
        }))
    }
}
