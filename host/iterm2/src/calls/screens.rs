//! What sessions show, line by line.

use std::ops::Range;

use crate::calls::{accept, ask};
use crate::client::Client;
use crate::error::CallError;
use crate::ids::SessionId;
use crate::proto::{
    CellStyle, Coord, CoordRange, GetBufferRequest, GetBufferResponse, LineContents, LineRange,
    RgbColor, WindowedCoordRange,
    cell_style::{BgColor, FgColor},
    line_contents::Continuation,
};

/// Which lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    /// Those of the screen.
    Screen,
    /// The last of history and screen together.
    Last(u32),
    /// By number, from the beginning of history, lost lines included.
    Numbered(Range<u64>),
}

/// Some lines and the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buffer {
    /// Number of the first line here, from the beginning of history, lost lines included.
    pub first: u64,
    /// The lines.
    pub lines: Vec<Line>,
    /// Column and line number of the cursor.
    pub cursor: (u32, u64),
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The characters, without the empty cells at the end. A wide character is here once.
    pub text: String,
    /// How many cells the text takes.
    pub columns: u16,
    /// The pieces that look different from plain text, left to right.
    pub styles: Vec<StyledRun>,
    /// The line goes on in the next one because it was too long.
    pub wrapped: bool,
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
    pub faint: bool,
    /// Italic.
    pub italic: bool,
    /// Blinking.
    pub blink: bool,
    /// Underlined.
    pub underline: bool,
    /// Foreground and background change places.
    pub inverse: bool,
    /// Not shown.
    pub invisible: bool,
    /// Struck out.
    pub strikethrough: bool,
}

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// One of the palette's 256.
    Palette(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

fn rgb(color: &RgbColor) -> Color {
    let part = |part: u32| u8::try_from(part).unwrap_or(u8::MAX);
    Color::Rgb(part(color.red()), part(color.green()), part(color.blue()))
}

fn palette(index: u32) -> Option<Color> {
    u8::try_from(index).ok().map(Color::Palette)
}

impl Style {
    fn of(style: &CellStyle) -> Self {
        Self {
            foreground: match &style.fg_color {
                Some(FgColor::FgStandard(index)) => palette(*index),
                Some(FgColor::FgRgb(color)) => Some(rgb(color)),
                _ => None,
            },
            background: match &style.bg_color {
                Some(BgColor::BgStandard(index)) => palette(*index),
                Some(BgColor::BgRgb(color)) => Some(rgb(color)),
                _ => None,
            },
            bold: style.bold(),
            faint: style.faint(),
            italic: style.italic(),
            blink: style.blink(),
            underline: style.underline(),
            inverse: style.inverse(),
            invisible: style.invisible(),
            strikethrough: style.strikethrough(),
        }
    }
}

impl Line {
    fn of(contents: LineContents) -> Self {
        let wrapped = contents.continuation() == Continuation::SoftEol;
        let cells = |repeats: Option<i32>| u16::try_from(repeats.unwrap_or(1)).unwrap_or(0);
        let columns = contents
            .code_points_per_cell
            .iter()
            .fold(0_u16, |sum, count| sum.saturating_add(cells(count.repeats)));
        let mut styles: Vec<StyledRun> = Vec::new();
        let mut column = 0_u16;
        for cell in &contents.style {
            let repeats = u16::try_from(cell.repeats.unwrap_or(1)).unwrap_or(u16::MAX);
            let end = column.saturating_add(repeats);
            let style = Style::of(cell);
            match styles.last_mut() {
                Some(last) if last.style == style && last.columns.end == column => {
                    last.columns.end = end;
                }
                _ if style == Style::default() || end == column => (),
                _ => styles.push(StyledRun {
                    columns: column..end,
                    style,
                }),
            }
            column = end;
        }
        Self {
            text: contents.text.unwrap_or_default(),
            columns,
            styles,
            wrapped,
        }
    }
}

impl Buffer {
    fn of(response: GetBufferResponse) -> Self {
        let number = |line: i64| u64::try_from(line).unwrap_or(0);
        let range = response
            .windowed_coord_range
            .and_then(|range| range.coord_range);
        let start = range.and_then(|range| range.start).unwrap_or_default();
        let cursor = response.cursor.unwrap_or_default();
        Self {
            first: number(start.y()),
            lines: response.contents.into_iter().map(Line::of).collect(),
            cursor: (u32::try_from(cursor.x()).unwrap_or(0), number(cursor.y())),
        }
    }

    /// The lines as text, without the empty ones at the end.
    pub fn text(&self) -> String {
        let used = self.lines.iter().rposition(|line| !line.text.is_empty());
        let lines = &self.lines[..used.map_or(0, |last| last + 1)];
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        texts.join("\n")
    }
}

impl Client {
    /// Reads lines with their styles, and where the cursor is.
    pub async fn buffer(&self, session: &SessionId, lines: &Lines) -> Result<Buffer, CallError> {
        const NAME: &str = "lines of a session";
        let mut range = LineRange::default();
        match lines {
            Lines::Screen => range.screen_contents_only = Some(true),
            Lines::Last(count) => {
                range.trailing_lines = Some(i32::try_from(*count).unwrap_or(i32::MAX));
            }
            Lines::Numbered(numbers) => {
                let coord = |line: u64| Coord {
                    x: Some(0),
                    y: Some(i64::try_from(line).unwrap_or(i64::MAX)),
                };
                range.windowed_coord_range = Some(WindowedCoordRange {
                    coord_range: Some(CoordRange {
                        start: Some(coord(numbers.start)),
                        end: Some(coord(numbers.end)),
                    }),
                    columns: None,
                });
            }
        }
        let request = GetBufferRequest {
            session: Some(session.0.clone()),
            line_range: Some(range),
            include_styles: Some(true),
        };
        let response = ask!(self, NAME, GetBufferRequest(request), GetBufferResponse);
        accept(NAME, response.status().as_str_name())?;
        Ok(Buffer::of(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::CodePointsPerCell;

    #[test]
    fn plain_cells_have_no_style_and_neighbours_share_one() {
        let style = |bold: bool, repeats: u32| CellStyle {
            bold: Some(bold),
            repeats: Some(repeats),
            ..CellStyle::default()
        };
        let line = Line::of(LineContents {
            text: Some("日ab".to_owned()),
            code_points_per_cell: [(1, 1), (0, 1), (1, 2)]
                .map(|(units, repeats)| CodePointsPerCell {
                    num_code_points: Some(units),
                    repeats: Some(repeats),
                })
                .into(),
            continuation: Some(Continuation::SoftEol as i32),
            style: vec![style(true, 1), style(true, 1), style(false, 2)],
        });
        assert_eq!(line.columns, 4);
        assert!(line.wrapped);
        assert_eq!(line.styles.len(), 1);
        assert_eq!(line.styles[0].columns, 0..2);
    }
}
