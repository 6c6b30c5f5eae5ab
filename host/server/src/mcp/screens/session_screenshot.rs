//! `session_screenshot`.

use std::sync::Arc;

use quarterdeck_core::screenshot::ScreenshotRequest;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::layered_screenshot::{LayerName, LayeredScreenshot, Region, layers, part};
use super::super::tool::{Effect, NativeTool};

pub(super) struct SessionScreenshot;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// Default: text and cursor
    layers: Option<Vec<LayerName>>,
    /// A rectangle in cells from 0
    region: Option<Region>,
    /// So many lines above and below the cursor
    around_cursor: Option<u16>,
    /// Leave out rows without text
    #[serde(default)]
    compact: bool,
    /// Only rows that changed since your last screenshot of this session
    #[serde(default)]
    diff: bool,
    /// Also draw the whole screen as SVG
    #[serde(default)]
    svg: bool,
    /// Also show the whole screen as an image (PNG)
    #[serde(default)]
    png: bool,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    #[serde(flatten)]
    screenshot: LayeredScreenshot,
    /// Which rows of the screen the layers hold, from 0
    rows: Vec<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    svg: Option<String>,
    /// Goes beside, as image content.
    #[serde(skip)]
    png: Option<Vec<u8>>,
}

impl NativeTool for SessionScreenshot {
    const NAME: &'static str = "session_screenshot";
    const TITLE: &'static str = "Take a screenshot";
    const DESCRIPTION: &'static str = "Shows a session's screen in layers (text, cursor, fgColors, bgColors, styles, bold, italic, underline): all of it, a region, the lines around the cursor, or only the rows that changed since your last screenshot.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let id = &arguments.session_id;
        let request = ScreenshotRequest {
            layers: layers(arguments.layers.as_deref()),
            part: part(arguments.region, arguments.around_cursor),
            compact: arguments.compact,
        };
        let shot = host
            .screenshot(id, &request, arguments.diff, &caller)
            .await?;
        let svg = match arguments.svg {
            true => Some(host.draw_screen(id).await?),
            false => None,
        };
        let png = match arguments.png {
            true => Some(host.picture_screen(id).await?),
            false => None,
        };
        Ok(Output {
            rows: shot.rows.clone(),
            screenshot: shot.into(),
            svg,
            png,
        })
    }

    fn text(output: &Output) -> String {
        if let Some(svg) = &output.svg {
            return svg.clone();
        }
        serde_json::to_string(output).unwrap_or_default()
    }

    fn png(output: &Output) -> Option<&[u8]> {
        output.png.as_deref()
    }
}
