//! Reads percentages at the end of a line, such as `copying 42%`.

use quarterdeck_sdk::NoConfig;
use quarterdeck_sdk::progress_parser::{
    Piece, ProgressParser, Session, SessionParser, Status, Update,
};

/// The policy.
#[derive(Debug)]
pub struct Policy;

/// Reads one session.
#[derive(Debug, Default)]
pub struct Parser {
    /// The line under way: text may be cut anywhere.
    line: String,
}

/// Longer lines are not looked at.
const LONGEST_LINE: usize = 4096;

impl ProgressParser for Policy {
    type Config = NoConfig;
    type Parser = Parser;

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self)
    }

    fn parser(&'static self, _session: &Session) -> Parser {
        Parser::default()
    }
}

impl SessionParser for Parser {
    fn feed(&mut self, chunk: &[Piece]) -> Vec<Update> {
        let mut updates = Vec::new();
        for piece in chunk {
            let Piece::Text(text) = piece else { continue };
            for character in text.chars() {
                match character {
                    '\n' | '\r' => {
                        updates.extend(percentage(&self.line));
                        self.line.clear();
                    }
                    _ if self.line.len() < LONGEST_LINE => self.line.push(character),
                    _ => {}
                }
            }
        }
        updates
    }
}

fn percentage(line: &str) -> Option<Update> {
    let before = line.trim_end().strip_suffix('%')?;
    let (label, number) = before.rsplit_once(' ')?;
    let percent = number.parse().ok().filter(|percent| (0.0..=100.0).contains(percent))?;
    Some(Update::new(Status::Running, label.trim()).with_percent(percent))
}

quarterdeck_sdk::export!(progress_parser: Policy);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_read_even_if_it_is_cut() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(&[Piece::Text("copying 4".to_owned())]), []);
        let updates = parser.feed(&[Piece::Text("2%\r".to_owned())]);
        assert_eq!((updates[0].label.as_str(), updates[0].percent), ("copying", Some(42.0)));
        assert_eq!(parser.feed(&[Piece::Text("100% sure\n 300%\n".to_owned())]), []);
    }
}
