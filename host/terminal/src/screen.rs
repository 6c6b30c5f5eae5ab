//! What a session shows: plain values, taken from the emulator at one moment.

use std::ops::Range;

use crate::mouse::MouseMode;
use crate::request::Size;

/// The emulated grid of a session at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// Columns and rows of the grid.
    pub size: Size,
    /// Each row from the top, without the blanks at its end.
    pub rows: Vec<Row>,
    /// Where the next character would go.
    pub cursor: Position,
    /// Whether the program shows the cursor.
    pub cursor_visible: bool,
    /// The title that the program gave the terminal, without control characters.
    pub title: Option<String>,
    /// Whether the alternate screen is shown, as full-screen programs do.
    pub full_screen: bool,
    /// How often the bell rang since the session began.
    pub bells: u64,
    /// How the program wants to be told about the mouse.
    pub mouse: MouseMode,
}

impl Screen {
    pub(crate) fn empty(size: Size) -> Self {
        Self {
            size,
            rows: Vec::new(),
            cursor: Position { row: 0, column: 0 },
            cursor_visible: false,
            title: None,
            full_screen: false,
            bells: 0,
            mouse: MouseMode::Off,
        }
    }

    /// The rows as lines, without the empty ones at the end.
    pub fn text(&self) -> String {
        let used = self.rows.iter().rposition(|row| !row.text.is_empty());
        let rows = &self.rows[..used.map_or(0, |last| last + 1)];
        let lines: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        lines.join("\n")
    }
}

/// A place in the grid, counted from 0 at the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Rows from the top.
    pub row: u16,
    /// Columns from the left.
    pub column: u16,
}

/// One row of a screen or of a scrollback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The characters, without the blanks at the end. A wide character takes
    /// two columns and is here once.
    pub text: String,
    /// Whether the line goes on in the next row because it was too long.
    pub wrapped: bool,
    /// The pieces that look different from plain text, left to right.
    pub styles: Vec<StyledRun>,
}

impl Row {
    /// A row with nothing on it.
    pub(crate) fn blank() -> Self {
        Self {
            text: String::new(),
            wrapped: false,
            styles: Vec::new(),
        }
    }
}

/// Neighbouring cells that look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StyledRun {
    /// Columns, end exclusive.
    pub columns: Range<u16>,
    /// How they look.
    pub style: Style,
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Colour of the text; none is the terminal's own.
    pub foreground: Option<Color>,
    /// Colour behind it; none is the terminal's own.
    pub background: Option<Color>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined, in whatever way.
    pub underline: bool,
    /// Foreground and background change places.
    pub inverse: bool,
    /// Not shown.
    pub hidden: bool,
    /// Struck out.
    pub strikeout: bool,
}

/// A colour as the program asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// One of the palette's 256.
    Palette(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

/// Lines above the screen, of those that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrollback {
    /// Number of the first line here; 0 is the oldest that is kept.
    pub start: usize,
    /// The lines, oldest first.
    pub rows: Vec<Row>,
    /// How many are kept. None on the alternate screen, which has no scrollback.
    pub total: usize,
}
