//! The line that the keys typed since the last Enter add up to.
//!
//! Used where nobody can be asked: in shells without integration, in programs
//! that read lines, and to foresee what a whole input would submit before any
//! of it is typed. Follows the keys that the terminal's own line discipline and
//! readline's Emacs mode agree on. Keys that only a line editor knows are followed
//! as it would, and leave the line *uncertain* like any other: to a reader without
//! one, `rm x;'`, Ctrl-A, `echo '` is no `echo`. The gate says so to the policies.

use super::keystroke::{Keystroke, Motion, Stroke, strokes};

/// Longer lines are cut at the front and count as uncertain.
const LONGEST_LINE: usize = 256 * 1024;

/// A line under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypedLine {
    text: Vec<char>,
    cursor: usize,
    killed: Vec<char>,
    uncertain: bool,
    /// Escape was typed: in an editor with vi's keys letters may be commands since.
    perhaps_vi: bool,
    /// The key typed last, where the next one makes up its meaning.
    prefix: Option<u8>,
}

/// What a keystroke did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The line changed, or nothing did.
    Edited,
    /// The line is handed to the program.
    Submitted(Submission),
}

/// A line that is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Submission {
    pub(crate) text: String,
    /// Whether keys were typed whose effect on the line is unknown.
    pub(crate) uncertain: bool,
}

impl TypedLine {
    /// Takes over a content that is known from elsewhere, with the cursor at its
    /// end. What was killed before can still be yanked.
    pub(crate) fn hold(&mut self, text: &str) {
        self.text = text.chars().collect();
        self.cursor = self.text.len();
        self.uncertain = false;
        self.perhaps_vi = false;
        self.prefix = None;
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.text.is_empty() && !self.uncertain
    }

    /// Something may stand on the line that nobody typed.
    pub(crate) fn doubt(&mut self) {
        self.uncertain = true;
    }

    pub(crate) fn clear(&mut self) {
        let killed = std::mem::take(&mut self.killed);
        *self = Self {
            killed,
            ..Self::default()
        };
    }

    /// Text that arrives as one piece, for example a bracketed paste: its line
    /// breaks do not submit.
    pub(crate) fn insert(&mut self, text: &str) {
        let before = self.text.len();
        self.text.splice(
            self.cursor..self.cursor,
            text.chars().filter(|c| *c != '\0'),
        );
        self.cursor += self.text.len() - before;
        if self.text.len() > LONGEST_LINE {
            let excess = self.text.len() - LONGEST_LINE;
            self.text.drain(..excess);
            self.cursor = self.cursor.saturating_sub(excess);
            self.uncertain = true;
        }
    }

    /// Another program than a line editor has the keys: what it makes of two in a
    /// row is its own affair.
    pub(crate) fn forget_prefix(&mut self) {
        self.perhaps_vi = false;
        self.prefix = None;
    }

    /// Applies one stroke, together with the key before it where that waits.
    pub(crate) fn apply(&mut self, stroke: &Stroke) -> Effect {
        let Some(prefix) = self.prefix.take() else {
            return self.apply_alone(stroke);
        };
        let mut keys = vec![prefix];
        keys.extend_from_slice(&stroke.bytes);
        strokes(&keys)
            .iter()
            .map(|stroke| self.apply_alone(stroke))
            .fold(Effect::Edited, |so_far, effect| match effect {
                Effect::Edited => so_far,
                submitted => submitted,
            })
    }

