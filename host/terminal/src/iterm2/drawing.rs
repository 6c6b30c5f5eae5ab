//! What a pane shows, as the bytes that bring our screen there from what it showed before. Pure.
//!
//! What is new behind the last line is written like a program's output, so that the transcript reads like one.
//! What changes elsewhere is drawn again, line by line.

use std::fmt::Write as _;

use quarterdeck_iterm2::{Color, Line, Style};
use unicode_width::UnicodeWidthChar as _;

use crate::request::Size;

/// A pane at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    /// The number of `lines`' first, from the beginning of history.
    pub(super) from: u64,
    /// What is above the screen, as far as it is new, and the screen.
    pub(super) lines: Vec<Line>,
    /// The number of the screen's first line.
    pub(super) top: u64,
    /// Column, and number of the line.
    pub(super) cursor: (u32, u64),
    /// A program fills the whole screen.
    pub(super) alternate: bool,
}

/// What our screen shows.
#[derive(Debug, Clone)]
struct Canvas {
    /// The number of its first row.
    top: u64,
    rows: Vec<Line>,
    /// Where the next character goes.
    at: (usize, usize),
}

/// Follows one pane.
#[derive(Debug)]
pub(super) struct Drawing {
    size: Size,
    canvas: Canvas,
    /// The shell's screen, while a program fills the whole one.
    hidden: Option<Canvas>,
    /// The screen was resized while that one was hidden.
    hidden_is_unknown: bool,
    /// Nothing was drawn yet.
    empty: bool,
}

fn blank() -> Line {
    Line {
        text: String::new(),
        columns: 0,
        styles: Vec::new(),
        wrapped: false,
    }
}

impl Canvas {
    fn new(top: u64, size: Size) -> Self {
        Self {
            top,
            rows: vec![blank(); usize::from(size.rows())],
            at: (0, 0),
        }
    }
}

impl Drawing {
    pub(super) fn new(size: Size) -> Self {
        Self {
            size,
            canvas: Canvas::new(0, size),
            hidden: None,
            hidden_is_unknown: false,
            empty: true,
        }
    }

    /// The first line that is wanted of the next look; `None` before the first.
    pub(super) fn wanted(&self) -> Option<u64> {
        (!self.empty).then_some(self.canvas.top)
    }

    /// Whether it follows the screen that programs fill whole.
    pub(super) fn alternate(&self) -> bool {
        self.hidden.is_some()
    }

    /// From now on the screen has this size. Whatever the emulator makes of its lines, the next
    /// look is drawn from scratch.
    pub(super) fn resize(&mut self, size: Size) -> Vec<u8> {
        self.size = size;
        self.hidden_is_unknown = self.hidden.is_some();
        self.canvas = Canvas::new(self.canvas.top, size);
        b"\x1b[0m\x1b[H\x1b[2J".to_vec()
    }

    /// The bytes that draw a look.
    pub(super) fn draw(&mut self, look: &Look) -> Vec<u8> {
        let mut out = String::new();
        if std::mem::take(&mut self.empty) {
            self.canvas.top = look.from;
        }
        self.switch(look, &mut out);
        // Lines that are gone, or a history that was thrown away: begin anew.
        let known = self.canvas.top..=look.top;
        if look.top < self.canvas.top || !known.contains(&look.from) || look.from > self.canvas.top
        {
            self.begin_anew(look.from.min(look.top), &mut out);
        }
        let skipped =
            usize::try_from(self.canvas.top - look.from.min(self.canvas.top)).unwrap_or(0);
        let mut above_is_wrapped = false;
        let lines = look.lines.iter().zip(look.from..).skip(skipped);
        for (line, number) in lines {
            self.put(number, line, above_is_wrapped, &mut out);
            above_is_wrapped = line.wrapped && line.columns >= self.size.columns();
        }
        while self.canvas.top < look.top {
            self.scroll(&mut out);
        }
        let row = look.cursor.1.saturating_sub(self.canvas.top);
        let row = usize::try_from(row).unwrap_or(0);
        let row = row.min(usize::from(self.size.rows()) - 1);
        let column = (look.cursor.0 as usize).min(usize::from(self.size.columns()) - 1);
        self.move_to(row, column, &mut out);
        out.into_bytes()
    }

