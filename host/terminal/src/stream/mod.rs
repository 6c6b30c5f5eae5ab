//! What a session's bytes mean besides what they show.
//!
//! Every byte is read twice: here, for the transcript and the marks, and by the
//! emulator for the screen. Reading stops at each mark, so that the emulator can be
//! brought exactly up to it.
//!
//! Between control sequences there is text, most of what programs write. It is
//! copied in runs; the bare parser sees control sequences alone.

mod listener;
mod progress;
mod queries;

use vte::Parser;

use self::listener::{Begun, Listener};
pub use self::progress::{Progress, ProgressState};
pub(crate) use self::queries::are_replies;

use crate::marks::{MarkKey, Numbered};
use crate::transcript::Transcript;

/// Something in the stream that is not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    Mark(Numbered),
    /// Bracketed paste was switched off: a line editor has accepted a line.
    LineAccepted,
    /// OSC 9;4.
    Progress(Option<Progress>),
}

/// Begins every control sequence.
const ESCAPE: u8 = 0x1b;

/// No control string of a terminal is longer. The parsers keep such strings
/// whole, so that without a limit output could fill the memory.
const LONGEST_STRING: usize = 1024 * 1024;

/// What [`Stream::advance`] did.
pub(crate) struct Advanced {
    /// How many bytes were taken.
    pub(crate) bytes: usize,
    pub(crate) signal: Option<Signal>,
    /// A control string was too long: every parser of the stream must give up
    /// on it, and nothing of it is to be shown.
    pub(crate) abandoned: bool,
}

/// The parser's state between two readings.
pub(crate) struct Stream {
    parser: Parser,
    /// The parser is in the middle of a control sequence, as far as is known.
    in_sequence: bool,
    /// The beginning of a character whose end is to come.
    begun: Begun,
    key: Option<MarkKey>,
    state: State,
    /// Bytes since anything was last recognised.
    unrecognised: usize,
    /// Skipping the rest of a control string that was too long.
    skipping: bool,
    /// Text for followers, since it was last taken; `None` while nobody follows.
    followed: Option<String>,
}

#[derive(Default)]
struct State {
    /// On the alternate screen nothing is a line of the transcript.
    alternate_screen: bool,
    /// Between the marks around a shell's layout.
    filling: bool,
    /// DEC line drawing is on: letters are lines and corners.
    line_drawing: bool,
    last_printed: Option<char>,
    /// A program has asked the terminal something since that was last looked at.
    asked: bool,
}

impl Stream {
    /// Marks are recognised by `key`; without one there are none.
    pub(crate) fn new(key: Option<MarkKey>) -> Self {
        Self {
            parser: Parser::new(),
            in_sequence: false,
            begun: Begun::default(),
            key,
            state: State::default(),
            unrecognised: 0,
            skipping: false,
            followed: None,
        }
    }

    /// Whether text is put aside for followers.
    pub(crate) fn follow(&mut self, follow: bool) {
        if follow != self.followed.is_some() {
            self.followed = follow.then(String::new);
        }
    }

    /// Whether a program has asked the terminal something since the last call. It is
    /// answered as if somebody had typed.
    pub(crate) fn take_asked(&mut self) -> bool {
        std::mem::take(&mut self.state.asked)
    }

    /// What was put aside since the last call, carriage returns and all.
    pub(crate) fn take_followed(&mut self) -> Option<String> {
        self.followed
            .as_mut()
            .filter(|text| !text.is_empty())
            .map(std::mem::take)
    }

    /// What comes next is not the end of what has begun.
    pub(crate) fn abandon_sequence(&mut self) {
        self.parser = Parser::new();
        self.in_sequence = false;
        self.begun = Begun::default();
        self.unrecognised = 0;
    }