    fn apply_alone(&mut self, stroke: &Stroke) -> Effect {
        self.perhaps_vi |= leads_to_commands_of_vi(stroke);
        match &stroke.keystroke {
            // `v` edits the line elsewhere and runs it, `#` hands it over as a remark,
            // `@` plays what an alias holds.
            Keystroke::Text(text) if self.perhaps_vi && text.contains(['v', '#', '@']) => {
                self.insert(text);
                self.uncertain = true;
                return Effect::Submitted(self.peek());
            }
            Keystroke::Text(text) => self.insert(text),
            Keystroke::Submit => return Effect::Submitted(self.take()),
            // In the kernel's line discipline Ctrl-D hands over what was typed
            // so far, without a line break; on an empty line it is harmless.
            Keystroke::EndOfFile if self.is_clean() => {}
            // Alt and a character runs the line, and there is none.
            Keystroke::MaySubmit if self.is_clean() && !may_bring_text(stroke) => {}
            Keystroke::EndOfFile => {
                let submission = self.peek();
                // In a line editor it deletes what is at the cursor.
                if self.cursor < self.text.len() {
                    self.text.remove(self.cursor);
                    self.uncertain = true;
                }
                return Effect::Submitted(submission);
            }
            Keystroke::MaySubmit => {
                self.uncertain |= may_bring_text(stroke);
                let submission = self.peek();
                self.uncertain = true;
                return Effect::Submitted(submission);
            }
            Keystroke::Prefix => {
                self.prefix = stroke.bytes.first().copied();
                self.uncertain = true;
            }
            Keystroke::Interrupt => self.clear(),
            Keystroke::Backspace => self.erase(),
            Keystroke::BackspaceInEditor => {
                self.erase();
                self.uncertain = true;
            }
            Keystroke::Delete => {
                if self.cursor < self.text.len() {
                    self.text.remove(self.cursor);
                }
                self.uncertain = true;
            }
            Keystroke::KillToStart => {
                self.killed = self.text.drain(..self.cursor).collect();
                self.cursor = 0;
            }
            Keystroke::KillToEnd => {
                self.killed = self.text.split_off(self.cursor);
                self.uncertain = true;
            }
            Keystroke::KillWord => self.kill_word(),
            // A guess: the editor's kill ring is older than this line, and other
            // keys fill it too.
            Keystroke::Yank => {
                let killed: String = self.killed.iter().collect();
                self.insert(&killed);
                self.uncertain = true;
            }
            Keystroke::Move(motion) => {
                self.cursor = match motion {
                    Motion::Left => self.cursor.saturating_sub(1),
                    Motion::Right => (self.cursor + 1).min(self.text.len()),
                    Motion::Start => 0,
                    Motion::End => self.text.len(),
                };
                self.uncertain = true;
            }
            Keystroke::Inert => {}
            Keystroke::Opaque => self.uncertain = true,
        }
        Effect::Edited
    }

    fn erase(&mut self) {
        if self.cursor > 0 {
            self.cursor -= 1;
            self.text.remove(self.cursor);
        }
    }

    fn kill_word(&mut self) {
        let mut start = self.cursor;
        while start > 0 && self.text[start - 1].is_whitespace() {
            start -= 1;
        }
        while start > 0 && !self.text[start - 1].is_whitespace() {
            start -= 1;
        }
        self.uncertain |= start != self.word_of_the_terminal();
        self.killed = self.text.drain(start..self.cursor).collect();
        self.cursor = start;
    }

    /// Where the word begins that the terminal's own line discipline would erase:
    /// letters, digits and `_`, with what follows them.
    fn word_of_the_terminal(&self) -> usize {
        let belongs = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let before = &self.text[..self.cursor];
        if !before.iter().all(char::is_ascii) {
            // It counts bytes.
            return usize::MAX;
        }
        let after = before.iter().rposition(belongs).map_or(0, |last| last + 1);
        before[..after]
            .iter()
            .rposition(|c| !belongs(c))
            .map_or(0, |last| last + 1)
    }

    /// The line as it would be handed over now.
    pub(crate) fn peek(&self) -> Submission {
        Submission {
            text: self.text.iter().collect(),
            uncertain: self.uncertain,
        }
    }

    fn take(&mut self) -> Submission {
        let submission = self.peek();
        self.clear();
        submission
    }
}

/// Escape, alone or with a key behind it that is none of a sequence.
fn leads_to_commands_of_vi(stroke: &Stroke) -> bool {
    stroke.bytes.first() == Some(&0x1b) && !matches!(stroke.bytes.get(1), Some(b'[' | b'O'))
}

