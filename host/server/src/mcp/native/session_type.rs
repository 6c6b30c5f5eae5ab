//! `session_type`.

use std::sync::Arc;

use quarterdeck_core::gate::Input;
use quarterdeck_core::keys::Key;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::shapes::VerdictShape;

pub(super) struct SessionType;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// Text (line breaks are Enters), {key: "ctrl-c"}, {paste: "…"}, or an array of these
    input: OneOrMany,
    /// Press Enter afterwards
    #[serde(default)]
    enter: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "text, {\"key\": …}, {\"paste\": …}, or an array of these is expected"
)]
enum OneOrMany {
    One(Part),
    Many(Vec<Part>),
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Part {
    Text(String),
    Key { key: String },
    Paste { paste: String },
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// Bytes typed
    typed: usize,
    /// On the lines that were submitted; null if none was
    verdict: Option<VerdictShape>,
    /// Read from here to see what came of it
    cursor: u64,
}

impl NativeTool for SessionType {
    const NAME: &'static str = "session_type";
    const TITLE: &'static str = "Type into a session";
    const DESCRIPTION: &'static str = "Types text and keys (enter, up, ctrl-left, f1, alt-x …). Lines are judged before they are submitted. For whole commands prefer session_run.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let parts = match arguments.input {
            OneOrMany::One(part) => vec![part],
            OneOrMany::Many(parts) => parts,
        };
        let mut input = parts
            .into_iter()
            .map(Part::into_input)
            .collect::<Result<Vec<_>, _>>()?;
        if arguments.enter {
            input.push(Input::Key(key("enter")?));
        }
        let typed = host
            .type_input(&arguments.session_id, &input, &caller)
            .await?;
        Ok(Output {
            typed: typed.bytes,
            verdict: typed.verdict.map(Into::into),
            cursor: typed.cursor.offset(),
        })
    }

    fn text(output: &Output) -> String {
        let mut text = format!(
            "typed {} bytes; read on from cursor {}",
            output.typed, output.cursor
        );
        if let Some(remark) = output.verdict.as_ref().and_then(VerdictShape::remark) {
            text.push('\n');
            text.push_str(&remark);
        }
        text
    }
}

impl Part {
    fn into_input(self) -> Result<Input, HostError> {
        Ok(match self {
            Self::Text(text) => Input::Text(text),
            Self::Paste { paste } => Input::Paste(paste),
            Self::Key { key: name } => Input::Key(key(&name)?),
        })
    }
}

fn key(name: &str) -> Result<Key, HostError> {
    Key::parse(name).map_err(|error| HostError::InvalidParameters(error.to_string()))
}
