//! Commands that arrive line by line: `for … do`, an open quote, a here-document.
//!
//! A shell runs nothing of a command before the line that completes it, and that line is
//! judged together with those before it. So one that leaves something open may pass for
//! what it is, as long as there is no other way to read it: its commands are judged as they
//! come, and what looks dangerous inside an open quote is refused at once.

use crate::parser::{Problem, ProblemKind};
use crate::request::Request;

/// The lines of a command that were handed to the shell before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierLines {
    /// How many bytes of the command line they are, with their line breaks.
    pub bytes: usize,
    /// Whether the shell is known to wait for what completes them. Where it is not, the
    /// last line may be a command of its own.
    pub awaited: bool,
}

impl EarlierLines {
    /// From the attributes `earlier-bytes` and `waits-for-more`.
    pub fn told(bytes: Option<&str>, waits_for_more: Option<&str>) -> Option<Self> {
        Some(Self {
            bytes: bytes?.parse().ok()?,
            awaited: waits_for_more == Some("yes"),
        })
    }
}

impl Request {
    /// The line that is handed over now.
    pub(crate) fn last_line(&self) -> &str {
        let from = self.earlier.map_or(0, |earlier| earlier.bytes);
        self.command_line.get(from..).unwrap_or(&self.command_line)
    }

    /// Whether all that is wrong with the line is that more has to come, and the shell
    /// will ask for it.
    pub(crate) fn goes_on(&self, problems: &[Problem]) -> bool {
        // Of several lines at once, one could end what they leave open here.
        let one_line = !self.last_line().trim_end().contains(['\n', '\r']);
        self.is_typed()
            && !self.is_typed_ahead()
            && !problems.is_empty()
            && problems.iter().all(|problem| match problem.kind {
                ProblemKind::Unterminated(opening) => one_line || !holds_text(opening),
                _ => false,
            })
    }
}

/// Whether what it opens is text, rather than commands, which are judged one by one.
fn holds_text(opening: &str) -> bool {
    matches!(opening, "'" | "\"" | "$'" | "${" | "`" | "<<")
}
