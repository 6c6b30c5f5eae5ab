//! `session_output`.

use std::sync::Arc;

use quarterdeck_core::operations::View;
use quarterdeck_core::{Caller, Cursor, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

/// As much is returned at once.
const MAX_BYTES: usize = 16_384;

/// Lines where nobody says how many.
const LINES: usize = 100;

pub(super) struct SessionOutput;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// Last lines (100)
    lines: Option<usize>,
    /// Instead: what is new since then
    cursor: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    session_id: String,
    output: String,
    cursor: u64,
    /// There is more from cursor on
    more: bool,
}

impl NativeTool for SessionOutput {
    const NAME: &'static str = "session_output";
    const TITLE: &'static str = "Read output";
    const DESCRIPTION: &'static str = "The last lines that a session has printed.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let view = View::New {
            cursor: arguments.cursor.map(Cursor::from_offset),
            lines: arguments.lines.or(Some(LINES)),
            max_bytes: MAX_BYTES,
        };
        let reading = host.read_session(&arguments.session_id, view).await?;
        Ok(Output {
            session_id: arguments.session_id,
            output: reading.text,
            cursor: reading.cursor.offset(),
            more: reading.more,
        })
    }

    fn text(output: &Output) -> String {
        output.output.clone()
    }
}
