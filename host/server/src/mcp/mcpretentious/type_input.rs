//! `mcpretentious-type`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::input::Sequence;
use super::terminal_id::TerminalId;
use super::{PlainText, said};

pub(super) struct Type;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Arguments {
    /// The terminal ID to type into
    #[serde(alias = "terminal_id")]
    terminal_id: TerminalId,
    /// Array of text, ASCII codes (0-255) and special keys such as {key: "enter"}
    input: Sequence,
}

impl ForeignTool for Type {
    const NAME: &'static str = "mcpretentious-type";
    const DESCRIPTION: &'static str = "Types text and special keys into a terminal. Keys: enter, tab, escape, backspace, delete, arrows, home, end, pageup, pagedown, ctrl-a to ctrl-z, f1 to f12, alt- with any of these, a letter or a digit. Command lines are judged by safety policies before they run.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let id = arguments.terminal_id;
        let input = arguments.input.into_input()?;
        let session = id.session_to_type_into(&host, &caller).await?;
        host.type_input(session.as_str(), &input, &caller)
            .await
            .map_err(|error| id.name_in(error))?;
        said(format!(
            "Sent sequence of {} items to {}",
            input.len(),
            id.as_str()
        ))
    }
}
