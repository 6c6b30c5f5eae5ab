//! Bytes on their way to a session, as the keystrokes that they stand for.
//!
//! Everything that is typed passes here as bytes, also what came as named keys,
//! so that a carriage return hidden in a string is the same to the gate as a
//! key called `enter`.

/// One keystroke, as far as a line of input cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keystroke {
    /// Printable text; never holds a control character.
    Text(String),
    /// Ends the line and hands it over: carriage return, line feed, and
    /// Ctrl-O, which readline binds to the same.
    Submit,
    /// Ctrl-D: end of file, or delete in a line editor.
    EndOfFile,
    /// Ctrl-C: drops the line.
    Interrupt,
    /// Deletes before the cursor.
    Backspace,
    /// Ctrl-H: does the same in a line editor; the terminal's own line discipline
    /// takes it for a character.
    BackspaceInEditor,
    /// Ctrl-U.
    KillToStart,
    /// Ctrl-K.
    KillToEnd,
    /// Ctrl-W.
    KillWord,
    /// Ctrl-Y.
    Yank,
    /// Deletes at the cursor.
    Delete,
    /// Moves the cursor.
    Move(Motion),
    /// Changes nothing in the line: Ctrl-L, Ctrl-Z, Ctrl-Q.
    Inert,
    /// May run something without an Enter: Alt and a character that no line
    /// editor uses for editing (zsh runs the line at Alt-A, and people bind
    /// others), readline's Ctrl-X E (plays the keyboard macro), Ctrl-X Ctrl-E
    /// (edits the line elsewhere and runs it) and Alt-Ctrl-E (expands the line's
    /// substitutions).
    MaySubmit,
    /// Ctrl-X or Escape as the last key: the next one makes up its meaning.
    Prefix,
    /// A key whose effect depends on the program: history, completion,
    /// searches, function keys.
    Opaque,
}

/// Where the cursor goes within the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
    Left,
    Right,
    Start,
    End,
}

/// A keystroke and the bytes that it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stroke {
    pub(crate) keystroke: Keystroke,
    pub(crate) bytes: Vec<u8>,
}

const ESCAPE: u8 = 0x1b;
const CONTROL_E: u8 = 0x05;
const CONTROL_X: u8 = 0x18;

/// Splits what is to be typed into keystrokes. Joining their `bytes` gives the
/// input back.
pub(crate) fn strokes(input: &[u8]) -> Vec<Stroke> {
    let mut strokes: Vec<Stroke> = Vec::new();
    let mut rest = input;
    while let Some(&first) = rest.first() {
        let (length, keystroke) = match first {
            CONTROL_X | ESCAPE if rest.len() == 1 => (1, Keystroke::Prefix),
            CONTROL_X if matches!(rest[1], b'e' | CONTROL_E) => (2, Keystroke::MaySubmit),
            ESCAPE if rest[1] == CONTROL_E => (2, Keystroke::MaySubmit),
            ESCAPE => {
                let length = escape_length(rest);
                (length, escape_meaning(&rest[..length]))
            }
            0x00..=0x1f | 0x7f => (1, control_meaning(first)),
            _ => {
                let length = rest
                    .iter()
                    .position(|byte| byte.is_ascii_control())
                    .unwrap_or(rest.len());
                let text = String::from_utf8_lossy(&rest[..length]).into_owned();
                (length, Keystroke::Text(text))
            }
        };
        let (bytes, after) = rest.split_at(length);
        strokes.push(Stroke {
            keystroke,
            bytes: bytes.to_vec(),
        });
        rest = after;
    }
    strokes
}

fn control_meaning(byte: u8) -> Keystroke {
    match byte {
        b'\r' | b'\n' | 0x0f => Keystroke::Submit,
        0x01 => Keystroke::Move(Motion::Start),
        0x02 => Keystroke::Move(Motion::Left),
        0x03 => Keystroke::Interrupt,
        0x04 => Keystroke::EndOfFile,
        0x05 => Keystroke::Move(Motion::End),
        0x06 => Keystroke::Move(Motion::Right),
        0x08 => Keystroke::BackspaceInEditor,
        0x7f => Keystroke::Backspace,
        0x0b => Keystroke::KillToEnd,
        0x0c | 0x11 | 0x1a => Keystroke::Inert,
        0x15 => Keystroke::KillToStart,
        0x17 => Keystroke::KillWord,
        0x19 => Keystroke::Yank,
        _ => Keystroke::Opaque,
    }
}