    /// Enters and leaves the screen that programs fill whole.
    fn switch(&mut self, look: &Look, out: &mut String) {
        match (look.alternate, self.hidden.take()) {
            (true, None) => {
                out.push_str("\x1b[?1049h\x1b[0m\x1b[H\x1b[2J");
                let canvas = Canvas::new(look.top, self.size);
                self.hidden = Some(std::mem::replace(&mut self.canvas, canvas));
            }
            (false, Some(hidden)) => {
                out.push_str("\x1b[?1049l\x1b[0m");
                self.canvas = hidden;
                // The terminal has put its cursor back where it was, unless it was resized
                // meanwhile: then nobody knows what it shows.
                if std::mem::take(&mut self.hidden_is_unknown) {
                    let top = self.canvas.top;
                    self.begin_anew(top, out);
                }
            }
            (_, hidden) => self.hidden = hidden,
        }
    }

    fn begin_anew(&mut self, top: u64, out: &mut String) {
        out.push_str("\x1b[0m\x1b[H\x1b[2J");
        self.canvas = Canvas::new(top, self.size);
    }

    /// Draws a line if it is not there yet.
    fn put(&mut self, number: u64, line: &Line, above_is_wrapped: bool, out: &mut String) {
        let rows = u64::from(self.size.rows());
        let mut scrolled = false;
        while number >= self.canvas.top + rows {
            self.scroll(out);
            scrolled = true;
        }
        let Ok(row) = usize::try_from(number - self.canvas.top) else {
            return;
        };
        let Some(drawn) = self.canvas.rows.get(row) else {
            return;
        };
        if drawn == line {
            return;
        }
        let end = usize::from(drawn.columns);
        let goes_on = line.text.starts_with(&drawn.text)
            && line.columns >= drawn.columns
            && same_styles_before(drawn, line);
        let from = if goes_on { end } else { 0 };
        let drawn_blank = drawn.columns == 0;
        // A line that was too long goes on where the terminal has wrapped.
        let wraps_here = above_is_wrapped
            && drawn_blank
            && !scrolled
            && row > 0
            && self.canvas.at == (row - 1, usize::from(self.size.columns()));
        if !wraps_here {
            self.move_to(row, from, out);
        }
        write_cells(line, from, out);
        if !goes_on {
            out.push_str("\x1b[K");
        }
        self.canvas.at = (row, usize::from(line.columns).max(from));
        if let Some(drawn) = self.canvas.rows.get_mut(row) {
            *drawn = line.clone();
        }
    }

    /// One line up, as a line feed at the bottom does it.
    fn scroll(&mut self, out: &mut String) {
        let bottom = usize::from(self.size.rows()) - 1;
        if self.canvas.at.0 != bottom {
            self.move_to(bottom, 0, out);
        }
        out.push_str("\r\n");
        self.canvas.at = (bottom, 0);
        self.canvas.top += 1;
        self.canvas.rows.remove(0);
        self.canvas.rows.push(blank());
    }

    fn move_to(&mut self, row: usize, column: usize, out: &mut String) {
        let (at_row, at_column) = self.canvas.at;
        if (at_row, at_column) == (row, column) {
            return;
        }
        let between = self.canvas.rows.get(at_row + 1..=row);
        let on_blank = between.is_some_and(|rows| rows.iter().all(|line| line.columns == 0));
        if row > at_row && on_blank {
            // As output that ends a line.
            for _ in at_row..row {
                out.push_str("\r\n");
            }
            if column > 0 {
                let _ = write!(out, "\x1b[{}G", column + 1);
            }
        } else if row == at_row {
            let _ = write!(out, "\x1b[{}G", column + 1);
        } else {
            let _ = write!(out, "\x1b[{};{}H", row + 1, column + 1);
        }
        self.canvas.at = (row, column);
    }
}

/// Whether a line that grew looks the same as before, up to where it ended.
fn same_styles_before(drawn: &Line, line: &Line) -> bool {
    let end = drawn.columns;
    let cut = |line: &Line| -> Vec<(u16, u16, Style)> {
        let runs = line.styles.iter();
        runs.filter(|run| run.columns.start < end)
            .map(|run| (run.columns.start, run.columns.end.min(end), run.style))
            .collect()
    };
    cut(drawn) == cut(line)
}

