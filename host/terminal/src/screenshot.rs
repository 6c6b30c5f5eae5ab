//! Screenshots in layers: what a screen shows, cut to what the caller wants to
//! pay for.
//!
//! A layer is a list of strings, one for each row, in which a character stands
//! for a cell: its text, its colour, how it is set. Layers, viewport and the
//! encoding are those of the mcpretentious document. Pure: a [`Screen`] in, a
//! [`Screenshot`] out.

mod cells;
mod palette;
mod png;
mod svg;

use std::ops::Range;

use crate::request::Size;
use crate::screen::{Position, Row, Screen, Style};
pub use cells::{Cell, cells};
use palette::Palette;
pub use palette::{Rgb, background_of, foreground_of};
pub use png::{PictureError, png};
pub use svg::svg;

/// What of a screen to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenshotRequest {
    /// Which layers; naming one twice changes nothing.
    pub layers: Vec<Layer>,
    /// Which part of the screen.
    pub part: Part,
    /// Leave out rows without text, in every layer.
    pub compact: bool,
}

/// One thing that is known about every cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Its characters.
    Text,
    /// Where the cursor is. Costs little, so every screenshot tells it.
    Cursor,
    /// The colour of its text.
    ForegroundColors,
    /// The colour behind it.
    BackgroundColors,
    /// Bold, italic and underlined, in one letter.
    Styles,
    /// Bold alone.
    Bold,
    /// Italic alone.
    Italic,
    /// Underlined alone.
    Underline,
}

/// Which part of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Full,
    /// A rectangle in cells. What reaches beyond the screen is cut off.
    Region {
        /// First column, from 0.
        left: u16,
        /// First row, from 0.
        top: u16,
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The cursor's row, and so many above and below it.
    AroundCursor(u16),
}

/// The rectangle that a screenshot shows, in cells from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewport {
    /// First column.
    pub left: u16,
    /// First row.
    pub top: u16,
    /// Columns.
    pub width: u16,
    /// Rows. Around a cursor at the end of the screen fewer are shown.
    pub height: u16,
}

/// A screen, or a part of it, in layers. Layers that were not asked for are
/// `None`; those that were have a string for each of `rows`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// The whole screen's size.
    pub size: Size,
    /// What part was asked for.
    pub part: Part,
    /// The rectangle that this came to.
    pub viewport: Viewport,
    /// Numbers of the rows that are shown, counted from the top of the screen.
    pub rows: Vec<u16>,
    /// The cursor on the screen.
    pub cursor: Position,
    /// The text without blanks at the end.
    pub text: Option<Vec<String>>,
    /// [`style_letter`] of each cell.
    pub styles: Option<Vec<String>>,
    /// `X` where a cell is bold, else a blank.
    pub bold: Option<Vec<String>>,
    /// `X` where a cell is italic.
    pub italic: Option<Vec<String>>,
    /// `X` where a cell is underlined.
    pub underline: Option<Vec<String>>,
    /// The palette's character for the colour of the text.
    pub foreground_colors: Option<Vec<String>>,
    /// The palette's character for the colour behind it.
    pub background_colors: Option<Vec<String>>,
    /// What the characters of the colour layers mean, in the order in which the
    /// colours came up; `0` is the terminal's own colour and is not listed.
    pub palette: Vec<(char, Rgb)>,
    /// How many colours found no place in the palette; their cells hold
    /// [`UNLISTED_COLOR`].
    pub unlisted_colors: usize,
}

/// Stands in a colour layer for a colour beyond the palette's 61.
pub const UNLISTED_COLOR: char = '?';

/// What the letters of [`Screenshot::styles`] mean; `.` is plain.
pub const STYLE_LETTERS: [(char, &str); 7] = [
    ('b', "bold"),
    ('i', "italic"),
    ('u', "underline"),
    ('I', "bold+italic"),
    ('U', "bold+underline"),
    ('J', "italic+underline"),
    ('X', "bold+italic+underline"),
];

/// The letter for how a cell is set.
pub fn style_letter(style: &Style) -> char {
    match (style.bold, style.italic, style.underline) {
        (false, false, false) => '.',
        (true, false, false) => 'b',
        (false, true, false) => 'i',
        (false, false, true) => 'u',
        (true, true, false) => 'I',
        (true, false, true) => 'U',
        (false, true, true) => 'J',
        (true, true, true) => 'X',
    }
}

