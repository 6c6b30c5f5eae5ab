//! What a session's bytes mean besides what they show.
//!
//! Every byte is read twice: here, for the transcript and the marks, and by the
//! emulator for the screen. Reading stops at each mark, so that the emulator can be
//! brought exactly up to it.
//!
//! Between control sequences there is text, most of what programs write. It is
//! copied in runs; the bare parser sees control sequences alone.

use vte::{Params, Parser, Perform};

use crate::marks::{self, MarkKey, Numbered};
use crate::transcript::{Edit, Transcript};

/// Something in the stream that is not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    Mark(Numbered),
    /// Bracketed paste was switched off: a line editor has accepted a line.
    LineAccepted,
    /// OSC 9;4.
    Progress(Option<Progress>),
}

/// How far a program says that it is (OSC 9;4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What the program says about its state.
    pub state: ProgressState,
    /// Between 0 and 100; none where the state has no such thing.
    pub percent: Option<u8>,
}

/// The state in an OSC 9;4. State 0, "none", is the absence of [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressState {
    /// State 1.
    Normal,
    /// State 2.
    Error,
    /// State 3: busy, nobody knows how far.
    Indeterminate,
    /// State 4.
    Paused,
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

    /// What was put aside since the last call, carriage returns and all.
    pub(crate) fn take_followed(&mut self) -> Option<String> {
        self.followed
            .as_mut()
            .filter(|text| !text.is_empty())
            .map(std::mem::take)
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
            self.parser = Parser::new();
            self.in_sequence = false;
            self.unrecognised = 0;
            self.skipping = true;
        }
        Advanced {
            bytes: taken,
            signal,
            abandoned,
        }
    }
}

struct Listener<'a> {
    key: Option<&'a MarkKey>,
    state: &'a mut State,
    transcript: &'a mut Transcript,
    followed: Option<&'a mut String>,
    signal: Option<Signal>,
    recognised: bool,
    /// The parser is certain to be where text can follow.
    sequence_ended: bool,
}

impl Listener<'_> {
    /// Takes text, single controls and colours, up to the next other sequence.
    fn text(&mut self, bytes: &[u8], begun: &mut Begun) -> usize {
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
        match params {
            [b"133", ..] => {
                let Some(mark) = self.key.and_then(|key| marks::parse(params, key)) else {
                    return;
                };
                self.state.filling = matches!(mark.mark, marks::Mark::Filling);
                self.signal = Some(Signal::Mark(mark));
            }
            [b"9", b"4", state, rest @ ..] => {
                self.signal = Some(Signal::Progress(progress(state, rest.first().copied())));
            }
            _ => (),
        }
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, _: char) {
        self.recognised = true;
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
struct Begun {
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

fn progress(state: &[u8], percent: Option<&[u8]>) -> Option<Progress> {
    let percent = percent
        .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
        .filter(|percent: &u8| *percent <= 100);
    let (state, percent) = match state {
        b"1" => (ProgressState::Normal, percent),
        b"2" => (ProgressState::Error, percent),
        b"3" => (ProgressState::Indeterminate, None),
        b"4" => (ProgressState::Paused, percent),
        _ => return None,
    };
    Some(Progress { state, percent })
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
