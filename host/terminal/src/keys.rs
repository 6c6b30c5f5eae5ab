//! Keys by name, and the bytes that a terminal sends for them.
//!
//! Names are those that agents use: `enter`, `ctrl-c`, `up`, `alt-x`, `f5`;
//! upper and lower case are alike. Bytes are xterm's, so backspace is DEL and
//! delete is `ESC [ 3 ~`.

use std::fmt;

use thiserror::Error;

/// A key, with the modifiers that its name said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: Code,
    alt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Code {
    Named(Named),
    /// F1 to F12.
    Function(u8),
    /// A letter with Control; lower case.
    Control(char),
    /// A letter or digit, only ever with Alt.
    Character(char),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Named {
    Enter,
    Tab,
    ShiftTab,
    Escape,
    Space,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

const NAMES: [(&str, Named); 18] = [
    ("enter", Named::Enter),
    ("return", Named::Enter),
    ("tab", Named::Tab),
    ("shift-tab", Named::ShiftTab),
    ("escape", Named::Escape),
    ("esc", Named::Escape),
    ("space", Named::Space),
    ("backspace", Named::Backspace),
    ("delete", Named::Delete),
    ("insert", Named::Insert),
    ("up", Named::Up),
    ("down", Named::Down),
    ("left", Named::Left),
    ("right", Named::Right),
    ("home", Named::Home),
    ("end", Named::End),
    ("pageup", Named::PageUp),
    ("pagedown", Named::PageDown),
];

/// What can be asked for, in an error and in a tool's description.
pub const AVAILABLE: &str = "enter, tab, shift-tab, escape, space, backspace, delete, insert, up, down, \
    left, right, home, end, pageup, pagedown, f1 to f12, ctrl-a to ctrl-z, ctrl-space, and alt- before a \
    letter, a digit or any of these";

/// A name that no key has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no key is called {name:?}; available keys: {AVAILABLE}")]
pub struct UnknownKey {
    /// The name as it was given.
    pub name: String,
}

impl Key {
    /// Carriage return, which accepts a line.
    pub const ENTER: Self = Self {
        code: Code::Named(Named::Enter),
        alt: false,
    };

    /// The key of this name.
    pub fn parse(name: &str) -> Result<Self, UnknownKey> {
        let lower = name.trim().to_ascii_lowercase();
        let (alt, rest) = match lower.strip_prefix("alt-") {
            Some(rest) => (true, rest),
            None => (false, lower.as_str()),
        };
        let unknown = || UnknownKey {
            name: name.to_owned(),
        };
        let code = match NAMES.iter().find(|(known, _)| *known == rest) {
            // xterm has no sequence for this one.
            Some((_, Named::ShiftTab)) if alt => return Err(unknown()),
            Some((_, named)) => Code::Named(*named),
            None => Self::parse_code(rest, alt).ok_or_else(unknown)?,
        };
        Ok(Self { code, alt })
    }

    fn parse_code(rest: &str, alt: bool) -> Option<Code> {
        let only = |text: &str| {
            let mut characters = text.chars();
            characters.next().filter(|_| characters.next().is_none())
        };
        if rest == "ctrl-space" {
            return Some(Code::Control('@'));
        }
        if let Some(letter) = rest.strip_prefix("ctrl-") {
            return only(letter)
                .filter(char::is_ascii_lowercase)
                .map(Code::Control);
        }
        if let Some(letter) = rest.strip_prefix("shift-").filter(|_| alt) {
            let letter = only(letter).filter(char::is_ascii_lowercase)?;
            return Some(Code::Character(letter.to_ascii_uppercase()));
        }
        if let Some(number) = rest.strip_prefix('f')
            && let Ok(number @ 1..=12) = number.parse()
        {
            return Some(Code::Function(number));
        }
        only(rest)
            .filter(|character| alt && character.is_ascii_alphanumeric())
            .map(Code::Character)
    }

    /// The bytes to write. `application_cursor` is the mode (DECCKM) that
    /// full-screen programs switch on, in which arrows look different.
    pub fn encode(self, application_cursor: bool) -> Vec<u8> {
        let escaped = |bytes: &[u8]| match self.alt {
            true => [b"\x1b", bytes].concat(),
            false => bytes.to_vec(),
        };
        // `ESC [ 1 ; 3 A` with Alt; `ESC O A` or `ESC [ A` without.
        let letter = |letter: char, introducer: char| match self.alt {
            true => format!("\x1b[1;3{letter}").into_bytes(),
            false => format!("\x1b{introducer}{letter}").into_bytes(),
        };
        let cursor = |character| letter(character, if application_cursor { 'O' } else { '[' });
        let tilde = |number: u8| match self.alt {
            true => format!("\x1b[{number};3~").into_bytes(),
            false => format!("\x1b[{number}~").into_bytes(),
        };
        match self.code {
            Code::Named(named) => match named {
                Named::Enter => escaped(b"\r"),
                Named::Tab => escaped(b"\t"),
                Named::ShiftTab => b"\x1b[Z".to_vec(),
                Named::Escape => escaped(b"\x1b"),
                Named::Space => escaped(b" "),
                Named::Backspace => escaped(b"\x7f"),
                Named::Delete => tilde(3),
                Named::Insert => tilde(2),
                Named::Up => cursor('A'),
                Named::Down => cursor('B'),
                Named::Right => cursor('C'),
                Named::Left => cursor('D'),
                Named::Home => cursor('H'),
                Named::End => cursor('F'),
                Named::PageUp => tilde(5),
                Named::PageDown => tilde(6),
            },
            Code::Function(number @ 1..=4) => letter(char::from(b'P' + number - 1), 'O'),
            Code::Function(number) => {
                tilde([15, 17, 18, 19, 20, 21, 23, 24][usize::from(number - 5) % 8])
            }
            Code::Control(character) => escaped(&[character as u8 & 0x1f]),
            Code::Character(character) => escaped(character.to_string().as_bytes()),
        }
    }
}

/// The name that [`Key::parse`] reads.
impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.alt {
            formatter.write_str("alt-")?;
        }
        match self.code {
            Code::Named(named) => {
                let name = NAMES.iter().find(|(_, known)| *known == named);
                formatter.write_str(name.map_or("", |(name, _)| name))
            }
            Code::Function(number) => write!(formatter, "f{number}"),
            Code::Control('@') => formatter.write_str("ctrl-space"),
            Code::Control(letter) => write!(formatter, "ctrl-{letter}"),
            Code::Character(letter) if letter.is_ascii_uppercase() => {
                write!(formatter, "shift-{}", letter.to_ascii_lowercase())
            }
            Code::Character(character) => write!(formatter, "{character}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(name: &str) -> String {
        let bytes = Key::parse(name).expect("a key").encode(false);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn names_give_the_bytes_of_xterm() {
        for (name, expected) in [
            ("enter", "\r"),
            ("Return", "\r"),
            ("TAB", "\t"),
            ("shift-tab", "\x1b[Z"),
            ("esc", "\x1b"),
            ("backspace", "\x7f"),
            ("delete", "\x1b[3~"),
            ("up", "\x1b[A"),
            ("end", "\x1b[F"),
            ("pagedown", "\x1b[6~"),
            ("ctrl-c", "\x03"),
            ("Ctrl-Z", "\x1a"),
            ("ctrl-space", "\0"),
            ("f1", "\x1bOP"),
            ("f4", "\x1bOS"),
            ("f5", "\x1b[15~"),
            ("f12", "\x1b[24~"),
            ("alt-x", "\x1bx"),
            ("alt-shift-x", "\x1bX"),
            ("alt-5", "\x1b5"),
            ("alt-enter", "\x1b\r"),
            ("alt-backspace", "\x1b\x7f"),
            ("alt-left", "\x1b[1;3D"),
            ("alt-pageup", "\x1b[5;3~"),
            ("alt-f1", "\x1b[1;3P"),
            ("alt-f5", "\x1b[15;3~"),
            ("alt-ctrl-c", "\x1b\x03"),
        ] {
            assert_eq!(bytes(name), expected, "{name}");
        }
    }

    #[test]
    fn application_cursor_mode_changes_arrows_only() {
        let encode = |name: &str| Key::parse(name).expect("a key").encode(true);
        assert_eq!(encode("up"), b"\x1bOA");
        assert_eq!(encode("home"), b"\x1bOH");
        assert_eq!(encode("alt-up"), b"\x1b[1;3A");
        assert_eq!(encode("pageup"), b"\x1b[5~");
    }

    #[test]
    fn an_unknown_key_is_named_with_what_there_is() {
        for name in [
            "",
            "x",
            "f13",
            "f0",
            "ctrl-",
            "ctrl-1",
            "alt-",
            "shift-x",
            "alt-shift-tab",
            "ctrl-ä",
        ] {
            let error = Key::parse(name).expect_err(name).to_string();
            assert!(
                error.contains(&format!("{name:?}")) && error.contains("pagedown"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_key_prints_as_its_name() {
        for name in [
            "enter",
            "shift-tab",
            "ctrl-c",
            "alt-x",
            "alt-shift-x",
            "f12",
            "alt-left",
            "ctrl-space",
        ] {
            assert_eq!(Key::parse(name).expect("a key").to_string(), name);
        }
    }
}