    /// Writes `bytes` to the transcript, up to and with the first signal.
    pub(crate) fn advance(&mut self, bytes: &[u8], transcript: &mut Transcript) -> Advanced {
        if self.skipping {
            let end = bytes
                .iter()
                .position(|byte| matches!(byte, 0x07 | 0x18 | 0x1a | 0x1b))
                .unwrap_or(bytes.len());
            self.skipping = end == bytes.len();
            if end > 0 {
                return Advanced {
                    bytes: end,
                    signal: None,
                    abandoned: true,
                };
            }
        }
        let mut listener = Listener {
            key: self.key.as_ref(),
            state: &mut self.state,
            transcript,
            followed: self.followed.as_mut(),
            signal: None,
            recognised: false,
            sequence_ended: false,
        };
        let mut taken = 0;
        while taken < bytes.len() && listener.signal.is_none() {
            if self.in_sequence {
                listener.sequence_ended = false;
                taken += self
                    .parser
                    .advance_until_terminated(&mut listener, &bytes[taken..]);
                self.in_sequence = !listener.sequence_ended;
            } else {
                taken += listener.text(&bytes[taken..], &mut self.begun);
                self.in_sequence = bytes.get(taken) == Some(&ESCAPE);
            }
        }
        let (signal, recognised) = (listener.signal, listener.recognised);
        self.unrecognised = if recognised {
            0
        } else {
            self.unrecognised + taken
        };
        let abandoned = self.unrecognised > LONGEST_STRING;
        if abandoned {
            self.abandon_sequence();
            self.skipping = true;
        }
        Advanced {
            bytes: taken,
            signal,
            abandoned,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transcript::Cursor;

    fn text_of(transcript: &Transcript) -> String {
        transcript
            .read(Cursor::START, transcript.end(), usize::MAX)
            .text
    }

    fn feed(stream: &mut Stream, transcript: &mut Transcript, mut bytes: &[u8]) -> Vec<Signal> {
        let mut signals = Vec::new();
        while !bytes.is_empty() {
            let advanced = stream.advance(bytes, transcript);
            signals.extend(advanced.signal);
            bytes = &bytes[advanced.bytes..];
        }
        signals
    }

    fn read(bytes: &[u8]) -> String {
        let mut transcript = Transcript::new(1 << 20);
        feed(&mut Stream::new(None), &mut transcript, bytes);
        text_of(&transcript)
    }

    #[test]
    fn escape_sequences_are_not_text() {
        assert_eq!(
            read(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b[?25l\r\n"),
            "red x\n"
        );
        assert_eq!(read(b"a\x07b\x00c\x7fd\x1b(0qx\x1b(Bq\n"), "abcd─│q\n");
        assert_eq!(read(b"caf\xe9 \xff\n"), "caf\u{fffd} \u{fffd}\n");
    }

    #[test]
    fn the_alternate_screen_is_left_out() {
        assert_eq!(
            read(b"before\r\n\x1b[?1049hvim\r\n~\x1b[?1049lafter"),
            "before\nafter"
        );
    }

    #[test]
    fn other_rows_are_other_lines() {
        assert_eq!(read(b"one\r\n\x1b[Aup\x1b[2Jclear"), "one\nup\nclear");
    }

    #[test]
    fn parsing_stops_at_each_signal() {
        let key = MarkKey::of("k");
        let mut stream = Stream::new(Some(key));
        let mut transcript = Transcript::new(1 << 20);
        let bytes = b"out\x1b]133;D;0;q=k;n=1\x07more\x1b]133;D;0;q=wrong;n=1\x07\x1b]9;4;1;40\x07";
        let first = stream.advance(bytes, &mut transcript);
        assert_eq!(text_of(&transcript), "out");
        assert!(matches!(first.signal, Some(Signal::Mark(_))));
        let rest = feed(&mut stream, &mut transcript, &bytes[first.bytes..]);
        assert_eq!(text_of(&transcript), "outmore");
        let progress = Progress {
            state: ProgressState::Normal,
            percent: Some(40),
        };
        assert_eq!(rest, [Signal::Progress(Some(progress))]);
    }

    #[test]
    fn questions_to_the_terminal_are_noticed() {
        let asks = |bytes: &[u8]| {
            let mut stream = Stream::new(None);
            feed(&mut stream, &mut Transcript::new(1 << 20), bytes);
            stream.take_asked()
        };
        for question in [
            &b"\x1b[c"[..],
            b"\x1b[>c",
            b"\x1b[=c",
            b"\x1b[5n",
            b"\x1b[6n",
            b"\x1b[?6n",
            b"\x1b[?2026$p",
            b"\x1b[4$p",
            b"\x1b[>q",
            b"\x1b[18t",
            b"\x1b[21t",
            b"\x1b[?u",
            b"\x1b[x",
            b"\x1bZ",
            b"\x05",
            b"\x1b]4;1;?\x07",
            b"\x1b]11;?\x1b\\",
            b"\x1b]52;c;?\x07",
            b"\x1bP$qm\x1b\\",
            b"\x1bP+q544e\x1b\\",
            b"\x1b]1337;ReportCellSize\x07",
        ] {
            assert!(asks(question), "{:?}", String::from_utf8_lossy(question));
        }
        for statement in [
            &b"what?\r\n"[..],
            b"\x1b[31m",
            b"\x1b[2J\x1b[3;4H",
            b"\x1b[?1049h",
            b"\x1b[>1u",
            b"\x1b[22;0t",
            b"\x1b[2 q",
            b"\x1b[!p",
            b"\x1b]0;who?\x07",
            b"\x1b]8;;http://x/?\x07",
            b"\x1b]4;1;red\x07",
            b"\x1b[>4;2m",
            b"\x1b[5S",
        ] {
            assert!(!asks(statement), "{:?}", String::from_utf8_lossy(statement));
        }
    }

    #[test]
    fn an_endless_control_string_is_given_up_and_not_shown() {
        let mut stream = Stream::new(None);
        let mut transcript = Transcript::new(1 << 20);
        feed(&mut stream, &mut transcript, b"a\x1b]0;");
        let flood = vec![b'x'; 64 * 1024];
        for _ in 0..40 {
            feed(&mut stream, &mut transcript, &flood);
        }
        feed(&mut stream, &mut transcript, b"\x07b");
        assert_eq!(text_of(&transcript), "ab");
    }

    #[test]
    fn who_follows_gets_runs_and_single_characters_alike() {
        let mut stream = Stream::new(None);
        let mut transcript = Transcript::new(1 << 20);
        stream.follow(true);
        feed(
            &mut stream,
            &mut transcript,
            "käse\x1b[31m 50 %\x1b(0q\x1b(B\r".as_bytes(),
        );
        assert_eq!(stream.take_followed().as_deref(), Some("käse 50 %─\r"));
    }

    /// What the bare parser alone makes of it.
    fn parsed(bytes: &[u8]) -> String {
        let mut parser = Parser::new();
        let mut state = State::default();
        let mut transcript = Transcript::new(1 << 20);
        let mut taken = 0;
        while taken < bytes.len() {
            let mut listener = Listener {
                key: None,
                state: &mut state,
                transcript: &mut transcript,
                followed: None,
                signal: None,
                recognised: false,
                sequence_ended: false,
            };
            taken += parser.advance_until_terminated(&mut listener, &bytes[taken..]);
        }
        text_of(&transcript)
    }

    proptest! {
        #[test]
        fn text_is_taken_as_the_parser_takes_it(
            pieces in proptest::collection::vec(
                prop_oneof![
                    "[a-z ]{1,9}".prop_map(String::into_bytes),
                    "[äß日🦀\u{85}\u{9b}]{1,3}".prop_map(String::into_bytes),
                    proptest::collection::vec(any::<u8>(), 1..4),
                    prop::sample::select(vec![
                        &b"\x1b["[..], b"31m", b"\x1b[1;38:2::1m", b"\x1b]0;t", b"\x1b]8;;x\x1b\\", b"\x07", b"\x1b\\", b"\x18",
                        b"\x1bP1q", b"\x1b(0", b"\x1b(B", b"\x1b[3b", b"\x1b[?1049h", b"\x1b[?1049l",
                        b"\r\n", b"\r", b"\t", b"\x1b[K", b"\x1b[2", b"\x08",
                    ]).prop_map(<[u8]>::to_vec),
                ],
                0..40,
            ),
        ) {
            let bytes = pieces.concat();
            prop_assert_eq!(read(&bytes), parsed(&bytes));
        }

        #[test]
        fn any_bytes_in_any_pieces_give_the_same_text(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b']'), Just(b'\r'), Just(b'\n'), b'0'..b'z'],
                0..400,
            ),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let whole = read(&bytes);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            let mut stream = Stream::new(None);
            let mut transcript = Transcript::new(1 << 20);
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                feed(&mut stream, &mut transcript, &bytes[from..cut]);
                from = cut;
            }
            let pieces = text_of(&transcript);
            prop_assert!(pieces.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            // The parser replaces a broken character by one or several
            // replacement characters, depending on where it was cut.
            if std::str::from_utf8(&bytes).is_ok() {
                prop_assert_eq!(pieces, whole);
            }
        }

        #[test]
        fn reading_in_increments_gives_what_reading_at_once_gives(
            lines in proptest::collection::vec("[a-zäß日🦀 ]{0,30}", 0..30),
            sizes in proptest::collection::vec(8_usize..64, 1..10),
        ) {
            let text = lines.join("\r\n");
            let mut transcript = Transcript::new(1 << 20);
            feed(&mut Stream::new(None), &mut transcript, text.as_bytes());
            let mut sizes = sizes.iter().cycle();
            let mut cursor = Cursor::START;
            let mut increments = String::new();
            while cursor < transcript.end() {
                let size = sizes.next().copied().unwrap_or(8);
                let excerpt = transcript.read(cursor, transcript.end(), size);
                prop_assert!(excerpt.next > cursor);
                increments.push_str(&excerpt.text);
                cursor = excerpt.next;
            }
            prop_assert_eq!(increments, text_of(&transcript));
        }
    }
}
