//! The text of a session, in the order in which it arrived.
//!
//! An append-only log in memory, bounded in bytes: what is too old is dropped
//! and shows up as a gap. Cursors are absolute offsets into it, so whoever
//! reads on from where the last reading ended gets everything exactly once.
//!
//! Programs edit the line they are on: a progress bar returns to its start, an
//! editor erases to its end. These few operations are kept as control bytes
//! and carried out when the text is read (see `reading` and `line`), so that a reader
//! sees lines as a person would. Everything else that is not text, and all
//! that is shown on the alternate screen, is left out.

mod line;
mod reading;

use std::collections::VecDeque;

/// A place in a session's transcript, counted in bytes since the session began.
///
/// Opaque to readers: what lies between two cursors is not the number of bytes
/// that reading between them gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cursor(u64);

impl Cursor {
    /// Where every session begins.
    pub const START: Self = Self(0);

    /// The cursor that [`Cursor::offset`] was read from.
    pub fn from_offset(offset: u64) -> Self {
        Self(offset)
    }

    /// The place `bytes` earlier, at most back to [`Cursor::START`]: where to
    /// begin to read about the last so many bytes.
    #[must_use]
    pub fn back(self, bytes: u64) -> Self {
        Self(self.0.saturating_sub(bytes))
    }

    /// A number to hand out, and to turn back with [`Cursor::from_offset`].
    pub fn offset(self) -> u64 {
        self.0
    }
}

/// One operation on the line that the cursor is on. Counts are in columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    Return,
    Back(u16),
    Forward(u16),
    /// To a column, 0 being the first.
    Column(u16),
    EraseRight,
    EraseLeft,
    EraseLine,
    EraseCharacters(u16),
    DeleteCharacters(u16),
    InsertBlanks(u16),
}

impl Edit {
    /// The control byte in the log, and the count that follows it.
    fn encode(self) -> (u8, Option<u16>) {
        match self {
            Self::EraseRight => (0x01, None),
            Self::EraseLeft => (0x02, None),
            Self::EraseLine => (0x03, None),
            Self::DeleteCharacters(count) => (0x04, Some(count)),
            Self::InsertBlanks(count) => (0x05, Some(count)),
            Self::Forward(count) => (0x06, Some(count)),
            Self::EraseCharacters(count) => (0x07, Some(count)),
            Self::Back(count) => (0x08, Some(count)),
            Self::Column(column) => (0x0b, Some(column)),
            Self::Return => (0x0d, None),
        }
    }

    /// The operation at the start of `bytes` and how many bytes it takes.
    fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let count = || match bytes {
            [_, high @ 0x80..=0xbf, low @ 0x80..=0xbf, ..] => {
                Some(u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f))
            }
            _ => None,
        };
        let edit = match bytes.first()? {
            0x01 => Self::EraseRight,
            0x02 => Self::EraseLeft,
            0x03 => Self::EraseLine,
            0x04 => Self::DeleteCharacters(count()?),
            0x05 => Self::InsertBlanks(count()?),
            0x06 => Self::Forward(count()?),
            0x07 => Self::EraseCharacters(count()?),
            0x08 => Self::Back(count()?),
            0x0b => Self::Column(count()?),
            0x0d => Self::Return,
            _ => return None,
        };
        Some((edit, if edit.encode().1.is_some() { 3 } else { 1 }))
    }
}

/// Largest count that an [`Edit`] in the log can carry: two times six bits.
const MOST_COLUMNS: u16 = 0x0fff;

/// Blocks are dropped whole, so this is also how coarse forgetting is.
const BLOCK_BYTES: usize = 64 * 1024;

struct Block {
    start: u64,
    bytes: Vec<u8>,
}

/// The log of one session. Owned by the session's task.
pub(crate) struct Transcript {
    /// Full blocks, oldest first, without gaps between them.
    blocks: VecDeque<Block>,
    /// Where writing goes on. Characters and operations never straddle blocks.
    tail: Block,
    limit_bytes: usize,
    /// A carriage return waits for what follows: before a line feed it means
    /// nothing, and most lines end so.
    returning: bool,
    /// Whether something was written since the last line feed.
    line_begun: bool,
}

