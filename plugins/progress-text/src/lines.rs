//! Lines out of terminal output.

use memchr::{memchr, memchr3};

use crate::ReportedProgress;

/// How many bytes of a line count; the rest is skipped.
pub const LINE_BYTES: usize = 4 * 1024;

/// How many bytes of an operating system command are kept: OSC 9;4 is short.
const COMMAND_BYTES: usize = 64;

/// Something in the output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen<'text> {
    /// What stood on a line before it ended or was drawn over; never empty.
    Line(&'text str),
    /// OSC 9;4, where it arrives undecoded.
    Reported(ReportedProgress),
}

/// Puts output together again into lines.
///
/// Escape sequences have no place in the host's pieces, but a parser that meets
/// some (in a recording, or from another host) reads around them: colours vanish,
/// and a movement of the cursor ends the line like a carriage return.
#[derive(Debug, Default)]
pub struct Lines {
    pending: String,
    /// Whether the pending line is longer than what counts.
    cut: bool,
    escape: Escape,
}

/// Where in an escape sequence the text stopped.
#[derive(Debug, Default)]
enum Escape {
    #[default]
    None,
    /// After ESC.
    Start,
    /// After ESC and an intermediate byte: one more is to come.
    Designation,
    /// In a control sequence; the first of its parameter bytes.
    Control(Short<8>),
    /// In an operating system command.
    Command(Short<COMMAND_BYTES>),
    /// In a string for the terminal that says nothing about progress.
    Other,
}

/// The first bytes of something longer.
#[derive(Debug)]
struct Short<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl Lines {
    /// What stands on the line that has not ended yet.
    #[must_use]
    pub fn pending(&self) -> &str {
        &self.pending
    }

