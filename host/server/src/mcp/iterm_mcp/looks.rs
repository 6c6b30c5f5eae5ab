//! How sessions look, as clients give it and are told of it.

use quarterdeck_core::agents::desk::{Look, Rgba};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A colour as clients give it.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub(super) struct Colour {
    /// 0 to 255
    red: u8,
    /// 0 to 255
    green: u8,
    /// 0 to 255
    blue: u8,
    /// 0 to 255
    #[serde(default = "opaque")]
    alpha: u8,
}

fn opaque() -> u8 {
    255
}

impl From<Colour> for Rgba {
    fn from(colour: Colour) -> Self {
        let Colour {
            red,
            green,
            blue,
            alpha,
        } = colour;
        Self {
            red,
            green,
            blue,
            alpha,
        }
    }
}

impl From<Rgba> for Colour {
    fn from(colour: Rgba) -> Self {
        let Rgba {
            red,
            green,
            blue,
            alpha,
        } = colour;
        Self {
            red,
            green,
            blue,
            alpha,
        }
    }
}

/// How a session looks where it is shown.
#[derive(Serialize)]
pub(super) struct Appearance {
    background_color: Option<Colour>,
    tab_color: Option<Colour>,
    tab_color_enabled: Option<bool>,
    cursor_color: Option<Colour>,
    badge: Option<String>,
}

impl Appearance {
    /// What is told of a look; nothing of the usual one.
    pub(super) fn of(look: Look) -> Option<Self> {
        (look != Look::default()).then(|| Self {
            background_color: look.background_color.map(Colour::from),
            tab_color: look.tab_color.map(Colour::from),
            tab_color_enabled: look.tab_color_enabled,
            cursor_color: look.cursor_color.map(Colour::from),
            badge: look.badge,
        })
    }
}
