//! What is done with text, controls and sequences as they are met.

use vte::{Params, Perform};

use super::progress::Progress;
use super::{ESCAPE, Signal, State, queries};
use crate::marks::{self, MarkKey};
use crate::transcript::{Edit, Transcript};

/// Takes what one reading meets; what it saw is read off it afterwards.
pub(super) struct Listener<'a> {
    pub(super) key: Option<&'a MarkKey>,
    pub(super) state: &'a mut State,
    pub(super) transcript: &'a mut Transcript,
    pub(super) followed: Option<&'a mut String>,
    pub(super) signal: Option<Signal>,
    pub(super) recognised: bool,
    /// The parser is certain to be where text can follow.
    pub(super) sequence_ended: bool,
}

impl Listener<'_> {
    /// Takes text, single controls and colours, up to the next other sequence.
    pub(super) fn text(&mut self, bytes: &[u8], begun: &mut Begun) -> usize {
        let mut taken = begun.go_on(bytes, self);
        while let Some(&byte) = bytes.get(taken) {
            let rest = &bytes[taken..];
            match byte {
                ESCAPE => match colours(rest) {
                    Some(length) => {
                        self.recognised = true;
                        taken += length;
                    }
                    None => break,
                },
                0..0x20 | 0x7f => {
                    self.execute(byte);
                    taken += 1;
                }
                _ => {
                    let end = rest.iter().position(|byte| *byte < 0x20 || *byte == 0x7f);
                    let begun = end.is_none().then_some(&mut *begun);
                    taken += self.run(&rest[..end.unwrap_or(rest.len())], begun);
                }
            }
        }
        taken
    }

    /// Takes bytes without single-byte controls: all of them, or those before and
    /// with the first that are no text. Where the rest of a character at their end
    /// may be to come, its beginning is kept.
    fn run(&mut self, bytes: &[u8], begun: Option<&mut Begun>) -> usize {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.print_run(text);
                return bytes.len();
            }
            Err(error) => error,
        };
        let (valid, broken) = bytes.split_at(error.valid_up_to());
        self.print_run(std::str::from_utf8(valid).unwrap_or_default());
        match (error.error_len(), broken.first(), begun) {
            (None, _, Some(begun)) => begun.keep(broken),
            // One of the controls above ASCII, as it is without UTF-8.
            (Some(1), Some(&control @ 0x80..0xa0), _) => self.execute(control),
            _ => self.print(char::REPLACEMENT_CHARACTER),
        }
        valid.len() + error.error_len().unwrap_or(broken.len())
    }

    fn print_run(&mut self, text: &str) {
        self.recognised |= !text.is_empty();
        if self.hidden() {
            return;
        }
        // U+0080 to U+009F, whose first byte is the same.
        let bytes = text.as_bytes();
        let has_controls = memchr::memchr_iter(0xc2, bytes)
            .any(|at| bytes.get(at + 1).is_some_and(|byte| *byte < 0xa0));
        if self.state.line_drawing || has_controls {
            for character in text.chars() {
                match character {
                    // As single bytes, so that their number is theirs.
                    '\u{80}'..'\u{a0}' => self.execute(character as u8),
                    _ => self.print(character),
                }
            }
        } else if let Some(last) = text.chars().next_back() {
            self.state.last_printed = Some(last);
            self.transcript.print_text(text);
            if let Some(followed) = &mut self.followed {
                followed.push_str(text);
            }
        }
    }

    fn hidden(&self) -> bool {
        self.state.alternate_screen || self.state.filling
    }

    fn edit(&mut self, edit: Edit) {
        if !self.hidden() {
            self.transcript.edit(edit);
        }
    }

    fn leave_row(&mut self) {
        if !self.hidden() {
            self.transcript.leave_row();
        }
    }

    fn set_private_mode(&mut self, mode: u16, on: bool) {
        match mode {
            47 | 1047 | 1049 => self.state.alternate_screen = on,
            2004 if !on => self.signal = Some(Signal::LineAccepted),
            _ => (),
        }
    }
}