    /// Reads on.
    pub fn feed(&mut self, text: &str, see: &mut impl FnMut(Seen<'_>)) {
        let mut rest = text;
        while !rest.is_empty() {
            rest = match self.escape {
                Escape::None => self.plain(rest, see),
                _ => self.escaped(rest, see),
            };
        }
    }

    /// Ends the pending line, as when the program ends.
    pub fn flush(&mut self, see: &mut impl FnMut(Seen<'_>)) {
        if !self.pending.is_empty() {
            see(Seen::Line(&self.pending));
            self.pending.clear();
        }
        self.cut = false;
    }

    /// Reads up to the next control character; gives what comes after it.
    fn plain<'text>(&mut self, text: &'text str, see: &mut impl FnMut(Seen<'_>)) -> &'text str {
        let Some(end) = memchr3(b'\n', b'\r', 0x1b, text.as_bytes()) else {
            self.push(text);
            return "";
        };
        let (line, rest) = (&text[..end], &text[end + 1..]);
        if text.as_bytes()[end] == 0x1b {
            self.push(line);
            self.escape = Escape::Start;
        } else if self.pending.is_empty() && !self.cut && memchr(0x08, line.as_bytes()).is_none() {
            // The whole line is here: no need to copy it.
            if !line.is_empty() {
                see(Seen::Line(first_bytes(line, LINE_BYTES)));
            }
        } else {
            self.push(line);
            self.flush(see);
        }
        rest
    }

    /// Appends to the pending line; a backspace takes a character back.
    fn push(&mut self, text: &str) {
        for (index, part) in text.split('\u{8}').enumerate() {
            if index > 0 {
                self.pending.pop();
            }
            if self.cut {
                continue;
            }
            let kept = first_bytes(part, LINE_BYTES - self.pending.len());
            self.pending.push_str(kept);
            self.cut = kept.len() < part.len();
        }
    }

    /// Reads on in an escape sequence; gives what comes after it.
    fn escaped<'text>(&mut self, text: &'text str, see: &mut impl FnMut(Seen<'_>)) -> &'text str {
        for (index, &byte) in text.as_bytes().iter().enumerate() {
            // A step leaves a sequence at an ASCII byte only, so that the rest
            // begins with a whole character.
            let after = match &mut self.escape {
                Escape::None => return &text[index..],
                Escape::Start => match byte {
                    b'[' => Escape::Control(Short::new()),
                    b']' => Escape::Command(Short::new()),
                    b'P' | b'X' | b'^' | b'_' => Escape::Other,
                    0x20..=0x2f => Escape::Designation,
                    0x1b => Escape::Start,
                    0x30..=0x7e => Escape::None,
                    _ => return self.leave(&text[index..]),
                },
                Escape::Designation => match byte {
                    0x20..=0x2f => continue,
                    0x30..=0x7e => Escape::None,
                    _ => return self.leave(&text[index..]),
                },
                Escape::Control(parameters) => match byte {
                    0x20..=0x3f => {
                        parameters.push(byte);
                        continue;
                    }
                    0x40..=0x7e => {
                        let movement = Movement::of(byte, parameters.bytes());
                        self.moved(movement, see);
                        Escape::None
                    }
                    _ => return self.leave(&text[index..]),
                },
                Escape::Command(command) => match byte {
                    0x07 | 0x1b => {
                        if let Some(reported) = reported(command.bytes()) {
                            see(Seen::Reported(reported));
                        }
                        if byte == 0x07 {
                            Escape::None
                        } else {
                            Escape::Start
                        }
                    }
                    // Nobody ended it: take the text for text again.
                    b'\n' | b'\r' => return self.leave(&text[index..]),
                    _ => {
                        command.push(byte);
                        continue;
                    }
                },
                Escape::Other => match byte {
                    0x07 => Escape::None,
                    0x1b => Escape::Start,
                    b'\n' | b'\r' => return self.leave(&text[index..]),
                    _ => continue,
                },
            };
            self.escape = after;
        }
        ""
    }

    fn leave<'text>(&mut self, rest: &'text str) -> &'text str {
        self.escape = Escape::None;
        rest
    }

    fn moved(&mut self, movement: Movement, see: &mut impl FnMut(Seen<'_>)) {
        match movement {
            Movement::None => {}
            Movement::Forward => self.push(" "),
            Movement::Away => self.flush(see),
        }
    }
}

/// What a control sequence does to the line being written.
#[derive(Debug, Clone, Copy)]
enum Movement {
    None,
    /// Along the line, over nothing.
    Forward,
    /// To another line or column, or the line was erased.
    Away,
}

impl Movement {
    /// Final bytes as in ECMA-48.
    fn of(last: u8, parameters: &[u8]) -> Self {
        match last {
            b'A' | b'B' | b'D' | b'E' | b'F' | b'G' | b'H' | b'J' | b'd' | b'f' => Self::Away,
            b'K' if matches!(parameters, b"1" | b"2") => Self::Away,
            b'C' => Self::Forward,
            _ => Self::None,
        }
    }
}

impl<const N: usize> Short<N> {
    fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(free) = self.bytes.get_mut(self.length) {
            *free = byte;
            self.length += 1;
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// `9;4;state;percent`, the percentage being optional.
fn reported(command: &[u8]) -> Option<ReportedProgress> {
    let mut fields = std::str::from_utf8(command)
        .ok()?
        .strip_prefix("9;4;")?
        .split(';');
    let state: u8 = fields.next()?.parse().ok()?;
    let percent = fields.next().and_then(|field| field.parse::<u8>().ok());
    (state <= 4).then_some(ReportedProgress {
        state,
        percent: percent.map(|percent| percent.min(100)),
    })
}

/// As much of the text as fits, ending with a whole character.
fn first_bytes(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines and reports, then what is pending.
    fn read<'a>(chunks: impl IntoIterator<Item = &'a str>) -> (Vec<String>, String) {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, &mut |what| {
                seen.push(match what {
                    Seen::Line(line) => line.to_owned(),
                    Seen::Reported(report) => format!("{}:{:?}", report.state, report.percent),
                });
            });
        }
        (seen, lines.pending().to_owned())
    }

    #[test]
    fn line_ends_and_carriage_returns_end_lines() {
        let (seen, pending) = read(["one\r\n\r 10%\r 20%", "\r", "\nthree"]);
        assert_eq!(seen, ["one", " 10%", " 20%"]);
        assert_eq!(pending, "three");
    }

    #[test]
    fn colours_vanish() {
        let (seen, _) = read(["\x1b[1m\x1b[92m   Compi", "ling\x1b[0", "m x\x1b(B\x1b[K\n"]);
        assert_eq!(seen, ["   Compiling x"]);
    }

    #[test]
    fn a_movement_ends_the_line() {
        let (seen, _) = read(["a: 1\x1b[2A\x1b[2Kb: 2\x1b[1Gc\n"]);
        assert_eq!(seen, ["a: 1", "b: 2", "c"]);
    }

    #[test]
    fn a_backspace_takes_a_character_back() {
        assert_eq!(read(["|\u{8}/\u{8}", "-é\u{8}x\n"]).0, ["-x"]);
    }

    #[test]
    fn reports_are_decoded_and_other_commands_skipped() {
        let (seen, pending) = read([
            "\x1b]9;4;1;42\x07\x1b]0;title\x1b\\\x1b]9;4;3\x1b\\a",
            "\x1b]8;;http://x\x07b\x1bPq#0\x1b\\c",
        ]);
        assert_eq!(seen, ["1:Some(42)", "3:None"]);
        assert_eq!(pending, "abc");
    }

    #[test]
    fn a_command_that_nobody_ends_swallows_one_line() {
        assert_eq!(read(["\x1b]0;never ends\nnext\n"]).0, ["next"]);
    }

    #[test]
    fn an_endless_line_is_cut() {
        let long = "é".repeat(LINE_BYTES);
        let (seen, _) = read([long.as_str(), "more\n", "next\n"]);
        assert_eq!(seen[0].len(), LINE_BYTES);
        assert_eq!(seen[1], "next");
    }

    fn output() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[ -~]{0,12}",
            "[\r\n\u{8}\u{7}]{1,2}",
            "[é‘⸨]{1,3}",
            "\x1b\\[[0-9;?]{0,4}[A-Za-z]",
            "\x1b\\][0-9;]{0,8}(\x07|\x1b\\\\)?",
            "\x1b[ -~é]?",
            Just("x".repeat(LINE_BYTES - 2)),
        ];
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn splits_make_no_difference(text in output(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8)) {
            let mut ends: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
            ends.push(text.len());
            ends.sort_unstable();
            let mut start = 0;
            let chunks: Vec<&str> = ends.iter().map(|&end| { let chunk = &text[start..end]; start = end; chunk }).collect();
            prop_assert_eq!(read(chunks), read([text.as_str()]));
        }
    }
}
