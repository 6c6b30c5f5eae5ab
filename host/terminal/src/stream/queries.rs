//! What a program asks of its terminal. The terminal replies as if somebody had typed,
//! so what nobody reads ends up on the shell's line.
//!
//! Told by xterm's list of control sequences and kitty's protocols, whichever terminal
//! it is: one that does not know a question does not reply, and no harm is done.

use vte::{Params, Parser, Perform};

/// Replied to with a text that a person has set.
pub(super) const ENQUIRY: u8 = 0x05;

/// Whether a sequence that begins with `CSI` asks.
pub(super) fn control(intermediates: &[u8], action: char, first: u16) -> bool {
    match (intermediates, action) {
        // What it is, where the cursor is, how it is set.
        (b"" | b">" | b"=", 'c') | (b"" | b"?", 'n') | (b"" | b"$", 'x') => true,
        (b"$" | b"?$", 'p') | (b"$", 'w') | (b"*", 'y') => true,
        (b">", 'q') | (b"?", 'u' | 'S' | 'm') => true,
        // The window: where and how large it is, and its title.
        (b"", 't') => (11..=21).contains(&first),
        _ => false,
    }
}

/// Whether a sequence of two characters asks: what it is, as terminals before the VT100.
pub(super) fn escape(intermediates: &[u8], byte: u8) -> bool {
    intermediates.is_empty() && byte == b'Z'
}

/// Whether a sequence that begins with `OSC` asks: for a colour, the clipboard, a cell's
/// size.
pub(super) fn command(params: &[&[u8]]) -> bool {
    let [name, values @ ..] = params else {
        return false;
    };
    match *name {
        // Titles, folders, links and marks may end like a question.
        b"0" | b"1" | b"2" | b"7" | b"8" | b"133" => false,
        b"1337" => values
            .iter()
            .any(|value| value.starts_with(b"Report") || value.ends_with(b"?")),
        _ => values.iter().any(|value| value.ends_with(b"?")),
    }
}

/// Whether `typed` is what terminals reply and nothing else: where somebody can type at
/// the terminal itself, both come the same way.
pub(crate) fn are_replies(typed: &[u8]) -> bool {
    let mut reading = Reading {
        replies: false,
        other: false,
    };
    Parser::new().advance(&mut reading, typed);
    reading.replies && !reading.other
}

struct Reading {
    replies: bool,
    other: bool,
}

impl Reading {
    fn meets(&mut self, reply: bool) {
        self.replies |= reply;
        self.other |= !reply;
    }
}

impl Perform for Reading {
    fn print(&mut self, _: char) {
        self.meets(false);
    }

    fn execute(&mut self, _: u8) {
        self.meets(false);
    }

    fn csi_dispatch(&mut self, _: &Params, intermediates: &[u8], _: bool, action: char) {
        self.meets(matches!(
            (intermediates, action),
            (b"?" | b">" | b"=", 'c')
                | (b"" | b"?", 'n' | 'R')
                | (b"$" | b"?$", 'y')
                | (b"", 't' | 'x')
                | (b"?", 'u' | 'S')
        ));
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        // The end of the strings below.
        if byte != b'\\' {
            self.meets(false);
        }
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.meets(true);
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, _: char) {
        self.meets(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_told_from_keys() {
        for replies in [
            "\x1b[?6c",
            "\x1b[>0;2600;1c\x1b[2;1R\x1b[0n",
            "\x1b[?2026;2$y",
            "\x1b[8;40;120t",
            "\x1b]11;rgb:0000/0000/0000\x1b\\",
            "\x1b]4;1;rgb:cdcd/0000/0000\x07",
            "\x1bP>|tmux 3.3a\x1b\\",
        ] {
            assert!(are_replies(replies.as_bytes()), "{replies:?}");
        }
        for keys in [
            "",
            "ls",
            "\r",
            "\x03",
            "\x1b",
            "\x1b[A",
            "\x1b[3~",
            "\x1bb",
            "\x1b[0nls",
            "\x1b[I",
        ] {
            assert!(!are_replies(keys.as_bytes()), "{keys:?}");
        }
    }
}
