//! `mcpretentious-resize`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::open::check_size;
use super::terminal_id::TerminalId;
use super::{PlainText, said};

pub(super) struct Resize;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Arguments {
    /// The terminal ID to resize
    #[serde(alias = "terminal_id")]
    terminal_id: TerminalId,
    /// Width in columns (20-500)
    #[schemars(range(min = 20, max = 500))]
    columns: u16,
    /// Height in rows (5-200)
    #[schemars(range(min = 5, max = 200))]
    rows: u16,
}

impl ForeignTool for Resize {
    const NAME: &'static str = "mcpretentious-resize";
    const DESCRIPTION: &'static str = "Resizes a terminal to the given dimensions.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let Arguments {
            terminal_id: id,
            columns,
            rows,
        } = arguments;
        check_size(columns, rows)?;
        let session = id.session(&host, &caller).await?;
        let size = host
            .resize_session(session.id.as_str(), columns, rows)
            .await
            .map_err(|error| id.name_in(error))?;
        said(format!(
            "Terminal {} resized to {}×{}",
            id.as_str(),
            size.columns(),
            size.rows()
        ))
    }
}
