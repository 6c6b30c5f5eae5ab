//! A screenshot in layers, as JSON: the shape of the mcpretentious document.

use std::collections::BTreeMap;

use quarterdeck_core::screenshot::{Layer, Part, STYLE_LETTERS, Screenshot, UNLISTED_COLOR};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum LayerName {
    Text,
    Cursor,
    FgColors,
    BgColors,
    Styles,
    Bold,
    Italic,
    Underline,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
pub(super) struct Region {
    #[serde(default)]
    left: u16,
    #[serde(default)]
    top: u16,
    width: u16,
    height: u16,
}

impl From<Region> for Part {
    fn from(region: Region) -> Self {
        Self::Region {
            left: region.left,
            top: region.top,
            width: region.width,
            height: region.height,
        }
    }
}

/// The part that a caller means who may name a region, a number of lines around
/// the cursor, or neither. A region wins.
pub(super) fn part(region: Option<Region>, around_cursor: Option<u16>) -> Part {
    match (region, around_cursor) {
        (Some(region), _) => region.into(),
        (None, Some(lines)) => Part::AroundCursor(lines),
        (None, None) => Part::Full,
    }
}

/// The layers that a caller means who may name some.
pub(super) fn layers(names: Option<&[LayerName]>) -> Vec<Layer> {
    match names {
        Some(names) => names.iter().copied().map(Layer::from).collect(),
        None => vec![Layer::Text, Layer::Cursor],
    }
}

impl From<LayerName> for Layer {
    fn from(name: LayerName) -> Self {
        match name {
            LayerName::Text => Self::Text,
            LayerName::Cursor => Self::Cursor,
            LayerName::FgColors => Self::ForegroundColors,
            LayerName::BgColors => Self::BackgroundColors,
            LayerName::Styles => Self::Styles,
            LayerName::Bold => Self::Bold,
            LayerName::Italic => Self::Italic,
            LayerName::Underline => Self::Underline,
        }
    }
}

/// The object that clients parse.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LayeredScreenshot {
    terminal: Dimensions,
    viewport: ShownViewport,
    cursor: Cursor,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    styles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    style_legend: Option<BTreeMap<char, Option<&'static str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bold: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    italic: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    underline: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fg_colors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bg_colors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color_palette: Option<BTreeMap<char, Option<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Dimensions {
    width: u16,
    height: u16,
}

#[derive(Serialize, JsonSchema)]
struct ShownViewport {
    mode: &'static str,
    left: u16,
    top: u16,
    width: u16,
    height: u16,
}

/// On the screen, and counted from the viewport's corner; -1 outside of it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Cursor {
    left: u16,
    top: u16,
    rel_left: i32,
    rel_top: i32,
}

impl From<Screenshot> for LayeredScreenshot {
    fn from(shot: Screenshot) -> Self {
        let relative = shot
            .cursor_in_viewport()
            .map_or((-1, -1), |place| (place.column.into(), place.row.into()));
        let colored = shot.foreground_colors.is_some() || shot.background_colors.is_some();
        Self {
            terminal: Dimensions {
                width: shot.size.columns(),
                height: shot.size.rows(),
            },
            viewport: ShownViewport {
                mode: match shot.part {
                    Part::Full => "full",
                    Part::Region { .. } => "region",
                    Part::AroundCursor(_) => "aroundCursor",
                },
                left: shot.viewport.left,
                top: shot.viewport.top,
                width: shot.viewport.width,
                height: shot.viewport.height,
            },
            cursor: Cursor {
                left: shot.cursor.column,
                top: shot.cursor.row,
                rel_left: relative.0,
                rel_top: relative.1,
            },
            style_legend: shot.styles.is_some().then(|| {
                let letters = STYLE_LETTERS.map(|(letter, name)| (letter, Some(name)));
                letters.into_iter().chain([('.', None)]).collect()
            }),
            color_palette: colored.then(|| {
                let colors = shot.palette.iter();
                colors
                    .map(|(character, color)| (*character, Some(color.to_string())))
                    .chain([('0', None)])
                    .collect()
            }),
            note: (shot.unlisted_colors > 0).then(|| {
                format!(
                    "{} more colors than the palette has characters for are shown as {UNLISTED_COLOR:?}; take a smaller region to see them",
                    shot.unlisted_colors
                )
            }),
            text: shot.text,
            styles: shot.styles,
            bold: shot.bold,
            italic: shot.italic,
            underline: shot.underline,
            fg_colors: shot.foreground_colors,
            bg_colors: shot.background_colors,
        }
    }
}
