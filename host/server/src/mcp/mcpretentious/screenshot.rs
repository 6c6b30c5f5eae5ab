//! `mcpretentious-screenshot`.

use std::sync::Arc;

use quarterdeck_core::screenshot::ScreenshotRequest;
use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::layered_screenshot::{LayerName, LayeredScreenshot, Region, layers, part};
use super::super::tool::{Effect, ForeignTool, Outcome};
use super::list::json;
use super::terminal_id::TerminalId;
use super::{PlainText, said};

pub(super) struct TakeScreenshot;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Arguments {
    /// The terminal ID
    #[serde(alias = "terminal_id")]
    terminal_id: TerminalId,
    /// Layers to include (default: text and cursor)
    layers: Option<Vec<LayerName>>,
    /// A rectangle of the screen, in cells from 0
    region: Option<Region>,
    /// Show so many lines above and below the cursor
    around_cursor: Option<u16>,
    /// Skip empty lines
    #[serde(default)]
    compact: bool,
}

impl Arguments {
    fn request(&self) -> ScreenshotRequest {
        ScreenshotRequest {
            layers: layers(self.layers.as_deref()),
            part: part(self.region, self.around_cursor),
            compact: self.compact,
        }
    }
}

impl ForeignTool for TakeScreenshot {
    const NAME: &'static str = "mcpretentious-screenshot";
    const DESCRIPTION: &'static str = "Takes a layered screenshot of a terminal: text, cursor, colors and styles, of the whole screen, a region or the lines around the cursor. Layers: text, cursor, fgColors, bgColors, styles, bold, italic, underline.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let session = arguments.terminal_id.session(&host, &caller).await?;
        let shot = host
            .screenshot(session.id.as_str(), &arguments.request(), false, &caller)
            .await
            .map_err(|error| arguments.terminal_id.name_in(error))?;
        said(json(&LayeredScreenshot::from(shot))?)
    }
}
