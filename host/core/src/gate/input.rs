//! What is to be typed: as it is asked for, and as it goes to the session.

use quarterdeck_policy::Entry;
use quarterdeck_terminal::Status;
use quarterdeck_terminal::keys::Key;

use super::keystroke::strokes;
use super::typed_line::{Effect, Submission, TypedLine};

/// One piece of what is to be typed.
#[derive(Clone, Debug)]
pub enum Input {
    /// Text; line breaks in it are Enters.
    Text(String),
    /// A named key.
    Key(Key),
    /// Bytes as they are, for what has no name here.
    Bytes(Vec<u8>),
    /// Text that arrives as a paste: where the program understands bracketed
    /// paste, its line breaks do not submit.
    Paste(String),
}

/// A piece as it goes to the session.
pub(super) enum Piece {
    Keys(Vec<u8>),
    BracketedPaste(String),
}

/// The lines that typing `pieces` onto `line` submits, without typing them.
pub(super) fn submissions(line: &TypedLine, pieces: &[Piece]) -> Vec<(Submission, Entry)> {
    let mut line = line.clone();
    let mut pasted = false;
    let mut submissions = Vec::new();
    for piece in pieces {
        match piece {
            Piece::BracketedPaste(text) => {
                line.insert(text);
                pasted = true;
            }
            Piece::Keys(keys) => {
                for stroke in strokes(keys) {
                    if let Effect::Submitted(submission) = line.apply(&stroke) {
                        let entry = if std::mem::take(&mut pasted) {
                            Entry::Pasted
                        } else {
                            Entry::Typed
                        };
                        submissions.push((submission, entry));
                    }
                }
            }
        }
    }
    submissions
}

/// Turns what was asked for into bytes, as the session's program expects them.
pub(super) fn pieces(input: &[Input], status: &Status) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for part in input {
        match part {
            Input::Paste(text) if status.bracketed_paste => {
                pieces.push(Piece::BracketedPaste(pasteable(text)));
            }
            Input::Text(text) | Input::Paste(text) => {
                push_keys(&mut pieces, enters(text).as_bytes());
            }
            Input::Bytes(bytes) => push_keys(&mut pieces, bytes),
            Input::Key(key) => push_keys(&mut pieces, &key.encode(status.application_cursor)),
        }
    }
    pieces
}

fn push_keys(pieces: &mut Vec<Piece>, bytes: &[u8]) {
    match pieces.last_mut() {
        Some(Piece::Keys(keys)) => keys.extend_from_slice(bytes),
        _ => pieces.push(Piece::Keys(bytes.to_vec())),
    }
}

/// Line breaks as the Enter key sends them.
fn enters(text: &str) -> String {
    text.replace("\r\n", "\r").replace('\n', "\r")
}

/// Text that cannot end its own paste: control characters other than tab and
/// line breaks are left out.
fn pasteable(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_cannot_end_itself() {
        assert_eq!(pasteable("a\u{1b}[201~\rb\u{7}"), "a[201~\nb");
    }

    #[test]
    fn every_line_of_an_input_is_foreseen() {
        let pieces = [
            Piece::Keys(b"ls\rrm -rf".to_vec()),
            Piece::Keys(b" ~\recho".to_vec()),
        ];
        let texts: Vec<_> = submissions(&TypedLine::default(), &pieces)
            .into_iter()
            .map(|(submission, _)| submission.text)
            .collect();
        assert_eq!(texts, ["ls", "rm -rf ~"]);
    }

    #[test]
    fn what_stood_on_the_line_before_counts() {
        let pieces = [Piece::Keys(b"f ~\r".to_vec())];
        let mut line = TypedLine::default();
        line.hold("rm -r");
        let (submission, _) = &submissions(&line, &pieces)[0];
        assert_eq!(submission.text, "rm -rf ~");
    }

    #[test]
    fn a_pasted_text_is_one_submission() {
        let pieces = [
            Piece::BracketedPaste("echo a\nrm -rf ~\necho b".into()),
            Piece::Keys(b"\r".to_vec()),
        ];
        let submissions = submissions(&TypedLine::default(), &pieces);
        assert_eq!(submissions.len(), 1);
        assert_eq!(submissions[0].0.text, "echo a\nrm -rf ~\necho b");
        assert_eq!(submissions[0].1, Entry::Pasted);
    }
}
