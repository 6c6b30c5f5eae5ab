//! `session_read`.

use std::sync::Arc;

use quarterdeck_core::operations::View;
use quarterdeck_core::{Caller, Cursor, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

/// Lines of scrollback where nobody says how many.
const DEFAULT_LINES: usize = 100;
const DEFAULT_MAX_BYTES: usize = 16_384;

pub(super) struct SessionRead;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// Only what is new since this cursor
    cursor: Option<u64>,
    /// new (default with cursor), screen (default without) or scrollback
    view: Option<ViewName>,
    /// Last lines of the screen, or how many of the scrollback
    lines: Option<usize>,
    /// First line of the scrollback, 0 the oldest
    start: Option<usize>,
    /// How much new output to return (16384)
    max_bytes: Option<usize>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ViewName {
    New,
    Screen,
    Scrollback,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    text: String,
    cursor: u64,
    /// Whether there is more to read now
    more: bool,
    position: Position,
    columns: u16,
    rows: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_lines: Option<usize>,
    /// Bytes of output lost before they could be read
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_bytes: Option<u64>,
}

/// Of the cursor on the screen, from 0
#[derive(Serialize, JsonSchema)]
struct Position {
    row: u16,
    column: u16,
}

impl NativeTool for SessionRead {
    const NAME: &'static str = "session_read";
    const TITLE: &'static str = "Read a session";
    const DESCRIPTION: &'static str = "Reads what is new since a cursor, the screen as a person sees it, or the scrollback with the screen at its end.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let default_view = if arguments.cursor.is_some() {
            ViewName::New
        } else {
            ViewName::Screen
        };
        let view = match arguments.view.unwrap_or(default_view) {
            ViewName::New => View::New {
                cursor: arguments.cursor.map(Cursor::from_offset),
                lines: arguments.lines,
                max_bytes: arguments.max_bytes.unwrap_or(DEFAULT_MAX_BYTES),
            },
            ViewName::Screen => View::Screen {
                lines: arguments.lines,
            },
            ViewName::Scrollback => View::Scrollback {
                start: arguments.start,
                lines: arguments.lines.unwrap_or(DEFAULT_LINES),
            },
        };
        let reading = host.read_session(&arguments.session_id, view).await?;
        Ok(Output {
            text: reading.text,
            cursor: reading.cursor.offset(),
            more: reading.more,
            position: Position {
                row: reading.position.row,
                column: reading.position.column,
            },
            columns: reading.size.columns(),
            rows: reading.size.rows(),
            total_lines: reading.total_lines,
            lost_bytes: (reading.lost_bytes > 0).then_some(reading.lost_bytes),
        })
    }

    fn text(output: &Output) -> String {
        let mut text = output.text.clone();
        if output.more {
            text.push_str(&format!("\n[more: read on from cursor {}]", output.cursor));
        }
        text
    }
}