/// Writes the cells of a line from a column on.
fn write_cells(line: &Line, from: usize, out: &mut String) {
    let mut column = 0_usize;
    let mut runs = line.styles.iter().peekable();
    let mut style = Style::default();
    for character in line.text.chars() {
        // What a terminal shows has none; what it says to have is no command to ours.
        let character = if character.is_control() {
            ' '
        } else {
            character
        };
        let width = character.width().unwrap_or(0);
        if column >= from && width > 0 {
            while runs
                .next_if(|run| usize::from(run.columns.end) <= column)
                .is_some()
            {}
            let wanted = runs
                .peek()
                .filter(|run| usize::from(run.columns.start) <= column)
                .map(|run| run.style)
                .unwrap_or_default();
            if wanted != style {
                write_style(&wanted, out);
                style = wanted;
            }
        }
        if column >= from && (width > 0 || column > from) {
            out.push(character);
        }
        column += width;
    }
    if style != Style::default() {
        out.push_str("\x1b[0m");
    }
}

fn write_style(style: &Style, out: &mut String) {
    out.push_str("\x1b[0");
    let attributes = [
        (style.bold, 1),
        (style.faint, 2),
        (style.italic, 3),
        (style.underline, 4),
        (style.blink, 5),
        (style.inverse, 7),
        (style.invisible, 8),
        (style.strikethrough, 9),
    ];
    for (_, number) in attributes.into_iter().filter(|(set, _)| *set) {
        let _ = write!(out, ";{number}");
    }
    for (color, plane) in [(style.foreground, 38), (style.background, 48)] {
        let _ = match color {
            Some(Color::Palette(index)) => write!(out, ";{plane};5;{index}"),
            Some(Color::Rgb(red, green, blue)) => write!(out, ";{plane};2;{red};{green};{blue}"),
            None => Ok(()),
        };
    }
    out.push('m');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quarterdeck_iterm2::StyledRun;

    use super::*;
    use crate::emulator::Emulator;
    use crate::stream::Stream;
    use crate::transcript::{Cursor, Transcript};

    fn size() -> Size {
        Size::new(10, 3).expect("possible")
    }

    fn line(text: &str) -> Line {
        Line {
            text: text.to_owned(),
            columns: u16::try_from(text.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>())
                .expect("short"),
            styles: Vec::new(),
            wrapped: false,
        }
    }

    fn look(from: u64, top: u64, lines: &[&str], cursor: (u32, u64)) -> Look {
        Look {
            from,
            lines: lines.iter().map(|text| line(text)).collect(),
            top,
            cursor,
            alternate: false,
        }
    }

    /// A screen and a transcript that follow a drawing.
    struct Followed {
        drawing: Drawing,
        emulator: Emulator,
        stream: Stream,
        transcript: Transcript,
    }

    impl Followed {
        fn new() -> Self {
            Self {
                drawing: Drawing::new(size()),
                emulator: Emulator::new(size(), 100),
                stream: Stream::new(None),
                transcript: Transcript::new(1 << 20),
            }
        }

        fn follow(&mut self, look: &Look) {
            let bytes = self.drawing.draw(look);
            self.emulator.advance(&bytes);
            let mut left = bytes.as_slice();
            while !left.is_empty() {
                left = &left[self.stream.advance(left, &mut self.transcript).bytes..];
            }
        }

        fn text(&self) -> String {
            let end = self.transcript.end();
            self.transcript.read(Cursor::START, end, usize::MAX).text
        }
    }

    #[test]
    fn output_reads_like_output() {
        let mut followed = Followed::new();
        followed.follow(&look(0, 0, &["$ ", "", ""], (2, 0)));
        followed.follow(&look(0, 0, &["$ seq 5", "", ""], (7, 0)));
        followed.follow(&look(
            0,
            4,
            &["$ seq 5", "1", "2", "3", "4", "5", "$ "],
            (2, 6),
        ));
        assert_eq!(followed.text(), "$ seq 5\n1\n2\n3\n4\n5\n$ ");
        assert_eq!(followed.emulator.screen().text(), "4\n5\n$");
        let above = followed.emulator.scrollback(0, 10);
        assert_eq!(above.total, 4);
        assert_eq!(above.rows[3].text, "3");
    }

    #[test]
    fn a_line_that_was_too_long_stays_one() {
        let mut followed = Followed::new();
        let mut long = look(0, 0, &["0123456789", "abc", ""], (3, 1));
        long.lines[0].wrapped = true;
        followed.follow(&long);
        assert_eq!(followed.text(), "0123456789abc");
        assert_eq!(followed.emulator.screen().text(), "0123456789\nabc");
    }

    #[test]
    fn an_editor_comes_and_goes() {
        let mut followed = Followed::new();
        followed.follow(&look(0, 0, &["$ vi", "", ""], (4, 0)));
        let mut editor = look(0, 0, &["text", "~", "~"], (0, 0));
        editor.alternate = true;
        followed.follow(&editor);
        assert!(followed.emulator.full_screen() && followed.drawing.alternate());
        assert_eq!(followed.emulator.screen().text(), "text\n~\n~");
        followed.follow(&look(0, 0, &["$ vi", "$ ", ""], (2, 1)));
        assert!(!followed.emulator.full_screen());
        assert_eq!(followed.emulator.screen().text(), "$ vi\n$");
        assert_eq!(followed.text(), "$ vi\n$ ");
    }

    #[test]
    fn a_screen_that_is_resized_while_hidden_is_drawn_anew() {
        let mut followed = Followed::new();
        followed.follow(&look(0, 0, &["$ one", "$ vi", ""], (4, 1)));
        let mut editor = look(0, 0, &["text", "~", "~"], (0, 0));
        editor.alternate = true;
        followed.follow(&editor);
        let smaller = Size::new(8, 2).expect("possible");
        let bytes = followed.drawing.resize(smaller);
        followed.emulator.resize(smaller);
        followed.emulator.advance(&bytes);
        editor.lines.pop();
        followed.follow(&editor);
        assert_eq!(followed.emulator.screen().text(), "text\n~");
        followed.follow(&look(1, 1, &["$ vi", "$ "], (2, 2)));
        assert_eq!(followed.emulator.screen().text(), "$ vi\n$");
    }

    #[test]
    fn styles_are_drawn_and_commands_are_not_obeyed() {
        let mut followed = Followed::new();
        let mut styled = look(0, 0, &["ab日\u{1b}[2J", "", ""], (0, 0));
        styled.lines[0].styles = vec![StyledRun {
            columns: 1..4,
            style: Style {
                bold: true,
                foreground: Some(Color::Palette(1)),
                ..Style::default()
            },
        }];
        followed.follow(&styled);
        let screen = followed.emulator.screen();
        assert_eq!(screen.rows[0].text, "ab日 [2J");
        assert_eq!(screen.rows[0].styles.len(), 1);
        assert!(screen.rows[0].styles[0].style.bold);
    }

    proptest! {
        #[test]
        fn whatever_a_pane_shows_is_shown(
            looks in proptest::collection::vec(
                (0_u64..6, proptest::collection::vec("[a-c日 ]{0,5}", 3), 0_u32..10, 0_u64..3),
                1..12,
            ),
        ) {
            let mut followed = Followed::new();
            let mut top = 0;
            for (scrolled, rows, column, row) in looks {
                // Now and then a history is thrown away.
                top = if scrolled == 5 { 0 } else { top + scrolled };
                let from = followed.drawing.wanted().unwrap_or(top).min(top);
                let above = (from..top).map(|number| line(&number.to_string()));
                let screen = rows.iter().map(|text| line(text));
                let look = Look {
                    from,
                    lines: above.chain(screen).collect(),
                    top,
                    cursor: (column, top + row),
                    alternate: false,
                };
                followed.follow(&look);
                let shown = followed.emulator.screen();
                for (shown, wanted) in shown.rows.iter().zip(&rows) {
                    prop_assert_eq!(shown.text.trim_end(), wanted.trim_end());
                }
                prop_assert_eq!(u64::from(shown.cursor.row), row);
                prop_assert_eq!(u32::from(shown.cursor.column), column);
            }
        }
    }
}
