//! One line while it is edited, in cells as a terminal has them.

use unicode_width::UnicodeWidthChar;

use super::Edit;

/// An edited line longer than this is cut in two.
const MOST_CELLS: usize = 64 * 1024;

/// One cell of a line being edited; `None` is the right half of a wide
/// character, or what a tabulator skipped.
type Cell = Option<Glyph>;

struct Glyph {
    character: char,
    /// Combining characters that follow it.
    combining: String,
}

pub(super) struct Line {
    cells: Vec<Cell>,
    column: usize,
    /// How long the line is as text.
    bytes: usize,
}

impl Line {
    pub(super) fn new(text: &str) -> Self {
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

    /// How long the line is as text.
    pub(super) fn text_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is as long as a line may become.
    pub(super) fn is_full(&self) -> bool {
        self.cells.len() >= MOST_CELLS
    }

    /// How much longer the text can become by printing `character` here.
    pub(super) fn widening(&self, character: char) -> usize {
        self.column.saturating_sub(self.cells.len()) + character.len_utf8() + 1
    }

    pub(super) fn print(&mut self, character: char) {
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

    pub(super) fn edit(&mut self, edit: Edit) {
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

    pub(super) fn write(&self, text: &mut Vec<u8>) {
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
