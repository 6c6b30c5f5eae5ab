//! The screen of a session: alacritty_terminal, and what it wants to say.

mod corrections;

use std::sync::mpsc;

use alacritty_terminal::Term;
use alacritty_terminal::event::{Event, EventListener, WindowSize};
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::Line;
use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::term::{Config, Osc52, TermMode};
use alacritty_terminal::vte::ansi;

use self::corrections::Corrected;
use crate::mouse::MouseMode;
use crate::outbox::MOST_ANSWER_BYTES;
use crate::request::Size;
use crate::screen::{Color, Position, Row, Screen, Scrollback, Style, StyledRun};

/// A title is shown in lists; nobody needs more.
const LONGEST_TITLE: usize = 256;

pub(crate) struct Emulator {
    term: Term<Listener>,
    parser: ansi::Processor<NeverWaiting>,
    events: mpsc::Receiver<Event>,
    size: Size,
    title: Option<String>,
    bells: u64,
    answers: Vec<u8>,
}

/// The modes that decide how keys and pastes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct InputModes {
    pub(crate) application_cursor: bool,
    pub(crate) bracketed_paste: bool,
}

struct Listener(mpsc::Sender<Event>);

impl EventListener for Listener {
    fn send_event(&self, event: Event) {
        // The receiver lives as long as the emulator that owns both.
        let _ = self.0.send(event);
    }
}

/// Synchronised updates are shown as they arrive: held back, they would also
/// hold back the answers that the program waits for.
#[derive(Default)]
struct NeverWaiting;

impl ansi::Timeout for NeverWaiting {
    fn set_timeout(&mut self, _: std::time::Duration) {}
    fn clear_timeout(&mut self) {}
    fn pending_timeout(&self) -> bool {
        false
    }
}

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }
    fn screen_lines(&self) -> usize {
        self.rows().into()
    }
    fn columns(&self) -> usize {
        Size::columns(*self).into()
    }
}