impl Screenshot {
    /// Takes a screenshot. With `since`, an earlier look at the same screen, only
    /// of the rows that look different now.
    pub fn take(screen: &Screen, request: &ScreenshotRequest, since: Option<&Screen>) -> Self {
        let viewport = viewport(screen, request.part);
        let end = viewport
            .top
            .saturating_add(viewport.height)
            .min(screen.size.rows());
        let blank = Row::blank();
        let row = |number: u16| screen.rows.get(usize::from(number)).unwrap_or(&blank);
        let columns = viewport.left..viewport.left + viewport.width;
        let rows: Vec<u16> = (viewport.top..end)
            .filter(|number| since.is_none_or(|since| differs(screen, since, *number)))
            .filter(|number| !request.compact || has_text(row(*number), &columns))
            .collect();
        let wanted = |layer| request.layers.contains(&layer);
        let each = |layer: Layer, draw: &dyn Fn(&Cell<'_>) -> char| {
            wanted(layer).then(|| {
                rows.iter()
                    .map(|number| {
                        let cells = cells(row(*number), screen.size.columns());
                        cells[index(&columns)].iter().map(draw).collect()
                    })
                    .collect::<Vec<String>>()
            })
        };
        let mark = |is_set: bool| if is_set { 'X' } else { ' ' };
        let mut shot = Self {
            size: screen.size,
            part: request.part,
            viewport,
            cursor: screen.cursor,
            text: wanted(Layer::Text).then(|| {
                rows.iter()
                    .map(|number| text_of(row(*number), screen.size, &columns))
                    .collect()
            }),
            styles: each(Layer::Styles, &|cell| style_letter(&cell.style)),
            bold: each(Layer::Bold, &|cell| mark(cell.style.bold)),
            italic: each(Layer::Italic, &|cell| mark(cell.style.italic)),
            underline: each(Layer::Underline, &|cell| mark(cell.style.underline)),
            foreground_colors: None,
            background_colors: None,
            palette: Vec::new(),
            unlisted_colors: 0,
            rows,
        };
        shot.add_colors(
            screen,
            &columns,
            wanted(Layer::ForegroundColors),
            wanted(Layer::BackgroundColors),
        );
        shot
    }

    fn add_colors(
        &mut self,
        screen: &Screen,
        columns: &Range<u16>,
        foreground: bool,
        background: bool,
    ) {
        if !foreground && !background {
            return;
        }
        let blank = Row::blank();
        let mut palette = Palette::default();
        let (mut texts, mut grounds) = (Vec::new(), Vec::new());
        for number in &self.rows {
            let row = screen.rows.get(usize::from(*number)).unwrap_or(&blank);
            let (mut text, mut ground) = (String::new(), String::new());
            for cell in &cells(row, screen.size.columns())[index(columns)] {
                if foreground {
                    text.push(palette.character(foreground_of(&cell.style)));
                }
                if background {
                    ground.push(palette.character(background_of(&cell.style)));
                }
            }
            texts.push(text);
            grounds.push(ground);
        }
        self.foreground_colors = foreground.then_some(texts);
        self.background_colors = background.then_some(grounds);
        self.unlisted_colors = palette.unlisted();
        self.palette = palette.listed();
    }

    /// The cursor counted from the viewport's corner; `None` outside of it.
    pub fn cursor_in_viewport(&self) -> Option<Position> {
        let Viewport {
            left,
            top,
            width,
            height,
        } = self.viewport;
        let row = self.cursor.row.checked_sub(top).filter(|row| *row < height);
        let column = self.cursor.column.checked_sub(left);
        Some(Position {
            row: row?,
            column: column.filter(|column| *column < width)?,
        })
    }
}