/// Whether a key that may run something brings the text of it, as a keyboard
/// macro does, rather than running the line as it stands.
fn may_bring_text(stroke: &Stroke) -> bool {
    matches!(stroke.bytes[..], [0x18, ..] | [0x1b, 0x05])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that typing `input` submits.
    fn submitted(input: &str) -> Vec<(String, bool)> {
        let mut line = TypedLine::default();
        strokes(input.as_bytes())
            .iter()
            .filter_map(|stroke| match line.apply(stroke) {
                Effect::Submitted(submission) => Some((submission.text, submission.uncertain)),
                Effect::Edited => None,
            })
            .collect()
    }

    #[test]
    fn editing_keys_add_up_to_the_line_that_runs() {
        let cases: &[(&str, &str)] = &[
            ("rm -rf ~\r", "rm -rf ~"),
            ("rmm\x7f -rf ~\r", "rm -rf ~"),
            ("ls\x15rm -rf ~\r", "rm -rf ~"),
            ("rm -rf ~ x\x17\r", "rm -rf ~ "),
            ("dropped\x03pwd\r", "pwd"),
        ];
        for (typed, expected) in cases {
            assert_eq!(
                submitted(typed),
                [((*expected).to_owned(), false)],
                "{typed:?}"
            );
        }
    }

    #[test]
    fn keys_of_a_line_editor_are_followed_and_doubted() {
        let cases: &[(&str, &str)] = &[
            (
                "echo rm -rf ~\x01\x1b[3~\x1b[3~\x1b[3~\x1b[3~\x1b[3~\r",
                "rm -rf ~",
            ),
            ("-rf ~\x01rm \r", "rm -rf ~"),
            ("rf ~\x1b[D\x1b[D\x1b[D\x1b[Drm -\x05\r", "rm -rf ~"),
            ("echo a b\x01\x0bpwd\r", "pwd"),
            ("rmx\x08 -rf ~\r", "rm -rf ~"),
            // Without an editor `rm -rf ~;a-` stays.
            ("rm -rf ~;a-b\x17\r", "rm -rf "),
            // What a reader without an editor runs begins with `rm`.
            ("rm -rf ~;'\x01echo '\r", "echo 'rm -rf ~;'"),
        ];
        for (typed, expected) in cases {
            assert_eq!(
                submitted(typed),
                [((*expected).to_owned(), true)],
                "{typed:?}"
            );
        }
        let deleted = submitted("xecho\x01\x04\r");
        assert_eq!(deleted[1], ("echo".to_owned(), true));
    }

    #[test]
    fn keys_of_unknown_effect_make_the_line_uncertain() {
        for typed in ["\x1b[A\r", "\x12rm\r", "ec\t\r", "\x10\r"] {
            assert!(submitted(typed)[0].1, "{typed:?}");
        }
    }

    #[test]
    fn what_is_yanked_is_a_guess_that_outlives_the_line() {
        let expected = ("echo rm -rf ~".to_owned(), true);
        assert_eq!(submitted("rm -rf ~\x15echo \x19\r"), [expected]);
        let expected = ("rm -rf ~".to_owned(), true);
        assert_eq!(submitted("rm -rf ~\x15\r\x19\r")[1], expected);
        assert!(submitted("\x19\r")[0].1, "the ring may be older");

        let mut line = TypedLine::default();
        for stroke in strokes(b"rm -rf ~\x15") {
            line.apply(&stroke);
        }
        line.hold("");
        line.apply(&strokes(b"\x19")[0]);
        assert_eq!(line.peek().text, "rm -rf ~");
    }

    #[test]
    fn the_line_after_an_uncertain_one_is_certain_again() {
        assert_eq!(submitted("\x1b[A\rls\r")[1], ("ls".to_owned(), false));
    }

    #[test]
    fn what_a_keyboard_macro_brings_is_unknown() {
        assert_eq!(submitted("rm -rf\x18e"), [("rm -rf".to_owned(), true)]);
        assert_eq!(submitted("\x18e"), [(String::new(), true)]);
        assert_eq!(submitted("\x18x"), []);
    }

    #[test]
    fn what_vi_runs_without_an_enter_is_submitted() {
        for typed in ["rm -rf ~\x1bhv", "rm -rf ~\x1bh#", "\x1bjj@a"] {
            let found = submitted(typed);
            assert!(found.iter().any(|(_, uncertain)| *uncertain), "{typed:?}");
        }
        assert_eq!(submitted("vim #\x1b[D"), []);
    }

    #[test]
    fn a_key_that_waits_for_the_next_may_come_in_an_input_of_its_own() {
        for (first, second, expected) in [
            ("rm -rf ~\x1b", "a", "rm -rf ~"),
            ("rm -rf\x18", "e", "rm -rf"),
            ("rm -rf ~\x1b", "\r", "rm -rf ~"),
        ] {
            let mut line = TypedLine::default();
            let submitted: Vec<_> = [first, second]
                .iter()
                .flat_map(|input| strokes(input.as_bytes()))
                .map(|stroke| line.apply(&stroke))
                .filter(|effect| *effect != Effect::Edited)
                .collect();
            let text = expected.to_owned();
            let expected = Effect::Submitted(Submission {
                text,
                uncertain: true,
            });
            assert_eq!(submitted, [expected], "{first:?} {second:?}");
        }
    }

    #[test]
    fn end_of_file_hands_over_a_line_that_is_not_empty() {
        assert_eq!(submitted("rm -rf ~\x04"), [("rm -rf ~".to_owned(), false)]);
        assert_eq!(submitted("\x04"), []);
    }
}
