//! A session's bytes as asciicast v2, with secrets masked. Pure.
//!
//! The format: one line of JSON with the terminal's size, then one line for each event:
//! seconds since the beginning, what kind, and text
//! (<https://docs.asciinema.org/manual/asciicast/v2/>). Output is held back until its line is
//! complete, so that a secret that comes in pieces is seen whole; each piece keeps its time.

use quarterdeck_terminal::{Screen, Size};
use serde_json::json;

use crate::agents::masking::masked;

/// Text of a line that never ends is let go at this size.
const LONGEST_HELD: usize = 64 * 1024;

/// What a recording begins with.
pub(super) fn header(size: Size, title: &str, began_s: u64) -> String {
    let header = json!({
        "version": 2,
        "width": size.columns(),
        "height": size.rows(),
        "timestamp": began_s,
        "title": title,
        "env": { "TERM": "xterm-256color" },
    });
    format!("{header}\n")
}

/// What is needed to draw a screen that is there already, without its colours.
pub(super) fn drawn(screen: &Screen) -> Vec<u8> {
    let cursor = screen.cursor;
    let (row, column) = (cursor.row + 1, cursor.column + 1);
    let rows = screen.text().replace('\n', "\r\n");
    format!("\u{1b}[2J\u{1b}[H{rows}\r\n\u{1b}[{row};{column}H").into_bytes()
}

/// Turns pieces into lines of the file.
#[derive(Debug, Default)]
pub(super) struct Cast {
    strings: ControlStrings,
    /// The beginning of a character whose end is to come.
    begun: Vec<u8>,
    /// Pieces of a line that is not complete.
    held: Vec<(f64, String)>,
    held_bytes: usize,
}

impl Cast {
    /// The lines that are complete with these bytes.
    pub(super) fn written(&mut self, at: f64, bytes: &[u8]) -> String {
        let mut shown = std::mem::take(&mut self.begun);
        self.strings.leave_out(bytes, &mut shown);
        let text = self.text(shown);
        let (complete, rest) = match text.rfind('\n') {
            Some(end) => text.split_at(end + 1),
            None => ("", text.as_str()),
        };
        self.hold(at, complete);
        let lines = match !complete.is_empty() && !self.in_key() {
            true => self.let_go(),
            false => String::new(),
        };
        self.hold(at, rest);
        match self.held_bytes > LONGEST_HELD {
            true => lines + &self.let_go(),
            false => lines,
        }
    }

    /// The terminal has another size.
    pub(super) fn resized(&mut self, at: f64, size: Size) -> String {
        let size = format!("{}x{}", size.columns(), size.rows());
        self.let_go() + &event(at, "r", &size)
    }

    /// Bytes are missing from here on.
    pub(super) fn missed(&mut self, at: f64, bytes: u64) -> String {
        let note = format!("\r\n[{bytes} bytes of output are not in this recording]\r\n");
        self.let_go() + &event(at, "o", &note)
    }

    /// Everything that was held back.
    pub(super) fn let_go(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        let whole: String = held.iter().map(|(_, text)| text.as_str()).collect();
        let safe = masked(&whole);
        match held.first() {
            Some((at, _)) if safe != whole => event(*at, "o", &safe),
            _ => (held.iter().map(|(at, text)| event(*at, "o", text))).collect(),
        }
    }

    fn hold(&mut self, at: f64, text: &str) {
        if !text.is_empty() {
            self.held_bytes += text.len();
            self.held.push((at, text.to_owned()));
        }
    }

    /// Whether a private key has begun, whose lines only make sense together.
    fn in_key(&self) -> bool {
        let whole: String = self.held.iter().map(|(_, text)| text.as_str()).collect();
        let begun = whole.rfind("-----BEGIN ");
        begun.is_some_and(|begun| !whole[begun..].contains("-----END "))
    }

