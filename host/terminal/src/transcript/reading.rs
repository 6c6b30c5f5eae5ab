//! Reading the log: lines as they ended up.

use unicode_width::UnicodeWidthChar;

use super::{Cursor, Edit, Transcript};

/// Reading looks at no more than this much of the log at once, so that one
/// reader cannot hold up the session for long.
const MOST_LOG_BYTES: u64 = 2 * 1024 * 1024;

/// An edited line longer than this is cut in two.
const MOST_CELLS: usize = 64 * 1024;

/// What was read.
pub(crate) struct Excerpt {
    pub(crate) text: String,
    pub(crate) next: Cursor,
    /// Bytes that were dropped between the cursor asked for and the text.
    pub(crate) gap: Option<u64>,
    anchors: Vec<Anchor>,
}

/// Ties an offset in the text to one in the log. Up to the next anchor both
/// advance alike, unless the line in between was edited.
struct Anchor {
    text: usize,
    log: u64,
    edited: bool,
}

impl Excerpt {
    /// The place in the transcript right after `text[..end]`, or after the
    /// edited line that it lies in.
    pub(crate) fn cursor_after(&self, end: usize) -> Cursor {
        let following = self.anchors.partition_point(|anchor| anchor.text < end);
        match following.checked_sub(1).map(|index| &self.anchors[index]) {
            Some(anchor) if !anchor.edited => Cursor(anchor.log + (end - anchor.text) as u64),
            Some(_) => self
                .anchors
                .get(following)
                .map_or(self.next, |anchor| Cursor(anchor.log)),
            None => self
                .anchors
                .first()
                .map_or(self.next, |anchor| Cursor(anchor.log)),
        }
    }
}

impl Transcript {
    /// Reads from a cursor, at most up to `until` and at most `max_bytes` of
    /// text (but always at least one character).
    pub(crate) fn read(&self, from: Cursor, until: Cursor, max_bytes: usize) -> Excerpt {
        let until = until.min(self.end());
        let wanted = from.min(until);
        let first = wanted.max(self.start());
        let mut reader = Reader {
            text: Vec::new(),
            max_bytes: max_bytes.max(8),
            line: None,
            anchors: vec![Anchor {
                text: 0,
                log: first.0,
                edited: false,
            }],
        };
        let mut at = first.0;
        let stop = until.0.min(first.0 + MOST_LOG_BYTES);
        while at < stop {
            let piece = self.piece(at);
            let length = piece
                .len()
                .min(usize::try_from(stop - at).unwrap_or(usize::MAX));
            if length == 0 {
                break;
            }
            let taken = reader.take(&piece[..length], at);
            at += taken as u64;
            if taken < length {
                break;
            }
        }
        reader.finish_line(at);
        Excerpt {
            text: String::from_utf8(reader.text)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            next: Cursor(at),
            gap: (first > wanted).then(|| first.0 - wanted.0),
            anchors: reader.anchors,
        }
    }
}

struct Reader {
    text: Vec<u8>,
    max_bytes: usize,
    /// The line being edited. Until the first operation a line is written
    /// straight to `text`, which is what nearly all lines are.
    line: Option<Line>,
    anchors: Vec<Anchor>,
}

impl Reader {
    /// Takes what it can of `bytes`, which lie at `offset` in the log; less
    /// than all of them means that the text is as long as it may be.
    fn take(&mut self, bytes: &[u8], offset: u64) -> usize {
        let mut at = 0;
        // A cursor that nobody handed out may point into a character.
        if offset == self.anchors[0].log && self.text.is_empty() && self.line.is_none() {
            while at < bytes.len() && bytes[at] & 0xc0 == 0x80 {
                at += 1;
            }
            self.anchors[0].log += at as u64;
        }
        while at < bytes.len() {
            let rest = &bytes[at..];
            if let Some((edit, length)) = Edit::decode(rest) {
                self.edit(edit, offset + at as u64);
                at += length;
                continue;
            }
            if rest[0] < 0x20 && rest[0] != b'\n' && rest[0] != b'\t' {
                // An operation cut off by a cursor that nobody handed out.
                at += 1;
                continue;
            }
            let taken = match &mut self.line {
                None => self.take_plain(rest),
                Some(_) => self.take_edited(rest, offset + at as u64),
            };
            if taken == 0 {
                break;
            }
            at += taken;
        }
        at
    }