impl Perform for Listener<'_> {
    #[inline]
    fn print(&mut self, character: char) {
        self.recognised = true;
        if self.hidden() || character == '\u{7f}' {
            return;
        }
        let character = if self.state.line_drawing {
            line_drawing(character)
        } else {
            character
        };
        self.state.last_printed = Some(character);
        self.transcript.print(character);
        if let Some(text) = &mut self.followed {
            text.push(character);
        }
    }

    #[inline]
    fn execute(&mut self, byte: u8) {
        self.recognised = true;
        self.state.asked |= byte == queries::ENQUIRY;
        if self.hidden() {
            return;
        }
        if let (Some(text), b'\n' | b'\r' | b'\t' | 0x08) = (&mut self.followed, byte) {
            text.push(char::from(byte));
        }
        match byte {
            b'\n' | 0x0b | 0x0c | 0x84 | 0x85 => self.transcript.line_feed(),
            b'\r' => self.transcript.edit(Edit::Return),
            b'\t' => self.transcript.tab(),
            0x08 => self.transcript.edit(Edit::Back(1)),
            _ => (),
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.recognised = true;
        self.sequence_ended = true;
        if ignore {
            return;
        }
        let first = params
            .iter()
            .next()
            .and_then(|param| param.first())
            .copied()
            .unwrap_or(0);
        self.state.asked |= queries::control(intermediates, action, first);
        let count = first.max(1);
        match (intermediates, action) {
            (b"?", 'h' | 'l') => {
                for mode in params.iter().filter_map(|param| param.first()) {
                    self.set_private_mode(*mode, action == 'h');
                }
            }
            (b"", 'A' | 'B' | 'E' | 'F' | 'H' | 'd' | 'e' | 'f') => self.leave_row(),
            (b"", 'C' | 'a') => self.edit(Edit::Forward(count)),
            (b"", 'D') => self.edit(Edit::Back(count)),
            (b"", 'G' | '`') => self.edit(Edit::Column(count - 1)),
            (b"", 'K') => match first {
                0 => self.edit(Edit::EraseRight),
                1 => self.edit(Edit::EraseLeft),
                2 => self.edit(Edit::EraseLine),
                _ => (),
            },
            (b"", 'J') => match first {
                0 => self.edit(Edit::EraseRight),
                2 | 3 => self.leave_row(),
                _ => (),
            },
            (b"", 'P') => self.edit(Edit::DeleteCharacters(count)),
            (b"", '@') => self.edit(Edit::InsertBlanks(count)),
            (b"", 'X') => self.edit(Edit::EraseCharacters(count)),
            (b"", 'b') if !self.hidden() => {
                if let Some(character) = self.state.last_printed {
                    for _ in 0..count.min(1000) {
                        self.transcript.print(character);
                    }
                }
            }
            _ => (),
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], ignore: bool, byte: u8) {
        self.recognised = true;
        self.sequence_ended = true;
        if ignore {
            return;
        }
        self.state.asked |= queries::escape(intermediates, byte);
        match (intermediates, byte) {
            (b"", b'c') => {
                self.state.alternate_screen = false;
                self.state.line_drawing = false;
                self.leave_row();
            }
            (b"", b'D' | b'E' | b'M') => self.leave_row(),
            (b"(", b'0') => self.state.line_drawing = true,
            (b"(", _) => self.state.line_drawing = false,
            _ => (),
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], bell_terminated: bool) {
        self.recognised = true;
        // Ended otherwise, the other half of its end is to come.
        self.sequence_ended = bell_terminated;
        self.state.asked |= queries::command(params);
        match params {
            [b"133", ..] => {
                let Some(mark) = self.key.and_then(|key| marks::parse(params, key)) else {
                    return;
                };
                self.state.filling = matches!(mark.mark, marks::Mark::Filling);
                if let marks::Mark::PromptStart { .. } = mark.mark {
                    // A program that was killed has left them on. What comes now is text.
                    self.state.alternate_screen = false;
                    self.state.line_drawing = false;
                }
                self.signal = Some(Signal::Mark(mark));
            }
            [b"9", b"4", state, rest @ ..] => {
                self.signal = Some(Signal::Progress(Progress::read(
                    state,
                    rest.first().copied(),
                )));
            }
            _ => (),
        }
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, _: char) {
        self.recognised = true;
        self.state.asked = true;
    }

    fn put(&mut self, _byte: u8) {
        self.recognised = true;
    }

    #[inline]
    fn terminated(&self) -> bool {
        self.sequence_ended || self.signal.is_some()
    }
}

/// How long the sequence at the beginning is, if it is all there and says only how
/// what follows looks: by far the most frequent one, and nothing to a transcript.
fn colours(bytes: &[u8]) -> Option<usize> {
    let parameters = bytes.strip_prefix(b"\x1b[")?;
    let end = parameters
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (parameters[end] == b'm').then_some(2 + end + 1)
}

/// A character of several bytes, of which the first have come. Never more than three.
#[derive(Default)]
pub(super) struct Begun {
    bytes: [u8; 4],
    length: usize,
}

impl Begun {
    fn keep(&mut self, bytes: &[u8]) {
        self.length = bytes.len().min(3);
        self.bytes[..self.length].copy_from_slice(&bytes[..self.length]);
    }

    /// Takes the bytes that belong to the character, and prints it when it is whole
    /// or turns out to be none.
    fn go_on(&mut self, bytes: &[u8], listener: &mut Listener<'_>) -> usize {
        if self.length == 0 {
            return 0;
        }
        for (taken, byte) in bytes.iter().enumerate() {
            self.bytes[self.length] = *byte;
            match std::str::from_utf8(&self.bytes[..=self.length]) {
                Ok(text) => {
                    self.length = 0;
                    listener.print_run(text);
                    return taken + 1;
                }
                Err(error) if error.error_len().is_none() => self.length += 1,
                Err(_) => {
                    self.length = 0;
                    listener.print(char::REPLACEMENT_CHARACTER);
                    return taken;
                }
            }
        }
        bytes.len()
    }
}

/// The DEC special graphics set.
fn line_drawing(character: char) -> char {
    const GRAPHICS: [char; 31] = [
        '◆', '▒', '\u{2409}', '\u{240c}', '\u{240d}', '\u{240a}', '°', '±', '\u{2424}', '\u{240b}',
        '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π',
        '≠', '£', '·',
    ];
    match character {
        '`'..='~' => GRAPHICS[character as usize - '`' as usize],
        other => other,
    }
}