fn viewport(screen: &Screen, part: Part) -> Viewport {
    let (columns, rows) = (screen.size.columns(), screen.size.rows());
    match part {
        Part::Full => Viewport {
            left: 0,
            top: 0,
            width: columns,
            height: rows,
        },
        Part::Region {
            left,
            top,
            width,
            height,
        } => {
            let (left, top) = (left.min(columns), top.min(rows));
            Viewport {
                left,
                top,
                width: width.min(columns - left),
                height: height.min(rows - top),
            }
        }
        Part::AroundCursor(lines) => Viewport {
            left: 0,
            top: screen.cursor.row.saturating_sub(lines),
            width: columns,
            height: rows.min(lines.saturating_mul(2).saturating_add(1)),
        },
    }
}

/// Whether a row looks different from how it looked then.
fn differs(now: &Screen, then: &Screen, row: u16) -> bool {
    if now.size != then.size {
        return true;
    }
    let row = usize::from(row);
    let look = |screen: &Screen| {
        screen
            .rows
            .get(row)
            .filter(|row| !row.text.is_empty() || !row.styles.is_empty())
            .map(|row| (row.text.clone(), row.styles.clone()))
    };
    look(now) != look(then)
}

fn has_text(row: &Row, columns: &Range<u16>) -> bool {
    cells(row, columns.end)[index(columns)]
        .iter()
        .any(|cell| !cell.text.trim().is_empty())
}

/// The text of these columns. Half a wide character at the left edge is a blank,
/// half of one at the right edge is left out.
fn text_of(row: &Row, size: Size, columns: &Range<u16>) -> String {
    let mut text = String::new();
    let cells = cells(row, size.columns());
    for (column, cell) in cells.iter().enumerate().take(columns.end.into()) {
        if column < usize::from(columns.start) {
            continue;
        }
        let begins_outside = cell.text.is_empty() && column == usize::from(columns.start);
        let ends_outside = cell.wide && column + 1 == usize::from(columns.end);
        text.push_str(if begins_outside || ends_outside {
            " "
        } else {
            cell.text
        });
    }
    text.truncate(text.trim_end_matches(' ').len());
    text
}

