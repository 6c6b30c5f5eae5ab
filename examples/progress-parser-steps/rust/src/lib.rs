//! Reads steps such as `[3/7] Compiling` off the output: what ninja, npm and many
//! scripts print.
//!
//! It shows how a parser remembers a session: a piece of text may end in the
//! middle of a line, so the unfinished line is kept, within bounds.

use quarterdeck_sdk::NoConfig;
use quarterdeck_sdk::progress_parser::{
    Piece, ProgressParser, Session, SessionParser, Status, Update,
};

/// The policy: it has nothing to say but how to begin.
#[derive(Debug)]
pub struct Steps;

/// Reads one session.
#[derive(Debug, Default)]
pub struct StepParser {
    /// The line under way.
    line: String,
    /// What was told last, so that nothing is told twice.
    last: Option<Update>,
}

/// Longer lines have their step at the beginning, or none.
const LONGEST_LINE: usize = 4096;

impl ProgressParser for Steps {
    type Config = NoConfig;
    type Parser = StepParser;

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self)
    }

    fn parser(&'static self, _session: &Session) -> StepParser {
        StepParser::default()
    }
}

impl SessionParser for StepParser {
    fn feed(&mut self, chunk: &[Piece]) -> Vec<Update> {
        let mut updates = Vec::new();
        for piece in chunk {
            match piece {
                Piece::Text(text) => self.read(text, &mut updates),
                Piece::CommandEnd(status) => updates.extend(self.end(*status)),
                _ => {}
            }
        }
        updates
    }
}

impl StepParser {
    fn read(&mut self, text: &str, updates: &mut Vec<Update>) {
        // A carriage return begins the line anew: that is how bars are redrawn.
        for part in text.split_inclusive(['\n', '\r']) {
            let ends = part.ends_with(['\n', '\r']);
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            let part = part.trim_end_matches(['\n', '\r']);
            self.line.push_str(&part[..part.floor_char_boundary(room)]);
            if ends {
                let update = step(&self.line);
                if update.is_some() && update != self.last {
                    self.last.clone_from(&update);
                    updates.extend(update);
                }
                self.line.clear();
            }
        }
    }

    /// The command is over, and with it what was under way.
    fn end(&mut self, exit_status: Option<i32>) -> Option<Update> {
        self.line.clear();
        let mut update = self.last.take()?;
        update.status = match exit_status {
            None | Some(0) => Status::Completed,
            Some(_) => Status::Failed,
        };
        Some(update)
    }
}

/// `[3/7] label` as an update.
fn step(line: &str) -> Option<Update> {
    let (count, label) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    let (done, total) = count.split_once('/')?;
    let (done, total) = (done.trim().parse().ok()?, total.trim().parse().ok()?);
    (done <= total && total > 0)
        .then(|| Update::new(Status::Running, label.trim()).with_count(done, total))
}

quarterdeck_sdk::export!(progress_parser: Steps);

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(parser: &mut StepParser, text: &str) -> Vec<Update> {
        parser.feed(&[Piece::Text(text.to_owned())])
    }

    #[test]
    fn a_step_is_read_however_its_text_is_cut() {
        let whole = "building\n[1/4] Compiling a.c\r[2/4] Compiling b.c\n";
        let expected = feed(&mut StepParser::default(), whole);
        assert_eq!(expected.len(), 2);
        assert_eq!(expected[1].percent, Some(50.0));
        for cut in 0..whole.len() {
            let mut parser = StepParser::default();
            let mut updates = feed(&mut parser, &whole[..cut]);
            updates.extend(feed(&mut parser, &whole[cut..]));
            assert_eq!(updates, expected, "cut at {cut}");
        }
    }

    #[test]
    fn the_end_of_the_command_is_the_end_of_its_progress() {
        let mut parser = StepParser::default();
        feed(&mut parser, "[1/2] Linking\n");
        let updates = parser.feed(&[Piece::CommandEnd(Some(1))]);
        assert_eq!(updates[0].status, Status::Failed);
        assert_eq!(parser.feed(&[Piece::CommandEnd(Some(0))]), []);
    }

    #[test]
    fn what_only_looks_like_a_step_is_none() {
        for line in ["[a/b] x", "[5/4] x", "[0/0]", "1/2", "[1/2 x", "[/] x", ""] {
            assert_eq!(step(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory_without_end() {
        let mut parser = StepParser::default();
        for _ in 0..100 {
            assert_eq!(feed(&mut parser, &"é".repeat(1000)), []);
        }
        assert!(parser.line.len() <= LONGEST_LINE);
    }
}
