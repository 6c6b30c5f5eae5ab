//! The control strings that iTerm2 understands and other terminals ignore.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vte::{Parser, Perform};

/// What a program told the terminal about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Escape {
    /// OSC 133;A
    PromptBegins,
    /// OSC 133;B
    PromptEnds,
    /// OSC 133;C
    CommandBegins,
    /// OSC 133;D
    CommandEnds(Option<i32>),
    /// OSC 1337;Custom=id=<sender>:<payload>
    Custom { sender: String, payload: String },
    /// OSC 1337;SetUserVar=<name>=<base64>
    UserVariable { name: String, value: String },
    /// OSC 1337;SetBadgeFormat=<base64>
    Badge(String),
    /// OSC 1337;CurrentDir=<folder>, or OSC 7
    Folder(String),
    /// OSC 1337;RemoteHost=<user>@<host>
    Host { user: String, host: String },
    /// OSC 6;1;bg;<component>;brightness;<0-255>
    TabColor { component: usize, value: u8 },
    /// OSC 6;1;bg;*;default
    NoTabColor,
    /// OSC 0 and 2
    Title(String),
}

/// Finds escapes in output, also when they come in pieces.
#[derive(Default)]
pub(crate) struct Tap {
    parser: Parser,
    seen: Seen,
}

#[derive(Default)]
struct Seen(Option<Escape>);

impl Tap {
    /// Looks through output up to the end of the first escape: how many bytes that is, and the
    /// escape if there was one.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> (usize, Option<Escape>) {
        let consumed = self.parser.advance_until_terminated(&mut self.seen, bytes);
        (consumed, self.seen.0.take())
    }
}

impl Perform for Seen {
    fn terminated(&self) -> bool {
        self.0.is_some()
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell_terminated: bool) {
        let Some((kind, rest)) = params.split_first() else {
            return;
        };
        // A payload may hold semicolons of its own.
        let rest: Vec<_> = rest
            .iter()
            .map(|part| String::from_utf8_lossy(part))
            .collect();
        let text = rest.join(";");
        self.0 = match *kind {
            b"0" | b"2" => Some(Escape::Title(text)),
            b"133" => of_shell(&text),
            b"1337" => of_iterm2(&text),
            b"6" => tab_color(&text),
            b"7" => folder_of_url(&text),
            _ => None,
        };
    }
}

fn of_shell(text: &str) -> Option<Escape> {
    let (letter, rest) = text.split_once(';').unwrap_or((text, ""));
    match letter {
        "A" => Some(Escape::PromptBegins),
        "B" => Some(Escape::PromptEnds),
        "C" => Some(Escape::CommandBegins),
        "D" => Some(Escape::CommandEnds(rest.split(';').next()?.parse().ok())),
        _ => None,
    }
}

fn of_iterm2(text: &str) -> Option<Escape> {
    let (name, value) = text.split_once('=')?;
    match name {
        "Custom" => {
            let (sender, payload) = value.strip_prefix("id=")?.split_once(':')?;
            Some(Escape::Custom {
                sender: sender.to_owned(),
                payload: payload.to_owned(),
            })
        }
        "SetUserVar" => {
            let (name, value) = value.split_once('=')?;
            Some(Escape::UserVariable {
                name: name.to_owned(),
                value: decode(value)?,
            })
        }
        "SetBadgeFormat" => Some(Escape::Badge(decode(value)?)),
        "CurrentDir" => Some(Escape::Folder(value.to_owned())),
        "RemoteHost" => {
            let (user, host) = value.split_once('@')?;
            Some(Escape::Host {
                user: user.to_owned(),
                host: host.to_owned(),
            })
        }
        _ => None,
    }
}

fn decode(base64: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(base64).ok()?).ok()
}

fn tab_color(text: &str) -> Option<Escape> {
    let parts: Vec<&str> = text.split(';').collect();
    match parts.as_slice() {
        ["1", "bg", "*", "default"] => Some(Escape::NoTabColor),
        ["1", "bg", color, "brightness", value] => Some(Escape::TabColor {
            component: ["red", "green", "blue"]
                .iter()
                .position(|name| name == color)?,
            value: value.parse().ok()?,
        }),
        _ => None,
    }
}

fn folder_of_url(url: &str) -> Option<Escape> {
    let rest = url.strip_prefix("file://")?;
    Some(Escape::Folder(rest[rest.find('/')?..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_found_where_they_end_also_in_pieces() {
        let output = b"a\x1b]133;D;3\x07b\x1b]1337;Custom=id=me:x;y\x1b\\c";
        for piece in 1..output.len() {
            let mut tap = Tap::default();
            let mut found = Vec::new();
            for mut bytes in output.chunks(piece) {
                while !bytes.is_empty() {
                    let (consumed, escape) = tap.next(bytes);
                    bytes = &bytes[consumed..];
                    found.extend(escape);
                }
            }
            let custom = Escape::Custom {
                sender: "me".into(),
                payload: "x;y".into(),
            };
            assert_eq!(found, [Escape::CommandEnds(Some(3)), custom], "{piece}");
        }
    }

    #[test]
    fn what_is_not_understood_is_nothing() {
        let mut tap = Tap::default();
        for junk in [
            "1337;Custom=x",
            "1337;SetUserVar=a=%%",
            "6;1;bg;pink;brightness;3",
            "133",
        ] {
            let output = format!("\x1b]{junk}\x07");
            assert_eq!(tap.next(output.as_bytes()), (output.len(), None), "{junk}");
        }
    }
}