impl Emulator {
    pub(crate) fn new(size: Size, scrollback_lines: usize) -> Self {
        let (sender, events) = mpsc::channel();
        let config = Config {
            scrolling_history: scrollback_lines,
            // The clipboard is the user's.
            osc52: Osc52::Disabled,
            ..Config::default()
        };
        Self {
            term: Term::new(config, &size, Listener(sender)),
            parser: ansi::Processor::new(),
            events,
            size,
            title: None,
            bells: 0,
            answers: Vec::new(),
        }
    }

    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        self.parser.advance(&mut Corrected(&mut self.term), bytes);
        self.take_events();
    }

    /// Frees the rows that the screen keeps ready for what scrolls in: a thousand at
    /// a time, 3 MB of 120 columns, even where less scrollback is kept.
    pub(crate) fn free_spare_rows(&mut self) {
        self.term.grid_mut().truncate();
    }

    /// Forgets a control string that was too long.
    pub(crate) fn abandon_string(&mut self) {
        self.parser = ansi::Processor::new();
    }

    fn take_events(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            match event {
                Event::Title(title) => {
                    let title = title.chars().filter(|c| !c.is_control());
                    self.title = Some(title.take(LONGEST_TITLE).collect());
                }
                Event::ResetTitle => self.title = None,
                Event::Bell => self.bells += 1,
                // Answers hold numbers only, never text that output chose.
                Event::PtyWrite(answer) => self.answer(&answer),
                Event::ColorRequest(index, format) => self.answer(&format(standard_color(index))),
                Event::TextAreaSizeRequest(format) => {
                    self.answer(&format(WindowSize {
                        num_lines: self.size.rows(),
                        num_cols: self.size.columns(),
                        cell_width: 8,
                        cell_height: 16,
                    }));
                }
                // The clipboard is neither read nor written; the rest is for
                // those who draw.
                _ => (),
            }
        }
    }

    fn answer(&mut self, answer: &str) {
        if self.answers.len() + answer.len() <= MOST_ANSWER_BYTES {
            self.answers.extend_from_slice(answer.as_bytes());
        }
    }

    /// What the terminal has to answer to the program since the last call.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
    }

    pub(crate) fn resize(&mut self, size: Size) {
        self.size = size;
        self.term.resize(size);
        self.take_events();
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    pub(crate) fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    pub(crate) fn full_screen(&self) -> bool {
        self.term.mode().contains(TermMode::ALT_SCREEN)
    }

    pub(crate) fn input_modes(&self) -> InputModes {
        let mode = self.term.mode();
        InputModes {
            application_cursor: mode.contains(TermMode::APP_CURSOR),
            bracketed_paste: mode.contains(TermMode::BRACKETED_PASTE),
        }
    }

    pub(crate) fn screen(&self) -> Screen {
        let rows = 0..i32::from(self.size.rows());
        Screen {
            size: self.size,
            rows: rows.map(|row| self.row(Line(row))).collect(),
            cursor: self.position(),
            cursor_visible: self.term.mode().contains(TermMode::SHOW_CURSOR),
            title: self.title.clone(),
            full_screen: self.full_screen(),
            bells: self.bells,
            mouse: self.mouse(),
        }
    }

    /// Where the next character would go.
    pub(crate) fn position(&self) -> Position {
        let cursor = self.term.grid().cursor.point;
        Position {
            row: u16::try_from(cursor.line.0).unwrap_or(0),
            column: u16::try_from(cursor.column.0).unwrap_or(u16::MAX),
        }
    }

    fn mouse(&self) -> MouseMode {
        let mode = self.term.mode();
        match (
            mode.intersects(TermMode::MOUSE_MODE),
            mode.contains(TermMode::SGR_MOUSE),
        ) {
            (false, _) => MouseMode::Off,
            (true, false) => MouseMode::X10,
            (true, true) => MouseMode::Sgr,
        }
    }

    pub(crate) fn scrollback(&self, start: usize, lines: usize) -> Scrollback {
        let total = self.term.history_size();
        let start = start.min(total);
        let end = start.saturating_add(lines).min(total);
        let line = |number: usize| Line(-i32::try_from(total - number).unwrap_or(i32::MAX));
        Scrollback {
            start,
            rows: (start..end).map(|number| self.row(line(number))).collect(),
            total,
        }
    }

    fn row(&self, line: Line) -> Row {
        let cells = &self.term.grid()[line][..];
        let blank = Cell::default();
        // Most of a screen is empty, and nothing is told of that.
        let used = cells.iter().rposition(|cell| *cell != blank);
        let used = used.map_or(0, |last| last + 1);
        let mut text = String::with_capacity(used);
        let mut styles: Vec<StyledRun> = Vec::new();
        for (column, cell) in cells[..used].iter().enumerate() {
            let spacer = Flags::WIDE_CHAR_SPACER | Flags::LEADING_WIDE_CHAR_SPACER;
            if !cell.flags.intersects(spacer) {
                // A tabulator is kept as such in the cell where it began.
                text.push(if cell.c == '\t' { ' ' } else { cell.c });
                if let Some(combining) = cell.zerowidth() {
                    text.extend(combining);
                }
            }
            add_style(&mut styles, column, style_of(cell));
        }
        text.truncate(text.trim_end_matches(' ').len());
        Row {
            text,
            wrapped: (cells.last()).is_some_and(|last| last.flags.contains(Flags::WRAPLINE)),
            styles,
        }
    }
}

fn add_style(styles: &mut Vec<StyledRun>, column: usize, style: Style) {
    if style == Style::default() {
        return;
    }
    let column = u16::try_from(column).unwrap_or(u16::MAX);
    match styles.last_mut() {
        Some(last) if last.style == style && last.columns.end == column => {
            last.columns.end = column + 1;
        }
        _ => styles.push(StyledRun {
            columns: column..column + 1,
            style,
        }),
    }
}

