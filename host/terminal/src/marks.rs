//! The marks that a session's shell integration writes between its output.
//!
//! A mark is `OSC 133 ; kind ; name=value ; …`, as other terminals know it, with
//! two fields of our own: `q`, the session's key, and `n`, the number of the
//! prompt that the mark belongs to. Output is written by anybody, so a mark
//! without the right key is no mark.

use std::fmt;
use std::path::PathBuf;

use crate::quoting;

/// The secret that makes a mark ours: 128 random bits in hexadecimal.
///
/// Known to the session's task and to its shell alone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MarkKey(String);

impl MarkKey {
    /// A key that nobody has seen.
    pub(crate) fn generate() -> std::io::Result<Self> {
        let mut random = [0_u8; 16];
        let mut filled = 0;
        while filled < random.len() {
            let rest = &mut random[filled..];
            filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
        }
        let text = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(text))
    }

    /// The text that a shell puts in its marks.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// One that an earlier host made.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Says nothing: a key has no place in a log.
impl fmt::Debug for MarkKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MarkKey(…)")
    }
}

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The integration runs; the user's own files may still have to.
    Hello { answers: Answers },
    /// The integration cannot work in this shell, and no more marks follow.
    Unable,
    /// What follows up to the prompt is layout, not output.
    Filling,
    /// A prompt is about to be shown, in this directory.
    PromptStart { cwd: Option<PathBuf> },
    /// The shell reads a line now.
    PromptEnd,
    /// The shell wants more of the command that it was given.
    Continuation,
    /// A command runs; its text, where the shell tells.
    CommandStart { line: Option<String> },
    /// The last command ended.
    CommandEnd { status: i32 },
    /// What the line holds, in answer to a private key sequence.
    Line {
        text: String,
        question: Question,
        /// The editor has vi's keys, and may take text for commands.
        commands: bool,
    },
}

/// Which of the private key sequences a shell was asked with. They take turns,
/// so that an answer which comes late is not taken for the next question's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question(u8);

impl Question {
    /// The final parameter of each sequence.
    const KEYS: [&str; 4] = ["113", "117", "118", "119"];

    pub(crate) const FIRST: Self = Self(0);

    pub(crate) fn next(self) -> Self {
        Self((self.0 + 1) % 4)
    }

    /// The key sequence that the scripts bind to this question.
    pub(crate) fn keys(self) -> String {
        format!("\x1b[27;7;{}~", self.name())
    }

    fn name(self) -> &'static str {
        Self::KEYS[usize::from(self.0)]
    }

    fn of_name(name: &[u8]) -> Option<Self> {
        let number = Self::KEYS.iter().position(|key| key.as_bytes() == name)?;
        u8::try_from(number).ok().map(Self)
    }
}

/// Whether and how the shell says what its line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    Never,
    AtOnce,
    /// And is ready for more once it has drawn the prompt again.
    ThenRedraws,
}

/// A mark and the number of the prompt that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) prompt: u64,
    pub(crate) mark: Mark,
}

/// Reads the parameters of an OSC 133; `None` when it is not ours.
pub(crate) fn parse(parameters: &[&[u8]], key: &MarkKey) -> Option<Numbered> {
    let [b"133", kind, fields @ ..] = parameters else {
        return None;
    };
    let field = |name: &[u8]| {
        fields
            .iter()
            .find_map(|field| field.strip_prefix(name)?.strip_prefix(b"="))
    };
    if field(b"q")? != key.0.as_bytes() {
        return None;
    }
    let prompt = std::str::from_utf8(field(b"n")?).ok()?.parse().ok()?;
    let mark = match *kind {
        b"H" => Mark::Hello {
            answers: match field(b"ask") {
                Some(b"1") => Answers::AtOnce,
                Some(b"2") => Answers::ThenRedraws,
                _ => Answers::Never,
            },
        },
        b"X" => Mark::Unable,
        b"F" => Mark::Filling,
        b"A" if field(b"k") == Some(b"s") => Mark::Continuation,
        b"A" => Mark::PromptStart {
            cwd: field(b"cwd")
                .and_then(quoting::decode)
                .map(quoting::into_path),
        },
        b"B" => Mark::PromptEnd,
        b"C" => Mark::CommandStart {
            line: field(b"line").and_then(quoting::decode).map(text),
        },
        b"D" => Mark::CommandEnd {
            status: std::str::from_utf8(fields.first()?).ok()?.parse().ok()?,
        },
        b"L" => Mark::Line {
            text: text(quoting::decode(field(b"line")?)?),
            question: Question::of_name(field(b"a")?)?,
            commands: field(b"v") == Some(b"1"),
        },
        _ => return None,
    };
    Some(Numbered { prompt, mark })
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Option<Numbered> {
        let parameters: Vec<&[u8]> = text.split(';').map(str::as_bytes).collect();
        parse(&parameters, &MarkKey::of("k1"))
    }

    #[test]
    fn a_mark_without_the_key_is_none() {
        assert_eq!(parse_text("133;D;0"), None);
        assert_eq!(parse_text("133;D;0;q=k2;n=1"), None);
        assert_eq!(parse_text("133;D;0;q=;n=1"), None);
        assert_eq!(parse_text("133;D;0;q=k1"), None);
        assert_eq!(parse_text("7;D;0;q=k1;n=1"), None);
    }

    #[test]
    fn a_mark_says_what_it_says() {
        let mark = |text| parse_text(text).expect("a mark");
        assert_eq!(
            mark("133;D;3;q=k1;n=12"),
            Numbered {
                prompt: 12,
                mark: Mark::CommandEnd { status: 3 }
            }
        );
        assert_eq!(mark("133;A;k=s;q=k1;n=1").mark, Mark::Continuation);
        assert_eq!(
            mark("133;A;q=k1;n=1;cwd=q:/tmp/a\\ b").mark,
            Mark::PromptStart {
                cwd: Some("/tmp/a b".into())
            }
        );
        assert!(matches!(
            mark("133;L;q=k1;n=1;a=113;v=1;line=q:").mark,
            Mark::Line { commands: true, .. }
        ));
        assert_eq!(
            mark("133;L;q=k1;n=1;a=117;line=q:echo\\ 1\\\u{7f}ls").mark,
            Mark::Line {
                text: "echo 1;ls".into(),
                question: Question::FIRST.next(),
                commands: false,
            }
        );
    }

    #[test]
    fn keys_differ() {
        let one = MarkKey::generate().expect("random bytes");
        let other = MarkKey::generate().expect("random bytes");
        assert_eq!(one.as_str().len(), 32);
        assert!(one != other);
    }
}