    /// Takes whole lines and their text up to the next operation.
    fn take_plain(&mut self, bytes: &[u8]) -> usize {
        let run = bytes
            .iter()
            .position(|&byte| byte < 0x20 && byte != b'\n' && byte != b'\t')
            .unwrap_or(bytes.len());
        let room = self.max_bytes.saturating_sub(self.text.len());
        let mut taken = run.min(room);
        while taken < run && bytes[taken] & 0xc0 == 0x80 {
            taken -= 1;
        }
        self.text.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Takes one character into the line being edited, or ends it.
    fn take_edited(&mut self, bytes: &[u8], offset: u64) -> usize {
        let room = self.max_bytes.saturating_sub(self.text.len());
        let Some(line) = &mut self.line else {
            return 0;
        };
        if bytes[0] == b'\n' {
            if line.bytes >= room {
                return 0;
            }
            self.finish_line(offset);
            return self.take_plain(&bytes[..1]);
        }
        let length = match bytes[0] {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        }
        .min(bytes.len());
        let character = std::str::from_utf8(&bytes[..length])
            .ok()
            .and_then(|text| text.chars().next())
            .unwrap_or(char::REPLACEMENT_CHARACTER);
        if line.bytes + line.widening(character) > room {
            return 0;
        }
        if line.cells.len() >= MOST_CELLS {
            self.finish_line(offset);
            return self.take_plain(&bytes[..length]);
        }
        line.print(character);
        length
    }

    fn edit(&mut self, edit: Edit, offset: u64) {
        let line = self.line.get_or_insert_with(|| {
            let start = memchr::memrchr(b'\n', &self.text).map_or(0, |newline| newline + 1);
            let begun = self.text.split_off(start);
            // The line's own anchor: it may have begun at an earlier one.
            while self
                .anchors
                .last()
                .is_some_and(|anchor| anchor.text > start)
            {
                self.anchors.pop();
            }
            let log = offset - begun.len() as u64;
            self.anchors.push(Anchor {
                text: start,
                log,
                edited: true,
            });
            Line::new(&String::from_utf8_lossy(&begun))
        });
        line.edit(edit);
    }

    /// Writes out the line being edited, which ends at `offset` in the log.
    fn finish_line(&mut self, offset: u64) {
        if let Some(line) = self.line.take() {
            line.write(&mut self.text);
            self.anchors.push(Anchor {
                text: self.text.len(),
                log: offset,
                edited: false,
            });
        }
    }
}

/// One cell of a line being edited; `None` is the right half of a wide
/// character, or what a tabulator skipped.
type Cell = Option<Glyph>;

struct Glyph {
    character: char,
    /// Combining characters that follow it.
    combining: String,
}

struct Line {
    cells: Vec<Cell>,
    column: usize,
    /// How long the line is as text.
    bytes: usize,
}

impl Line {
    fn new(text: &str) -> Self {
        let mut line = Self {
            cells: Vec::new(),
            column: 0,
            bytes: 0,
        };
        for character in text.chars() {
            line.print(character);
        }
        line
    }

    /// How much longer the text can become by printing `character` here.
    fn widening(&self, character: char) -> usize {
        self.column.saturating_sub(self.cells.len()) + character.len_utf8() + 1
    }

    fn print(&mut self, character: char) {
        let width = match character {
            '\t' => 8 - self.column % 8,
            _ => character.width().unwrap_or(0),
        };
        if width == 0 {
            self.combine(character);
            return;
        }
        // A tabulator over existing text only moves.
        if character == '\t' && self.column < self.cells.len() {
            self.column += width;
            return;
        }
        self.fill_to(self.column);
        self.set(
            self.column,
            Some(Glyph {
                character,
                combining: String::new(),
            }),
        );
        for column in self.column + 1..self.column + width {
            self.set(column, None);
        }
        self.column += width;
        // The right half of a wide character that was overwritten.
        if let Some(orphan @ None) = self.cells.get_mut(self.column) {
            *orphan = Some(Glyph {
                character: ' ',
                combining: String::new(),
            });
            self.bytes += 1;
        }
    }

    fn combine(&mut self, character: char) {
        let end = self.column.min(self.cells.len());
        let before = self.cells[..end].iter_mut().rev();
        if let Some(glyph) = before.flatten().next()
            // Enough for any script; a stack of thousands is an attack.
            && glyph.combining.len() < 64
        {
            glyph.combining.push(character);
            self.bytes += character.len_utf8();
        }
    }

    fn set(&mut self, column: usize, cell: Cell) {
        self.bytes += bytes_of(&cell);
        match self.cells.get_mut(column) {
            Some(old) => {
                self.bytes -= bytes_of(old);
                *old = cell;
            }
            None => self.cells.push(cell),
        }
    }

    fn fill_to(&mut self, column: usize) {
        while self.cells.len() < column {
            self.set(
                self.cells.len(),
                Some(Glyph {
                    character: ' ',
                    combining: String::new(),
                }),
            );
        }
    }

    fn blank(&mut self, columns: std::ops::Range<usize>) {
        for column in columns.start..columns.end.min(self.cells.len()) {
            self.set(
                column,
                Some(Glyph {
                    character: ' ',
                    combining: String::new(),
                }),
            );
        }
    }

    fn truncate(&mut self, columns: usize) {
        for cell in self.cells.drain(columns.min(self.cells.len())..) {
            self.bytes -= bytes_of(&cell);
        }
    }