fn style_of(cell: &Cell) -> Style {
    let has = |flags| cell.flags.intersects(flags);
    Style {
        foreground: color_of(cell.fg),
        background: color_of(cell.bg),
        bold: has(Flags::BOLD),
        dim: has(Flags::DIM),
        italic: has(Flags::ITALIC),
        underline: has(Flags::ALL_UNDERLINES),
        inverse: has(Flags::INVERSE),
        hidden: has(Flags::HIDDEN),
        strikeout: has(Flags::STRIKEOUT),
    }
}

fn color_of(color: ansi::Color) -> Option<Color> {
    match color {
        ansi::Color::Named(named) => u8::try_from(named as usize).ok().map(Color::Palette),
        ansi::Color::Indexed(index) => Some(Color::Palette(index)),
        ansi::Color::Spec(rgb) => Some(Color::Rgb(rgb.r, rgb.g, rgb.b)),
    }
}

/// What a program is told that asks for a colour: white on black, xterm's
/// palette. Nothing is drawn, but programs choose dark or light themes by it.
fn standard_color(index: usize) -> ansi::Rgb {
    const ANSI: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ];
    let level = |step: usize| [0, 95, 135, 175, 215, 255][step % 6];
    let (r, g, b) = match index {
        0..16 => ANSI[index],
        16..232 => (
            level((index - 16) / 36),
            level((index - 16) / 6),
            level(index - 16),
        ),
        232..=255 => {
            let grey = (8 + 10 * (index - 232)) as u8;
            (grey, grey, grey)
        }
        // Background; text and cursor.
        257 => (0, 0, 0),
        _ => (229, 229, 229),
    };
    ansi::Rgb { r, g, b }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn emulator(columns: u16, rows: u16) -> Emulator {
        Emulator::new(Size::new(columns, rows).expect("a size"), 100)
    }

    #[test]
    fn rows_hold_wide_and_combining_characters_once() {
        let mut emulator = emulator(10, 3);
        emulator.advance("日本e\u{301}\r\n\x1b[1;32mok\x1b[0m.".as_bytes());
        let screen = emulator.screen();
        assert_eq!(screen.text(), "日本e\u{301}\nok.");
        assert_eq!(screen.cursor, Position { row: 1, column: 3 });
        let green = Style {
            foreground: Some(Color::Palette(2)),
            bold: true,
            ..Style::default()
        };
        assert_eq!(
            screen.rows[1].styles,
            [StyledRun {
                columns: 0..2,
                style: green
            }]
        );
    }

    #[test]
    fn lines_above_the_screen_are_numbered_from_the_oldest() {
        let mut emulator = emulator(10, 2);
        for number in 0..200 {
            emulator.advance(format!("{number}\r\n").as_bytes());
            if number % 60 == 0 {
                emulator.free_spare_rows();
            }
        }
        let scrollback = emulator.scrollback(98, 10);
        assert_eq!(scrollback.total, 100);
        let texts: Vec<_> = scrollback
            .rows
            .iter()
            .map(|row| row.text.as_str())
            .collect();
        assert_eq!(texts, ["197", "198"]);
    }

    #[test]
    fn answers_are_numbers_and_never_the_title() {
        let mut emulator = emulator(10, 2);
        emulator.advance(b"\x1b]0;rm -rf ~\x07\x1b[21t\x1b[6n\x1b[c\x1b]11;?\x07\x1b]52;c;?\x07");
        assert_eq!(emulator.title(), Some("rm -rf ~"));
        let answers = String::from_utf8(emulator.take_answers()).expect("text");
        assert_eq!(answers, "\x1b[1;1R\x1b[?6c\x1b]11;rgb:0000/0000/0000\x07");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b';'), b'0'..=b'9', b'@'..=b'z'],
                0..600,
            ),
            columns in 2_u16..40,
            rows in 1_u16..20,
        ) {
            let mut emulator = emulator(20, 5);
            for piece in bytes.chunks(50) {
                emulator.advance(piece);
                let _ = (emulator.screen(), emulator.scrollback(0, 10));
                emulator.resize(Size::new(columns, rows).expect("a size"));
                emulator.free_spare_rows();
                emulator.advance(piece);
            }
        }
    }
}
