//! `terminal_close_session_tool`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{OneObject, answer, required};

pub(super) struct CloseSession;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Session ID to close
    #[schemars(required)]
    session_id: Option<String>,
}

impl ForeignTool for CloseSession {
    const NAME: &'static str = "terminal_close_session_tool";
    const DESCRIPTION: &'static str = "Close a terminal session.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = Arguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let id = required(arguments.session_id, "session_id")?;
        host.close_session(&id, &caller).await?;
        answer(json!({ "success": true, "message": format!("Session {id} closed") }))
    }
}
