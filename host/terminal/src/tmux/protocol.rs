//! tmux's control mode, read: bytes become messages. Pure and bounded; what is
//! not understood is passed over, as tmux's manual asks.

use std::fmt;

use memchr::memchr;
use thiserror::Error;

/// No line of tmux is longer: output comes in pieces of a few KiB, a captured
/// row has at most a thousand columns.
const LONGEST_LINE: usize = 1024 * 1024;

/// No answer is larger: a capture of ten thousand coloured lines is a tenth.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Names a pane for as long as its server lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PaneId(u32);

impl PaneId {
    /// Reads `%7`.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix('%')?.parse().ok().map(Self)
    }
}

impl fmt::Display for PaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// What tmux says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// What a command of ours printed, or tmux's complaint about it.
    Answer(Result<Vec<u8>, String>),
    /// A pane's program wrote something.
    Output {
        /// The pane.
        pane: PaneId,
        /// The bytes as they came from the program.
        bytes: Vec<u8>,
    },
    /// tmux holds a pane's output back and has thrown some of it away.
    Paused(PaneId),
    /// Windows, panes or tmux sessions have come, gone or changed their sizes.
    LayoutChanged,
    /// tmux lets go of this client; nothing more will come.
    Exit {
        /// Why, where tmux says so.
        reason: String,
    },
}

/// What cannot come from tmux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum ProtocolError {
    #[error("a line longer than {LONGEST_LINE} bytes")]
    Line,
    #[error("an answer larger than {LARGEST_ANSWER} bytes")]
    Answer,
}

/// Cuts what tmux writes into messages.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The beginning of a line whose end is to come.
    partial: Vec<u8>,
    answer: Option<Answer>,
}

/// An answer whose end is to come.
#[derive(Debug)]
struct Answer {
    /// What stands behind `%begin`; the same stands behind its end.
    guard: Vec<u8>,
    /// Whether a command of ours is answered, not one that came with the start.
    ours: bool,
    body: Vec<u8>,
}

impl Reader {
    /// Reads on, and hands over each message that is complete.
    pub(super) fn advance(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(Message),
    ) -> Result<(), ProtocolError> {
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.partial.len() + line.len() > LONGEST_LINE {
                return Err(ProtocolError::Line);
            }
            let message = if self.partial.is_empty() {
                self.line(line)
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                let message = self.line(&whole);
                whole.clear();
                self.partial = whole;
                message
            };
            if let Some(message) = message? {
                take(message);
            }
        }
        if self.partial.len() + bytes.len() > LONGEST_LINE {
            return Err(ProtocolError::Line);
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Message>, ProtocolError> {
        let Some(answer) = &mut self.answer else {
            return Ok(self.notification(line));
        };
        // Within an answer there are no notifications, and a captured screen may
        // show anything: only the guard that began it ends it.
        let (word, guard) = split(line);
        let failed = match word {
            b"%end" => Some(false),
            b"%error" => Some(true),
            _ => None,
        };
        if let Some(failed) = failed.filter(|_| guard == answer.guard) {
            let Answer { ours, mut body, .. } = self.answer.take().unwrap_or_else(Answer::none);
            // The last line's feed is the protocol's.
            body.pop();
            return Ok(ours.then(|| {
                Message::Answer(if failed {
                    Err(String::from_utf8_lossy(&body).into_owned())
                } else {
                    Ok(body)
                })
            }));
        }
        if answer.body.len() + line.len() >= LARGEST_ANSWER {
            return Err(ProtocolError::Answer);
        }
        answer.body.extend_from_slice(line);
        answer.body.push(b'\n');
        Ok(None)
    }

    fn notification(&mut self, line: &[u8]) -> Option<Message> {
        let (word, rest) = split(line);
        let pane = |text: &[u8]| PaneId::parse(std::str::from_utf8(text).ok()?);
        match word {
            b"%begin" => {
                self.answer = Some(Answer {
                    guard: rest.to_owned(),
                    // Time, number, flags: the lowest bit of the flags.
                    ours: rest.last().is_some_and(|flags| flags & 1 == 1),
                    body: Vec::new(),
                });
                None
            }
            b"%output" => {
                let (id, value) = split(rest);
                Some(Message::Output {
                    pane: pane(id)?,
                    bytes: unescaped(value),
                })
            }
            // %extended-output %pane age … : value
            b"%extended-output" => {
                let (id, rest) = split(rest);
                let value = memchr::memmem::find(rest, b" : ")? + 3;
                Some(Message::Output {
                    pane: pane(id)?,
                    bytes: unescaped(&rest[value..]),
                })
            }
            b"%pause" => Some(Message::Paused(pane(split(rest).0)?)),
            b"%window-add"
            | b"%unlinked-window-add"
            | b"%window-close"
            | b"%unlinked-window-close"
            | b"%layout-change"
            | b"%sessions-changed" => Some(Message::LayoutChanged),
            b"%exit" => Some(Message::Exit {
                reason: String::from_utf8_lossy(rest).into_owned(),
            }),
            _ => None,
        }
    }
}

impl Answer {
    fn none() -> Self {
        Self {
            guard: Vec::new(),
            ours: false,
            body: Vec::new(),
        }
    }
}

/// The first word, and what stands behind the blank after it.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b' ', line) {
        Some(blank) => (&line[..blank], &line[blank + 1..]),
        None => (line, &[]),
    }
}

