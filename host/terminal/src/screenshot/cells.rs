//! A row, cell by cell.

use unicode_width::UnicodeWidthChar;

use crate::screen::{Row, Style};

/// One column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Its character with what combines with it; empty for the right half of a
    /// wide character.
    pub text: &'a str,
    /// Whether the character takes the next column too.
    pub wide: bool,
    /// How it looks.
    pub style: Style,
}

/// The cells of a row, exactly `columns` of them; blanks where it has ended.
pub fn cells(row: &Row, columns: u16) -> Vec<Cell<'_>> {
    let columns = usize::from(columns);
    let mut cells: Vec<Cell<'_>> = Vec::with_capacity(columns);
    let mut rest = row.text.as_str();
    while let Some(first) = rest.chars().next() {
        // Characters without a width belong to the cell before them.
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, character)| character.width().unwrap_or(0) > 0)
            .map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(end);
        let wide = first.width().unwrap_or(1) > 1;
        let style = Style::default();
        cells.push(Cell { text, wide, style });
        if wide {
            cells.push(Cell {
                text: "",
                wide: false,
                style,
            });
        }
        rest = after;
    }
    cells.resize(
        columns,
        Cell {
            text: " ",
            wide: false,
            style: Style::default(),
        },
    );
    for run in &row.styles {
        let run_columns = usize::from(run.columns.start)..usize::from(run.columns.end).min(columns);
        for cell in cells.get_mut(run_columns).into_iter().flatten() {
            cell.style = run.style;
        }
    }
    cells
}
