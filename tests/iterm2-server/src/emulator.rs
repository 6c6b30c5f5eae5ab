//! What a session shows, with lines numbered as iTerm2 numbers them: from the beginning of
//! history, lost lines included.
//!
//! It is the emulator that quarterdeck-terminal uses, but not through that crate: its public
//! interface has no way to show bytes that no program wrote (`Inject`), and gives no raw output,
//! in which iTerm2's own escapes are found.

use std::sync::mpsc;

use alacritty_terminal::Term;
use alacritty_terminal::event::{Event, EventListener, WindowSize};
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::Cell;
use alacritty_terminal::term::{Config, Osc52, TermMode};
use alacritty_terminal::vte::ansi::{Processor, StdSyncHandler};

use crate::layout::Cells;

/// Lines kept above the screen.
pub(crate) const HISTORY: usize = 10_000;

/// Output is shown in pieces of this many bytes; no piece can scroll by more than
/// [`HISTORY_SLACK`] lines.
const PIECE: usize = 1024;
const HISTORY_SLACK: usize = PIECE * 1000;

pub(crate) struct Emulator {
    term: Term<Listener>,
    parser: Processor<StdSyncHandler>,
    events: mpsc::Receiver<Event>,
    size: Cells,
    /// Lines that are not kept any more.
    lost: usize,
    /// Lines above the screen before a full-screen program took over.
    above: usize,
    answers: Vec<u8>,
}

struct Listener(mpsc::Sender<Event>);

impl EventListener for Listener {
    fn send_event(&self, event: Event) {
        // The receiver lives as long as the emulator that owns both.
        let _ = self.0.send(event);
    }
}

impl Dimensions for Cells {
    fn total_lines(&self) -> usize {
        self.rows.into()
    }
    fn screen_lines(&self) -> usize {
        self.rows.into()
    }
    fn columns(&self) -> usize {
        self.columns.into()
    }
}

fn config(history: usize) -> Config {
    Config {
        scrolling_history: history,
        osc52: Osc52::Disabled,
        ..Config::default()
    }
}

impl Emulator {
    pub(crate) fn new(size: Cells) -> Self {
        let (sender, events) = mpsc::channel();
        Self {
            term: Term::new(config(HISTORY + HISTORY_SLACK), &size, Listener(sender)),
            parser: Processor::new(),
            events,
            size,
            lost: 0,
            above: 0,
            answers: Vec::new(),
        }
    }

    /// Shows output.
    pub(crate) fn show(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            self.parser.advance(&mut self.term, piece);
            self.take_events();
            if !self.full_screen() {
                let history = self.term.history_size();
                // Cleared history is as lost as history that ran over.
                self.lost += self.above.saturating_sub(history);
                if history > HISTORY {
                    self.lost += history - HISTORY;
                    self.term.set_options(config(HISTORY));
                    self.term.set_options(config(HISTORY + HISTORY_SLACK));
                }
                self.above = self.term.history_size();
            }
        }
    }

    fn take_events(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            match event {
                Event::PtyWrite(answer) => self.answers.extend(answer.into_bytes()),
                Event::TextAreaSizeRequest(format) => {
                    let size = WindowSize {
                        num_lines: self.size.rows,
                        num_cols: self.size.columns,
                        cell_width: 7,
                        cell_height: 15,
                    };
                    self.answers.extend(format(size).into_bytes());
                }
                _ => (),
            }
        }
    }

    /// What the terminal has to answer to the program since the last call.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
    }

    pub(crate) fn resize(&mut self, size: Cells) {
        self.size = size;
        self.term.resize(size);
        if !self.full_screen() {
            self.above = self.term.history_size();
        }
    }

    pub(crate) fn size(&self) -> Cells {
        self.size
    }

    pub(crate) fn full_screen(&self) -> bool {
        self.term.mode().contains(TermMode::ALT_SCREEN)
    }

    pub(crate) fn brackets_pastes(&self) -> bool {
        self.term.mode().contains(TermMode::BRACKETED_PASTE)
    }

    /// Lines that are not kept any more; the number of the first that is.
    pub(crate) fn lost(&self) -> usize {
        self.lost
    }

    /// Lines that are kept above the screen.
    pub(crate) fn history(&self) -> usize {
        self.above
    }

    /// The number of the screen's first line.
    pub(crate) fn screen_start(&self) -> usize {
        self.lost + self.above
    }

    /// The column and the line of the cursor.
    pub(crate) fn cursor(&self) -> (usize, usize) {
        let point = self.term.grid().cursor.point;
        let row = usize::try_from(point.line.0).unwrap_or(0);
        (point.column.0, self.screen_start() + row)
    }

    /// The cells of a line, if it is kept. While a full-screen program runs, only its screen is.
    pub(crate) fn line(&self, number: usize) -> Option<Vec<&Cell>> {
        let row = i64::try_from(number).ok()? - i64::try_from(self.screen_start()).ok()?;
        let oldest = -i64::try_from(self.term.history_size()).ok()?;
        if !(oldest..i64::from(self.size.rows)).contains(&row) {
            return None;
        }
        let cells = &self.term.grid()[Line(i32::try_from(row).ok()?)];
        Some(
            (0..self.size.columns.into())
                .map(|at| &cells[Column(at)])
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(emulator: &Emulator, number: usize) -> Option<String> {
        let cells = emulator.line(number)?;
        let text: String = cells.iter().map(|cell| cell.c).collect();
        Some(text.trim_end().to_owned())
    }

    #[test]
    fn lines_keep_their_numbers_when_history_runs_over() {
        let mut emulator = Emulator::new(Cells {
            columns: 20,
            rows: 5,
        });
        for line in 0..HISTORY + 100 {
            emulator.show(format!("{line}\r\n").as_bytes());
        }
        assert_eq!(emulator.history(), HISTORY);
        assert_eq!(emulator.lost(), 96);
        assert_eq!(text(&emulator, 95), None);
        assert_eq!(text(&emulator, 96).as_deref(), Some("96"));
        assert_eq!(text(&emulator, HISTORY + 99).as_deref(), Some("10099"));
        assert_eq!(emulator.cursor(), (0, HISTORY + 100));
        emulator.show(b"\x1b[3Jlast");
        assert_eq!(text(&emulator, HISTORY + 100).as_deref(), Some("last"));
        assert_eq!(emulator.history(), 0);
    }
}
