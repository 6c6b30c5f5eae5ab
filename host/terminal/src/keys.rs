//! Keys by name, and the bytes that a terminal sends for them.
//!
//! Names are those that agents use: `enter`, `ctrl-c`, `up`, `alt-x`, `ctrl-shift-left`;
//! upper and lower case are alike, and so is the order of the modifiers. Bytes are xterm's,
//! so backspace is DEL and delete is `ESC [ 3 ~`. A key for which xterm sends nothing of its
//! own, like Shift with Enter, has no name: who asks for it would get another one.

use std::fmt;

use thiserror::Error;

/// A key, with the modifiers that its name said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: Code,
    modifiers: Modifiers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Code {
    Named(Named),
    /// F1 to F12.
    Function(u8),
    /// What is printed on the key, only ever with Control or Alt; letters are lower case.
    Character(char),
}

/// What is held down while a key is pressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Modifiers {
    control: bool,
    alt: bool,
    shift: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Named {
    Enter,
    Tab,
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

const NAMES: [(&str, Named); 17] = [
    ("enter", Named::Enter),
    ("return", Named::Enter),
    ("tab", Named::Tab),
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
pub const AVAILABLE: &str = "enter, tab, escape, space, backspace, delete, insert, up, down, left, right, \
    home, end, pageup, pagedown, f1 to f12; ctrl-, alt- and shift- before arrows, editing and function keys; \
    ctrl-a to ctrl-z, ctrl-space, ctrl- before @ [ \\ ] ^ _ / ?, shift-tab, and alt- before a character";

/// A name that no key has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no key is called {name:?}; available keys: {AVAILABLE}")]
pub struct UnknownKey {
    /// The name as it was given.
    pub name: String,
}

impl Modifiers {
    const NONE: Self = Self {
        control: false,
        alt: false,
        shift: false,
    };

    /// The modifiers at the front of a name in lower case, each at most once, and the rest.
    fn before(name: &str) -> (Self, &str) {
        let mut held = Self::NONE;
        let mut rest = name;
        loop {
            let (modifier, after) = match rest.split_once('-') {
                Some(("ctrl", after)) => (&mut held.control, after),
                Some(("alt", after)) => (&mut held.alt, after),
                Some(("shift", after)) => (&mut held.shift, after),
                _ => return (held, rest),
            };
            if std::mem::replace(modifier, true) {
                return (held, rest);
            }
            rest = after;
        }
    }

    /// xterm's number for them, in a sequence that has parameters; `None` without any.
    fn parameter(self) -> Option<u8> {
        (self != Self::NONE).then_some(
            1 + u8::from(self.shift) + 2 * u8::from(self.alt) + 4 * u8::from(self.control),
        )
    }
}

impl Key {
    /// Carriage return, which accepts a line.
    pub const ENTER: Self = Self {
        code: Code::Named(Named::Enter),
        modifiers: Modifiers::NONE,
    };

    /// The key of this name.
    pub fn parse(name: &str) -> Result<Self, UnknownKey> {
        let lower = name.trim().to_ascii_lowercase();
        let (modifiers, rest) = Modifiers::before(&lower);
        Code::parse(rest)
            .map(|code| Self { code, modifiers })
            .filter(|key| key.is_told_apart())
            .ok_or_else(|| UnknownKey {
                name: name.to_owned(),
            })
    }

    /// Whether xterm sends for it what it sends for no other key with fewer modifiers.
    fn is_told_apart(self) -> bool {
        let Modifiers {
            control,
            alt,
            shift,
        } = self.modifiers;
        match self.code {
            Code::Named(Named::Enter | Named::Escape) => !control && !shift,
            Code::Named(Named::Tab) => !(control || alt && shift),
            Code::Named(Named::Space | Named::Backspace) => !shift,
            Code::Named(_) | Code::Function(_) => true,
            Code::Character(character) if control => {
                !shift && control_character(character).is_some()
            }
            Code::Character(character) => alt && (!shift || character.is_ascii_lowercase()),
        }
    }

    /// The bytes to write. `application_cursor` is the mode (DECCKM) that
    /// full-screen programs switch on, in which arrows look different.
    pub fn encode(self, application_cursor: bool) -> Vec<u8> {
        let held = self.modifiers;
        let escaped = |bytes: &[u8]| match held.alt {
            true => [b"\x1b", bytes].concat(),
            false => bytes.to_vec(),
        };
        // `ESC [ 1 ; 5 A` with Control; `ESC O A` or `ESC [ A` with nothing.
        let letter = |letter: char, introducer: char| match held.parameter() {
            Some(parameter) => format!("\x1b[1;{parameter}{letter}").into_bytes(),
            None => format!("\x1b{introducer}{letter}").into_bytes(),
        };
        let cursor = |character| letter(character, if application_cursor { 'O' } else { '[' });
        let tilde = |number: u8| match held.parameter() {
            Some(parameter) => format!("\x1b[{number};{parameter}~").into_bytes(),
            None => format!("\x1b[{number}~").into_bytes(),
        };
        match self.code {
            Code::Named(named) => match named {
                Named::Enter => escaped(b"\r"),
                Named::Tab if held.shift => b"\x1b[Z".to_vec(),
                Named::Tab => escaped(b"\t"),
                Named::Escape => escaped(b"\x1b"),
                Named::Space if held.control => escaped(b"\0"),
                Named::Space => escaped(b" "),
                Named::Backspace if held.control => escaped(b"\x08"),
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
            Code::Character(character) => {
                let shown = match held.shift {
                    true => character.to_ascii_uppercase(),
                    false => character,
                };
                let control = control_character(character).filter(|_| held.control);
                escaped(&[control.unwrap_or(shown as u8)])
            }
        }
    }
}

impl Code {
    /// The key without its modifiers, by its name in lower case.
    fn parse(name: &str) -> Option<Self> {
        if let Some((_, named)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(Self::Named(*named));
        }
        let mut characters = name.chars();
        match (characters.next(), characters.next()) {
            (Some(only), None) if only.is_ascii_graphic() => Some(Self::Character(only)),
            (Some('f'), Some('1'..='9')) => name[1..]
                .parse()
                .ok()
                .filter(|number| (1..=12).contains(number))
                .map(Self::Function),
            _ => None,
        }
    }
}

/// What a character is with Control: the columns 4 and 5 of ASCII (ECMA-48, 5.2), and what
/// xterm has besides.
fn control_character(character: char) -> Option<u8> {
    match character {
        'a'..='z' | '@' | '['..='_' => Some(character as u8 & 0x1f),
        '/' => Some(0x1f),
        '?' => Some(0x7f),
        _ => None,
    }
}

/// The name that [`Key::parse`] reads.
impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.modifiers;
        for (held, name) in [
            (held.control, "ctrl-"),
            (held.alt, "alt-"),
            (held.shift, "shift-"),
        ] {
            if held {
                formatter.write_str(name)?;
            }
        }
        match self.code {
            Code::Named(named) => {
                let name = NAMES.iter().find(|(_, known)| *known == named);
                formatter.write_str(name.map_or("", |(name, _)| name))
            }
            Code::Function(number) => write!(formatter, "f{number}"),
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
            ("ctrl-alt-c", "\x1b\x03"),
            ("shift-up", "\x1b[1;2A"),
            ("ctrl-left", "\x1b[1;5D"),
            ("Ctrl-Shift-Right", "\x1b[1;6C"),
            ("shift-alt-ctrl-end", "\x1b[1;8F"),
            ("ctrl-delete", "\x1b[3;5~"),
            ("shift-f5", "\x1b[15;2~"),
            ("ctrl-f1", "\x1b[1;5P"),
            ("ctrl-backspace", "\x08"),
            ("ctrl-alt-space", "\x1b\0"),
            ("ctrl-\\", "\x1c"),
            ("ctrl-_", "\x1f"),
            ("ctrl-/", "\x1f"),
            ("ctrl-]", "\x1d"),
            ("alt-.", "\x1b."),
            ("alt--", "\x1b-"),
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
        assert_eq!(encode("ctrl-up"), b"\x1b[1;5A");
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
            "ctrl-ctrl-up",
            "shift-enter",
            "ctrl-enter",
            "ctrl-tab",
            "ctrl-shift-c",
            "alt-shift-5",
            "f+5",
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
            "ctrl-alt-shift-up",
            "alt-.",
        ] {
            assert_eq!(Key::parse(name).expect("a key").to_string(), name);
        }
    }
}
