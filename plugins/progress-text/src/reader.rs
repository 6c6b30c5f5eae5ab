//! Output in, updates out.

use serde::de::DeserializeOwned;

use crate::{Board, Item, Lines, Piece, ReportedProgress, Seen, Update};

/// What the output of a program means.
///
/// A value of the type is what is known of one run; it is cloned for every run,
/// and for every line that is not complete yet, so keep it small and share what
/// is not (as with `Arc`).
pub trait Program: Clone + Send + Sync + 'static {
    /// The sidecar's `[config]` table; an empty table must do.
    type Settings: DeserializeOwned + Default;

    /// Prepares for reading, before any run.
    ///
    /// # Errors
    ///
    /// Tells the writer of the sidecar which setting cannot be, and why.
    fn configured(settings: Self::Settings) -> Result<Self, String>;

    /// Reads a line, and writes on the board what it means.
    fn line(&mut self, line: &str, board: &mut Board);

    /// Reads progress that the program reported by OSC 9;4.
    fn reported(&mut self, _reported: ReportedProgress, _board: &mut Board) {}
}

/// Reads the output of one session.
#[derive(Debug)]
pub struct Reader<P> {
    /// Before any run.
    fresh: P,
    run: Run<P>,
    lines: Lines,
    /// What the host knows.
    reported: Board,
}

/// What complete lines said since the command began.
#[derive(Debug, Clone)]
struct Run<P> {
    program: P,
    board: Board,
}

impl<P: Program> Run<P> {
    fn see(&mut self, seen: Seen<'_>) {
        match seen {
            Seen::Line(line) => self.program.line(line, &mut self.board),
            Seen::Reported(reported) => self.program.reported(reported, &mut self.board),
        }
    }
}

impl<P: Program> Reader<P> {
    /// Nothing read yet.
    pub fn new(program: P) -> Self {
        Self {
            run: Run {
                program: program.clone(),
                board: Board::default(),
            },
            fresh: program,
            lines: Lines::default(),
            reported: Board::default(),
        }
    }

    /// Reads on; gives the items that changed, as they stand at the end.
    pub fn feed(&mut self, chunk: &[Piece]) -> Vec<Update> {
        let mut updates = Vec::new();
        for piece in chunk {
            match piece {
                Piece::Text(text) => {
                    let run = &mut self.run;
                    self.lines.feed(text, &mut |seen| run.see(seen));
                }
                Piece::Reported(reported) => self.run.see(Seen::Reported(*reported)),
                Piece::CommandStart(_) => {
                    updates.extend(self.report());
                    self.begin();
                }
                Piece::CommandEnd(exit_status) => {
                    let run = &mut self.run;
                    self.lines.flush(&mut |seen| run.see(seen));
                    run.board.end(*exit_status);
                    updates.extend(self.report());
                    self.begin();
                }
                // What follows is the shell's: no line of the program ends in it.
                Piece::PromptStart => {
                    let run = &mut self.run;
                    self.lines.flush(&mut |seen| run.see(seen));
                }
            }
        }
        updates.extend(self.report());
        updates
    }

    /// How everything stands, the line that is not complete yet included.
    #[must_use]
    pub fn board(&self) -> Board {
        if self.lines.pending().is_empty() {
            return self.run.board.clone();
        }
        let mut ahead = self.run.clone();
        ahead.see(Seen::Line(self.lines.pending()));
        ahead.board
    }

    fn begin(&mut self) {
        self.run = Run {
            program: self.fresh.clone(),
            board: Board::default(),
        };
        self.lines = Lines::default();
        self.reported = Board::default();
    }

    /// What changed since the last report.
    fn report(&mut self) -> Vec<Update> {
        let board = self.board();
        if board == self.reported {
            return Vec::new();
        }
        let known = |item: &Item| self.reported.items().contains(item);
        let updates = board.items().iter().filter(|item| !known(item));
        let updates = updates.map(Update::from).collect();
        self.reported = board;
        updates
    }
}