    /// Bytes as text; the beginning of a character at their end waits for the rest.
    fn text(&mut self, mut bytes: Vec<u8>) -> String {
        if let Err(error) = std::str::from_utf8(&bytes) {
            let from = bytes.len().saturating_sub(3);
            let last = (error.error_len().is_none()).then_some(error.valid_up_to());
            let begun = last.or_else(|| {
                // Broken text before says nothing about the end.
                (from..bytes.len()).find(|at| bytes[*at] >= 0xc0 && incomplete(&bytes[*at..]))
            });
            if let Some(begun) = begun {
                self.begun = bytes.split_off(begun);
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn incomplete(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
}

fn event(at: f64, kind: &str, text: &str) -> String {
    format!("{}\n", json!([(at * 1e6).round() / 1e6, kind, text]))
}

/// Leaves out control strings (OSC, DCS, SOS, PM, APC; ECMA-48, 8.3): titles, clipboards, and
/// the marks of the shell integration, which hold its secret.
#[derive(Debug, Default)]
struct ControlStrings {
    at: At,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Text,
    /// After an escape whose meaning the next byte tells.
    Escape,
    String,
    /// After an escape in a string, which may end it.
    StringEscape,
}

impl ControlStrings {
    fn leave_out(&mut self, bytes: &[u8], shown: &mut Vec<u8>) {
        const ESCAPE: u8 = 0x1b;
        for &byte in bytes {
            self.at = match (self.at, byte) {
                (At::Text | At::Escape, ESCAPE) => {
                    if self.at == At::Escape {
                        shown.push(ESCAPE);
                    }
                    At::Escape
                }
                (At::Text, _) => {
                    shown.push(byte);
                    At::Text
                }
                (At::Escape | At::StringEscape, b']' | b'P' | b'X' | b'^' | b'_') => At::String,
                (At::Escape, _) => {
                    shown.extend([ESCAPE, byte]);
                    At::Text
                }
                (At::String | At::StringEscape, ESCAPE) => At::StringEscape,
                (At::String, 0x07 | 0x18 | 0x1a) | (At::StringEscape, b'\\') => At::Text,
                (At::String, _) => At::String,
                // The escape has ended the string and begun something else.
                (At::StringEscape, _) => {
                    shown.extend([ESCAPE, byte]);
                    At::Text
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of pieces, one each tenth of a second.
    fn recorded(pieces: &[&[u8]]) -> String {
        let mut cast = Cast::default();
        let lines: String = (pieces.iter().enumerate())
            .map(|(number, piece)| cast.written(number as f64 / 10.0, piece))
            .collect();
        lines + &cast.let_go()
    }

    #[test]
    fn each_piece_keeps_its_time() {
        assert_eq!(
            recorded(&[b"one\r\ntw", b"o\r\n", b"$ "]),
            "[0.0,\"o\",\"one\\r\\n\"]\n[0.0,\"o\",\"tw\"]\n[0.1,\"o\",\"o\\r\\n\"]\n[0.2,\"o\",\"$ \"]\n"
        );
    }

    #[test]
    fn a_secret_in_pieces_is_masked() {
        let lines = recorded(&[b"export API_K", b"EY=abc", b"d1234\r\n", b"fine\r\n"]);
        assert!(lines.contains("API_KEY=[masked]"), "{lines}");
        assert!(!lines.contains("1234"), "{lines}");
        let key: &[&[u8]] = &[
            b"-----BEGIN RSA PRIVATE KEY-----\r\n",
            b"MIIEow\r\n",
            b"-----END RSA PRIVATE KEY-----\r\n",
        ];
        assert!(!recorded(key).contains("MIIEow"), "{}", recorded(key));
    }

    #[test]
    fn control_strings_are_left_out_and_everything_else_stays() {
        for (written, shown) in [
            (&b"\x1b]133;A;secret\x07$ "[..], "$ "),
            (b"\x1b]0;title\x1b\\text", "text"),
            (
                b"\x1bPq#0\x1b\\\x1b[31mred\x1b[0m",
                "\u{1b}[31mred\u{1b}[0m",
            ),
            (b"\x1b]0;cut short\x1b[1mbold", "\u{1b}[1mbold"),
            (b"a\x1b\x1b[Ab", "a\u{1b}\u{1b}[Ab"),
        ] {
            for split in 0..written.len() {
                let (before, after) = written.split_at(split);
                let mut strings = ControlStrings::default();
                let mut out = Vec::new();
                strings.leave_out(before, &mut out);
                strings.leave_out(after, &mut out);
                assert_eq!(String::from_utf8_lossy(&out), shown, "split at {split}");
            }
        }
    }

    #[test]
    fn characters_in_pieces_are_whole_and_broken_ones_are_told() {
        assert_eq!(
            recorded(&[b"caf\xc3", b"\xa9\n"]),
            "[0.1,\"o\",\"café\\n\"]\n"
                .replace("[0.1,\"o\",\"café", "[0.0,\"o\",\"caf\"]\n[0.1,\"o\",\"é")
        );
        assert_eq!(
            recorded(&[b"\xff\xe2\x82", b"\xac\n"]),
            "[0.0,\"o\",\"\u{fffd}\"]\n[0.1,\"o\",\"€\\n\"]\n"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_become_events_that_are_json(pieces: Vec<Vec<u8>>) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            for line in recorded(&pieces).lines() {
                let event: (f64, String, String) = serde_json::from_str(line).expect("an event");
                proptest::prop_assert_eq!(event.1, "o");
            }
        }
    }
}