fn index(columns: &Range<u16>) -> Range<usize> {
    columns.start.into()..columns.end.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::emulator::Emulator;

    const EVERY_LAYER: [Layer; 8] = [
        Layer::Text,
        Layer::Cursor,
        Layer::ForegroundColors,
        Layer::BackgroundColors,
        Layer::Styles,
        Layer::Bold,
        Layer::Italic,
        Layer::Underline,
    ];

    fn screen(columns: u16, rows: u16, bytes: &str) -> Screen {
        let mut emulator = Emulator::new(Size::new(columns, rows).expect("a size"), 10);
        emulator.advance(bytes.as_bytes());
        emulator.screen()
    }

    fn request(part: Part, layers: &[Layer]) -> ScreenshotRequest {
        ScreenshotRequest {
            layers: layers.to_vec(),
            part,
            compact: false,
        }
    }

    const MENU: &str = "\x1b[1mFile\x1b[0m \x1b[3mEdit\x1b[0m \x1b[4mView\x1b[0m\r\n\
        \x1b[31mred\x1b[0m \x1b[38;5;208morange\x1b[0m \x1b[48;2;1;2;3mdeep\x1b[0m\r\n\
        \r\n\
        \x1b[7mstatus\x1b[0m 日本\r\n\
        \x1b[1;3;4mall\x1b[0m $ ";

    #[test]
    fn every_layer_of_a_menu() {
        let screen = screen(18, 6, MENU);
        insta::assert_debug_snapshot!(Screenshot::take(
            &screen,
            &request(Part::Full, &EVERY_LAYER),
            None
        ));
    }

    #[test]
    fn a_region_is_cut_out_and_wide_characters_are_not_halved() {
        let screen = screen(18, 6, MENU);
        let part = Part::Region {
            left: 8,
            top: 3,
            width: 200,
            height: 200,
        };
        let shot = Screenshot::take(&screen, &request(part, &[Layer::Text]), None);
        let viewport = (shot.viewport.width, shot.viewport.height);
        assert_eq!(viewport, (10, 3), "what reaches beyond the screen is cut");
        let text = shot.text.expect("text");
        assert_eq!(text, [" 本", "", ""]);
        assert_eq!(shot.cursor, Position { row: 4, column: 6 });
    }

    #[test]
    fn around_the_cursor_the_window_keeps_its_height() {
        let screen = screen(10, 6, "a\r\nb\r\nc\r\nd\r\ne\x1b[1;1H");
        let shot = Screenshot::take(
            &screen,
            &request(Part::AroundCursor(1), &[Layer::Text]),
            None,
        );
        assert_eq!((shot.viewport.top, shot.viewport.height), (0, 3));
        assert_eq!(shot.text.expect("text"), ["a", "b", "c"]);
        assert_eq!(shot.rows, [0, 1, 2]);
    }

    #[test]
    fn compact_leaves_rows_without_text_out_of_every_layer() {
        let screen = screen(18, 6, MENU);
        let compact = ScreenshotRequest {
            compact: true,
            ..request(Part::Full, &[Layer::Text, Layer::Styles])
        };
        let shot = Screenshot::take(&screen, &compact, None);
        assert_eq!(shot.rows, [0, 1, 3, 4]);
        assert_eq!(shot.text.expect("text").len(), 4);
        assert_eq!(shot.styles.expect("styles")[3], "XXX...............");
    }

    #[test]
    fn a_difference_has_the_rows_that_changed_in_text_or_colour() {
        let before = screen(10, 4, "one\r\ntwo\r\nthree");
        let after = screen(10, 4, "one\r\n\x1b[32mtwo\x1b[0m\r\nthree\r\nfour");
        let wanted = request(Part::Full, &[Layer::Text]);
        let shot = Screenshot::take(&after, &wanted, Some(&before));
        assert_eq!(shot.rows, [1, 3]);
        assert_eq!(shot.text.expect("text"), ["two", "four"]);
        let same = Screenshot::take(&after, &wanted, Some(&after));
        assert!(same.rows.is_empty());
        let smaller = screen(9, 4, "one");
        let all = Screenshot::take(&after, &wanted, Some(&smaller));
        assert_eq!(all.rows, [0, 1, 2, 3], "another size is another screen");
    }

    #[test]
    fn colours_beyond_the_palette_are_told() {
        let many: String = (0..70).map(|n| format!("\x1b[38;2;{n};0;9mx")).collect();
        let screen = screen(80, 2, &many);
        let shot = Screenshot::take(
            &screen,
            &request(Part::Full, &[Layer::ForegroundColors]),
            None,
        );
        assert_eq!(shot.palette.len(), 61);
        assert_eq!(shot.palette[60].0, 'Z');
        assert_eq!(shot.unlisted_colors, 9);
        let first = &shot.foreground_colors.expect("colours")[0];
        assert_eq!(first.matches(UNLISTED_COLOR).count(), 9);
    }

    proptest! {
        /// Whatever is on the screen and whatever is asked for: as many strings
        /// as rows, each as wide as the viewport.
        #[test]
        fn layers_have_the_shape_of_the_viewport(
            bytes in "[ -~日本é\u{301}\r\n\t]{0,200}",
            left in 0_u16..50, top in 0_u16..30, width in 0_u16..50, height in 0_u16..30,
            compact in any::<bool>(),
        ) {
            let screen = screen(20, 6, &bytes);
            let part = Part::Region { left, top, width, height };
            let wanted = ScreenshotRequest { compact, ..request(part, &EVERY_LAYER) };
            let shot = Screenshot::take(&screen, &wanted, None);
            let width = usize::from(shot.viewport.width);
            for layer in [&shot.styles, &shot.bold, &shot.foreground_colors, &shot.background_colors] {
                let layer = layer.as_ref().expect("asked for");
                prop_assert_eq!(layer.len(), shot.rows.len());
                prop_assert!(layer.iter().all(|row| row.chars().count() == width));
            }
            prop_assert_eq!(shot.text.expect("asked for").len(), shot.rows.len());
        }

        /// What the cells say is what the row says.
        #[test]
        fn cells_hold_the_text_of_their_row(bytes in "[ -~日本é\u{301}]{0,60}") {
            let screen = screen(20, 6, &bytes);
            for row in &screen.rows {
                let cells = cells(row, 20);
                prop_assert_eq!(cells.len(), 20);
                let text: String = cells.iter().map(|cell| cell.text).collect();
                prop_assert_eq!(text.trim_end_matches(' '), row.text.as_str());
            }
        }
    }
}
