//! Programs with their arguments, and assignments.

use super::{Parser, ProblemKind};
use crate::syntax::{Assignment, Sets, Simple, Word};

impl Parser<'_> {
    pub(super) fn simple(&mut self) -> Option<Simple> {
        let start = self.position;
        let mut simple = Simple::default();
        let mut end = start;
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect() {
                simple.redirects.push(redirect);
            } else if let Some(assignment) = self.assignment(simple.words.is_empty()) {
                if simple.words.is_empty() {
                    simple.assignments.push(assignment);
                } else {
                    // `declare names=(…)`: an argument that holds an array.
                    simple.words.extend(assignment.values);
                }
            } else if let Some(word) = self.word() {
                simple.words.push(word);
            } else if self.peek() == Some(b'(') && !simple.words.is_empty() {
                // Only fish has a place for it: what it puts in there.
                self.problem(ProblemKind::Unexpected, self.position);
                simple.words.push(self.bracketed());
            } else {
                break;
            }
            end = self.position;
        }
        if end == start {
            return None;
        }
        let after = std::mem::replace(&mut self.position, end);
        simple.span = self.span_from(start);
        self.position = after;
        Some(simple)
    }

    /// An assignment before the command's name, or an array after it.
    fn assignment(&mut self, leading: bool) -> Option<Assignment> {
        let rest = self.rest();
        let name_length = rest
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
            .filter(|length| *length > 0 && !rest.as_bytes()[0].is_ascii_digit())?;
        let mut after_name = &rest[name_length..];
        let mut sets = Sets::All;
        if after_name.starts_with('[') {
            let line = after_name.find(['\n', ' ']).unwrap_or(after_name.len());
            let close = after_name[..line]
                .find("]=")
                .or_else(|| after_name[..line].find("]+="))?;
            // What the index runs is not lost when the whole is taken for a word.
            if after_name[..close].contains(['$', '`']) {
                return None;
            }
            after_name = &after_name[close + 1..];
            sets = Sets::Part;
        }
        if let Some(after) = after_name.strip_prefix('+') {
            after_name = after;
            sets = match sets {
                Sets::All => Sets::End,
                _ => Sets::Part,
            };
        }
        let value = after_name.strip_prefix('=')?;
        let array = value.starts_with('(');
        if array && sets == Sets::End {
            sets = Sets::Part;
        }
        if !leading && !array {
            return None;
        }
        let start = self.position;
        let name = rest[..name_length].to_owned();
        self.position += rest.len() - value.len();
        let values = if array {
            self.position += 1;
            self.array(start)
        } else {
            vec![self.word_after_assignment()]
        };
        let span = self.span_from(start);
        Some(Assignment {
            name,
            values,
            sets,
            span,
        })
    }

    fn array(&mut self, start: usize) -> Vec<Word> {
        let mut values = Vec::new();
        loop {
            self.skip_lines();
            match self.word() {
                Some(word) => values.push(word),
                None => break,
            }
        }
        self.close(")", "(", start);
        values
    }
}