/// Length of the escape sequence at the start of `input`, which begins with
/// ESC: CSI up to its final byte (ECMA-48 5.4), SS3 and one more, otherwise ESC
/// and one character. A control character ends every sequence early: it is a
/// key of its own, and no sequence may hide an Enter.
fn escape_length(input: &[u8]) -> usize {
    let until_control = input[1..]
        .iter()
        .position(u8::is_ascii_control)
        .map_or(input.len(), |position| position + 1);
    let input = &input[..until_control];
    match input.get(1) {
        Some(b'[') => input[2..]
            .iter()
            .position(|byte| (0x40..=0x7e).contains(byte))
            .map_or(input.len(), |end| end + 3),
        Some(b'O') => input.len().min(3),
        Some(_) => {
            let character = String::from_utf8_lossy(&input[1..input.len().min(5)])
                .chars()
                .next()
                .map_or(1, char::len_utf8);
            (1 + character).min(input.len())
        }
        None => 1,
    }
}

fn escape_meaning(sequence: &[u8]) -> Keystroke {
    match &sequence[1..] {
        b"[D" | b"OD" => Keystroke::Move(Motion::Left),
        b"[C" | b"OC" => Keystroke::Move(Motion::Right),
        b"[H" | b"OH" | b"[1~" => Keystroke::Move(Motion::Start),
        b"[F" | b"OF" | b"[4~" => Keystroke::Move(Motion::End),
        b"[3~" => Keystroke::Delete,
        [key]
            if !b"bBfFdDcClLuUtTyY.,_-<>?*~!$=&\\/rRnNpPhHxX \x7f".contains(key)
                && !key.is_ascii_digit()
                && !matches!(key, b'[' | b'O') =>
        {
            Keystroke::MaySubmit
        }
        _ => Keystroke::Opaque,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn meanings(input: &str) -> Vec<Keystroke> {
        strokes(input.as_bytes())
            .into_iter()
            .map(|stroke| stroke.keystroke)
            .collect()
    }

    #[test]
    fn an_enter_inside_text_is_an_enter() {
        assert_eq!(
            meanings("ls\rpwd\n"),
            [
                Keystroke::Text("ls".into()),
                Keystroke::Submit,
                Keystroke::Text("pwd".into()),
                Keystroke::Submit,
            ]
        );
    }

    #[test]
    fn alt_enter_does_not_hide_the_enter() {
        assert_eq!(meanings("\u{1b}\r"), [Keystroke::Opaque, Keystroke::Submit]);
    }

    #[test]
    fn escape_sequences_stay_whole() {
        assert_eq!(
            meanings("\u{1b}[A\u{1b}[1;5Cx\u{1b}OD"),
            [
                Keystroke::Opaque,
                Keystroke::Opaque,
                Keystroke::Text("x".into()),
                Keystroke::Move(Motion::Left),
            ]
        );
    }

    #[test]
    fn what_may_run_without_an_enter_is_told_from_other_keys() {
        for keys in [
            "\u{18}e",
            "\u{18}\u{5}",
            "\u{1b}\u{5}",
            "\u{1b}#",
            "\u{1b}a",
        ] {
            assert_eq!(meanings(keys), [Keystroke::MaySubmit], "{keys:?}");
        }
        for keys in ["\u{18}\u{18}", "\u{18}("] {
            assert!(!meanings(keys).contains(&Keystroke::MaySubmit), "{keys:?}");
        }
        assert_eq!(meanings("\u{18}"), [Keystroke::Prefix]);
        assert_eq!(meanings("\u{1b}"), [Keystroke::Prefix]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(input in proptest::collection::vec(any::<u8>(), 0..200)) {
            let joined: Vec<u8> = strokes(&input).into_iter().flat_map(|s| s.bytes).collect();
            prop_assert_eq!(joined, input);
        }

        #[test]
        fn no_enter_goes_unseen(input in proptest::collection::vec(
            prop_oneof![Just(0x1bu8), Just(b'\r'), Just(b'\n'), Just(b'['), Just(b'O'), any::<u8>()], 0..60)) {
            let enters = input.iter().filter(|byte| matches!(byte, b'\r' | b'\n' | 0x0f)).count();
            let submits = strokes(&input).iter().filter(|s| s.keystroke == Keystroke::Submit).count();
            prop_assert_eq!(enters, submits);
        }
    }
}