impl Transcript {
    /// An empty log that keeps about `limit_bytes`, at least one block.
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self {
            blocks: VecDeque::new(),
            tail: Block {
                start: 0,
                bytes: Vec::new(),
            },
            limit_bytes: limit_bytes.max(BLOCK_BYTES),
            returning: false,
            line_begun: false,
        }
    }

    /// Where the next thing will be written.
    pub(crate) fn end(&self) -> Cursor {
        Cursor(self.tail.start + self.tail.bytes.len() as u64)
    }

    /// The oldest place that is still kept.
    pub(crate) fn start(&self) -> Cursor {
        Cursor(self.blocks.front().unwrap_or(&self.tail).start)
    }

    /// Writes one character that a terminal would show.
    #[inline]
    pub(crate) fn print(&mut self, character: char) {
        if self.returning {
            self.settle_return();
        }
        self.line_begun = true;
        if character.is_ascii() {
            self.make_room(1);
            self.tail.bytes.push(character as u8);
        } else {
            let mut utf8 = [0; 4];
            let utf8 = character.encode_utf8(&mut utf8);
            self.make_room(utf8.len());
            self.tail.bytes.extend_from_slice(utf8.as_bytes());
        }
    }

    /// Writes a run of such characters.
    pub(crate) fn print_text(&mut self, mut text: &str) {
        if text.is_empty() {
            return;
        }
        if self.returning {
            self.settle_return();
        }
        self.line_begun = true;
        while !text.is_empty() {
            let room = BLOCK_BYTES.saturating_sub(self.tail.bytes.len());
            let (now, later) = text.split_at(text.floor_char_boundary(room));
            self.tail.bytes.extend_from_slice(now.as_bytes());
            text = later;
            if !text.is_empty() {
                self.start_block();
            }
        }
    }

    /// Writes a tabulator.
    pub(crate) fn tab(&mut self) {
        self.print('\t');
    }

    /// Ends the line.
    #[inline]
    pub(crate) fn line_feed(&mut self) {
        self.returning = false;
        self.line_begun = false;
        self.make_room(1);
        self.tail.bytes.push(b'\n');
    }

    /// The cursor went to another row: what follows is not on this line.
    pub(crate) fn leave_row(&mut self) {
        self.returning = false;
        if self.line_begun {
            self.line_feed();
        }
    }

    /// Writes an operation on the line.
    pub(crate) fn edit(&mut self, edit: Edit) {
        if edit == Edit::Return {
            self.returning = true;
            return;
        }
        if self.returning {
            self.settle_return();
        }
        self.write_edit(edit);
    }

    fn settle_return(&mut self) {
        self.returning = false;
        if self.line_begun {
            self.write_edit(Edit::Return);
        }
    }

    fn write_edit(&mut self, edit: Edit) {
        self.make_room(3);
        self.line_begun |= matches!(edit, Edit::Forward(_) | Edit::Column(_));
        let (byte, count) = edit.encode();
        self.tail.bytes.push(byte);
        if let Some(count) = count {
            let count = count.min(MOST_COLUMNS);
            self.tail
                .bytes
                .extend_from_slice(&[0x80 | (count >> 6) as u8, 0x80 | (count & 0x3f) as u8]);
        }
    }

    #[inline]
    fn make_room(&mut self, bytes: usize) {
        if self.tail.bytes.len() + bytes > BLOCK_BYTES {
            self.start_block();
        }
    }

    #[cold]
    fn start_block(&mut self) {
        let next = Block {
            start: self.end().0,
            bytes: Vec::with_capacity(BLOCK_BYTES),
        };
        self.blocks
            .push_back(std::mem::replace(&mut self.tail, next));
        while self.end().0 - self.start().0 > self.limit_bytes as u64 {
            if self.blocks.pop_front().is_none() {
                break;
            }
        }
    }

    /// The place after the line feed at `at`, if there is one.
    pub(crate) fn after_line_feed(&self, at: Cursor) -> Cursor {
        match self.piece(at.0).first() {
            Some(b'\n') => Cursor(at.0 + 1),
            _ => at,
        }
    }

    /// What is kept from `offset` on, as far as it lies in one piece. Empty at
    /// the end.
    fn piece(&self, offset: u64) -> &[u8] {
        let block = if offset >= self.tail.start {
            &self.tail
        } else {
            let after = self.blocks.partition_point(|block| block.start <= offset);
            match after
                .checked_sub(1)
                .and_then(|index| self.blocks.get(index))
            {
                Some(block) => block,
                None => return &[],
            }
        };
        usize::try_from(offset - block.start)
            .ok()
            .and_then(|skipped| block.bytes.get(skipped..))
            .unwrap_or(&[])
    }
}
