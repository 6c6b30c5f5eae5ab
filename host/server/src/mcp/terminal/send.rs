//! `terminal_send_tool`.

use std::sync::Arc;

use quarterdeck_core::gate::Input;
use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{OneObject, answer, required};

pub(super) struct Send;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Session ID
    #[schemars(required)]
    session_id: Option<String>,
    /// Text to send
    #[schemars(required)]
    text: Option<String>,
    /// Add newline (default: True)
    #[serde(default = "default_newline")]
    newline: bool,
}

fn default_newline() -> bool {
    true
}

impl ForeignTool for Send {
    const NAME: &'static str = "terminal_send_tool";
    const DESCRIPTION: &'static str = "Send input to session without waiting for output. Command lines are judged by safety policies before they run.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let id = required(arguments.session_id, "session_id")?;
        let text = required(arguments.text, "text")?;
        let mut input = vec![Input::Text(text.clone())];
        if arguments.newline {
            input.push(Input::Text("\n".to_owned()));
        }
        host.type_input(&id, &input, &caller).await?;
        answer(json!({ "success": true, "sent": text }))
    }
}
