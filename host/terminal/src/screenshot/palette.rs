//! Colours as numbers, and the characters that stand for them.

use std::collections::HashMap;

use super::UNLISTED_COLOR;
use crate::screen::{Color, Style};

/// Red, green and blue, 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl std::fmt::Display for Rgb {
    /// `#rrggbb`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The 16 colours that have names, as clients of mcpretentious know them.
const NAMED: [Rgb; 16] = [
    Rgb(0x00, 0x00, 0x00),
    Rgb(0xc2, 0x36, 0x21),
    Rgb(0x25, 0xbc, 0x24),
    Rgb(0xad, 0xad, 0x27),
    Rgb(0x49, 0x2e, 0xe1),
    Rgb(0xd3, 0x38, 0xd3),
    Rgb(0x33, 0xbb, 0xc8),
    Rgb(0xcb, 0xcc, 0xcd),
    Rgb(0x81, 0x83, 0x83),
    Rgb(0xfc, 0x39, 0x1f),
    Rgb(0x31, 0xe7, 0x22),
    Rgb(0xea, 0xec, 0x23),
    Rgb(0x58, 0x33, 0xff),
    Rgb(0xf9, 0x35, 0xf8),
    Rgb(0x14, 0xf0, 0xf0),
    Rgb(0xe9, 0xeb, 0xeb),
];

/// The terminal's own colours, which show only where a cell is inverse.
pub(super) const OWN_FOREGROUND: Rgb = NAMED[7];
pub(super) const OWN_BACKGROUND: Rgb = NAMED[0];

impl From<Color> for Rgb {
    /// xterm's 256 colours: 16 with names, a cube of six levels, 24 greys.
    fn from(color: Color) -> Self {
        let level = |step: u8| [0, 95, 135, 175, 215, 255][usize::from(step % 6)];
        match color {
            Color::Rgb(red, green, blue) => Self(red, green, blue),
            Color::Palette(index @ 0..16) => NAMED[usize::from(index)],
            Color::Palette(index @ 16..232) => {
                let cube = index - 16;
                Self(level(cube / 36), level(cube / 6), level(cube))
            }
            Color::Palette(index) => {
                let grey = 8 + 10 * (index - 232);
                Self(grey, grey, grey)
            }
        }
    }
}

/// The colour that a cell's text is seen in; `None` for the terminal's own.
pub fn foreground_of(style: &Style) -> Option<Rgb> {
    match style.inverse {
        false => style.foreground.map(Rgb::from),
        true => Some(style.background.map_or(OWN_BACKGROUND, Rgb::from)),
    }
}

/// The colour that is seen behind it; `None` for the terminal's own.
pub fn background_of(style: &Style) -> Option<Rgb> {
    match style.inverse {
        false => style.background.map(Rgb::from),
        true => Some(style.foreground.map_or(OWN_FOREGROUND, Rgb::from)),
    }
}

/// Gives colours characters, in the order in which they come up.
#[derive(Default)]
pub(super) struct Palette {
    characters: HashMap<Rgb, char>,
    listed: Vec<(char, Rgb)>,
}

impl Palette {
    /// `0` is the terminal's own colour, 1 to 9, a to z and A to Z are others.
    pub(super) fn character(&mut self, color: Option<Rgb>) -> char {
        let Some(color) = color else { return '0' };
        let next = ('1'..='9')
            .chain('a'..='z')
            .chain('A'..='Z')
            .nth(self.listed.len());
        *self.characters.entry(color).or_insert_with(|| match next {
            Some(character) => {
                self.listed.push((character, color));
                character
            }
            None => UNLISTED_COLOR,
        })
    }

    pub(super) fn unlisted(&self) -> usize {
        self.characters.len() - self.listed.len()
    }

    pub(super) fn listed(self) -> Vec<(char, Rgb)> {
        self.listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn palette_colours_are_those_of_xterm() {
        for (index, expected) in [
            (1, "#c23621"),
            (2, "#25bc24"),
            (16, "#000000"),
            (208, "#ff8700"),
            (231, "#ffffff"),
            (232, "#080808"),
            (255, "#eeeeee"),
        ] {
            assert_eq!(Rgb::from(Color::Palette(index)).to_string(), expected);
        }
    }

    #[test]
    fn inverse_changes_the_colours_over() {
        let inverse = Style {
            foreground: Some(Color::Palette(1)),
            inverse: true,
            ..Style::default()
        };
        assert_eq!(background_of(&inverse), Some(NAMED[1]));
        assert_eq!(foreground_of(&inverse), Some(OWN_BACKGROUND));
    }
}
