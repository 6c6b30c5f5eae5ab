//! `terminal_list_sessions_tool`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{OneObject, answer};

pub(super) struct ListSessions;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {}

impl ForeignTool for ListSessions {
    const NAME: &'static str = "terminal_list_sessions_tool";
    const DESCRIPTION: &'static str = "List all active terminal sessions.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, _: Caller, _: Arguments) -> Outcome {
        let described = host.describe_sessions().await;
        let active = described.iter().filter(|session| !session.ended).count();
        let sessions: Vec<Value> = (described.into_iter())
            .map(|session| {
                json!({
                    "session_id": session.id,
                    "shell": session.opened_with,
                    "status": if session.ended { "dead" } else { "active" },
                })
            })
            .collect();
        answer(json!({ "success": true, "count": active, "sessions": sessions }))
    }
}