/// Takes back tmux's escapes: a backslash and three octal digits for a control
/// character or a backslash. Anything else is left as it is.
fn unescaped(mut value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    while let Some(at) = memchr(b'\\', value) {
        bytes.extend_from_slice(&value[..at]);
        value = &value[at..];
        let octal = value
            .get(1..4)
            .filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)))
            .map(|digits| {
                digits
                    .iter()
                    .fold(0_u32, |n, d| n * 8 + u32::from(d - b'0'))
            })
            .and_then(|number| u8::try_from(number).ok());
        let taken = match octal {
            Some(byte) => {
                bytes.push(byte);
                4
            }
            None => {
                bytes.push(b'\\');
                1
            }
        };
        value = &value[taken..];
    }
    bytes.extend_from_slice(value);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages(bytes: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        Reader::default()
            .advance(bytes, |message| messages.push(message))
            .expect("within bounds");
        messages
    }

    /// As tmux writes bytes.
    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for &byte in bytes {
            if byte < b' ' || byte == b'\\' {
                text.extend_from_slice(format!("\\{byte:03o}").as_bytes());
            } else {
                text.push(byte);
            }
        }
        text
    }

    fn output(pane: u32, bytes: &[u8]) -> Message {
        Message::Output {
            pane: PaneId(pane),
            bytes: bytes.to_owned(),
        }
    }

    /// What tmux 3.3a wrote when a window was opened, typed into, captured and
    /// closed, and its server killed.
    #[test]
    fn a_recorded_conversation() {
        let recorded = include_bytes!("recorded-3.3a.txt");
        let answer = |text: &str| Message::Answer(Ok(text.as_bytes().to_owned()));
        assert_eq!(
            messages(recorded),
            [
                Message::LayoutChanged,
                Message::LayoutChanged,
                answer("%1 @1 3724"),
                Message::LayoutChanged,
                answer(""),
                Message::LayoutChanged,
                output(1, b"\x1b[?2004h$ "),
                output(1, b"echo \x07"),
                Message::Answer(Err("can't find window: @99".to_owned())),
                Message::Answer(Err("parse error: unknown command: bogus".to_owned())),
                answer("$ \u{1b}[32mok\u{1b}[39m\n%end 1795263983 99 1\n\nlast"),
                Message::Paused(PaneId(1)),
                output(1, b"late : \\ and on"),
                Message::LayoutChanged,
                Message::Exit {
                    reason: "server exited unexpectedly".to_owned()
                },
            ]
        );
    }

    #[test]
    fn the_answer_to_the_start_is_not_ours() {
        let said = b"%begin 1 260 0\n%end 1 260 0\n%begin 1 261 1\n%end 1 261 1\n";
        assert_eq!(messages(said), [Message::Answer(Ok(Vec::new()))]);
    }

    #[test]
    fn a_line_without_end_is_an_error() {
        let mut reader = Reader::default();
        let piece = vec![b'x'; LONGEST_LINE / 2 + 1];
        assert_eq!(reader.advance(&piece, |_| ()), Ok(()));
        assert_eq!(reader.advance(&piece, |_| ()), Err(ProtocolError::Line));
    }

    proptest! {
        #[test]
        fn what_a_program_wrote_arrives_as_it_was(
            written in proptest::collection::vec(any::<u8>(), 0..300),
            cut in 1_usize..50,
        ) {
            let mut line = b"%output %3 ".to_vec();
            line.extend(escaped(&written));
            line.push(b'\n');
            let mut reader = Reader::default();
            let mut messages = Vec::new();
            for piece in line.chunks(cut) {
                reader.advance(piece, |message| messages.push(message)).expect("short");
            }
            prop_assert_eq!(messages, [output(3, &written)]);
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(
                prop_oneof![
                    any::<Vec<u8>>(), Just(b"%begin 1 2 1\n".to_vec()), Just(b"%end 1 2 1\n".to_vec()),
                    Just(b"%output %1 \\01".to_vec()), Just(b"\n".to_vec()), Just(b"%extended-output %1 ".to_vec()),
                    Just(b"%error 1 2 1\n".to_vec()), Just(b" : ".to_vec()), Just(b"%pause".to_vec()),
                ],
                0..40,
            ),
        ) {
            let mut reader = Reader::default();
            for piece in bytes {
                let _ = reader.advance(&piece, |_| ());
            }
        }
    }
}