    fn edit(&mut self, edit: Edit) {
        let column = self.column;
        match edit {
            Edit::Return => self.column = 0,
            Edit::Back(count) => self.column = column.saturating_sub(count.into()),
            Edit::Forward(count) => self.column = (column + usize::from(count)).min(MOST_CELLS),
            Edit::Column(to) => self.column = to.into(),
            Edit::EraseRight => self.truncate(column),
            Edit::EraseLeft => self.blank(0..column + 1),
            Edit::EraseLine => self.truncate(0),
            Edit::EraseCharacters(count) => self.blank(column..column + usize::from(count)),
            Edit::DeleteCharacters(count) => {
                let end = (column + usize::from(count)).min(self.cells.len());
                if column < end {
                    for cell in self.cells.drain(column..end) {
                        self.bytes -= bytes_of(&cell);
                    }
                }
            }
            Edit::InsertBlanks(count) => {
                if column < self.cells.len() && self.cells.len() < MOST_CELLS {
                    let blank = || {
                        Some(Glyph {
                            character: ' ',
                            combining: String::new(),
                        })
                    };
                    let count = usize::from(count);
                    self.cells
                        .splice(column..column, std::iter::repeat_with(blank).take(count));
                    self.bytes += count;
                }
            }
        }
    }

    fn write(&self, text: &mut Vec<u8>) {
        let mut utf8 = [0; 4];
        for glyph in self.cells.iter().flatten() {
            text.extend_from_slice(glyph.character.encode_utf8(&mut utf8).as_bytes());
            text.extend_from_slice(glyph.combining.as_bytes());
        }
    }
}

fn bytes_of(cell: &Cell) -> usize {
    cell.as_ref().map_or(0, |glyph| {
        glyph.character.len_utf8() + glyph.combining.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(text: &str) -> Transcript {
        let mut transcript = Transcript::new(0);
        write(&mut transcript, text);
        transcript
    }

    /// Writes text in which `\r`, `\u{8}` and `^K` (erase right) are edits.
    fn write(transcript: &mut Transcript, text: &str) {
        for character in text.chars() {
            match character {
                '\n' => transcript.line_feed(),
                '\r' => transcript.edit(Edit::Return),
                '\u{8}' => transcript.edit(Edit::Back(1)),
                '\u{b}' => transcript.edit(Edit::EraseRight),
                other => transcript.print(other),
            }
        }
    }

    fn all(transcript: &Transcript) -> String {
        transcript
            .read(Cursor::START, transcript.end(), usize::MAX)
            .text
    }

    #[test]
    fn a_progress_bar_reads_as_its_last_state() {
        assert_eq!(
            all(&transcript("one\r\n10%\r50%\r100%\r\ntwo\r\n")),
            "one\n100%\ntwo\n"
        );
    }

    #[test]
    fn a_corrected_line_reads_as_corrected() {
        assert_eq!(all(&transcript("echp\u{8}o hi\r\n")), "echo hi\n");
        assert_eq!(all(&transcript("long text\rab\u{b}\r\n")), "ab\n");
    }

    #[test]
    fn wide_and_combining_characters_keep_their_columns() {
        assert_eq!(all(&transcript("日本\u{8}\u{8}x\r\n")), "日x \n");
        assert_eq!(all(&transcript("e\u{301}x\u{8}y\r\n")), "e\u{301}y\n");
    }

    #[test]
    fn a_reading_is_as_long_as_asked_for_and_goes_on_where_it_ended() {
        let transcript = transcript("abc\rx\r\näöü äöü äöü\r\nend");
        let mut text = String::new();
        let mut cursor = Cursor::START;
        while cursor < transcript.end() {
            let excerpt = transcript.read(cursor, transcript.end(), 8);
            assert!(excerpt.text.len() <= 8 && excerpt.next > cursor);
            text.push_str(&excerpt.text);
            cursor = excerpt.next;
        }
        assert_eq!(text, "xbc\näöü äöü äöü\nend");
    }

    #[test]
    fn what_is_dropped_is_a_gap() {
        let mut transcript = Transcript::new(100_000);
        for number in 0..50_000 {
            write(&mut transcript, &format!("line {number}\n"));
        }
        let excerpt = transcript.read(Cursor::START, transcript.end(), usize::MAX);
        assert_eq!(excerpt.gap, Some(transcript.start().offset()));
        assert!(excerpt.text.ends_with("line 49999\n"));
        assert!(excerpt.text.len() <= 100_000 + super::super::BLOCK_BYTES);
    }

    #[test]
    fn a_place_in_the_text_leads_back_to_the_log() {
        let transcript = transcript("plain match\nbar\rbaz match\nlast match here");
        let excerpt = transcript.read(Cursor::START, transcript.end(), usize::MAX);
        let places: Vec<_> = excerpt
            .text
            .match_indices("match")
            .map(|(at, _)| at + 5)
            .collect();
        let rest = |end| {
            let cursor = excerpt.cursor_after(end);
            transcript.read(cursor, transcript.end(), usize::MAX).text
        };
        assert_eq!(rest(places[0]), "\nbaz match\nlast match here");
        assert_eq!(rest(places[1]), "\nlast match here");
        assert_eq!(rest(places[2]), " here");
    }
}
