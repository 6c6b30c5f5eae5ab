//! Cells as the lines that the API tells.

use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::vte::ansi::{Color, NamedColor};
use quarterdeck_iterm2::proto::{
    AlternateColor, CellStyle, CodePointsPerCell, LineContents, RgbColor,
    cell_style::{BgColor, FgColor},
    line_contents::Continuation,
};

/// A line without the empty cells at its end.
pub(crate) fn line(cells: &[&Cell], first: usize, end: usize, styles: bool) -> LineContents {
    let end = end.min(cells.len());
    let wrapped = cells
        .last()
        .is_some_and(|cell| cell.flags.contains(Flags::WRAPLINE));
    let used = cells[first.min(end)..end]
        .iter()
        .rposition(|cell| !is_empty(cell))
        .map_or(0, |last| last + 1);
    let cells = &cells[first.min(end)..first.min(end) + used];
    let mut line = LineContents::default();
    let mut text = String::new();
    for cell in cells {
        let mut units = 0;
        let mut add = |character: char| {
            text.push(character);
            units += i32::try_from(character.len_utf16()).unwrap_or(1);
        };
        if !cell.flags.contains(Flags::WIDE_CHAR_SPACER) {
            add(if cell.c == '\t' { ' ' } else { cell.c });
            cell.zerowidth()
                .into_iter()
                .flatten()
                .copied()
                .for_each(add);
        }
        count(&mut line.code_points_per_cell, units);
        if styles {
            add_style(&mut line.style, style_of(cell));
        }
    }
    line.text = Some(text);
    let continuation = if wrapped {
        Continuation::SoftEol
    } else {
        Continuation::HardEol
    };
    line.continuation = Some(continuation as i32);
    line
}

/// The text of some cells.
pub(crate) fn text(cells: &[&Cell]) -> String {
    line(cells, 0, cells.len(), false).text.unwrap_or_default()
}

fn is_empty(cell: &Cell) -> bool {
    matches!(cell.c, ' ' | '\t')
        && cell.zerowidth().is_none()
        && cell.bg == Color::Named(NamedColor::Background)
        && !cell.flags.intersects(
            Flags::INVERSE | Flags::ALL_UNDERLINES | Flags::STRIKEOUT | Flags::WIDE_CHAR_SPACER,
        )
}

fn count(counts: &mut Vec<CodePointsPerCell>, units: i32) {
    match counts.last_mut() {
        Some(last) if last.num_code_points == Some(units) => {
            last.repeats = Some(last.repeats.unwrap_or(1) + 1);
        }
        _ => counts.push(CodePointsPerCell {
            num_code_points: Some(units),
            repeats: Some(1),
        }),
    }
}

fn add_style(styles: &mut Vec<CellStyle>, mut style: CellStyle) {
    if let Some(last) = styles.last_mut() {
        style.repeats = last.repeats;
        if *last == style {
            last.repeats = Some(last.repeats.unwrap_or(1) + 1);
            return;
        }
    }
    style.repeats = Some(1);
    styles.push(style);
}

fn style_of(cell: &Cell) -> CellStyle {
    let has = |flags| Some(cell.flags.intersects(flags));
    CellStyle {
        bold: has(Flags::BOLD),
        faint: has(Flags::DIM),
        italic: has(Flags::ITALIC),
        blink: Some(false),
        underline: has(Flags::ALL_UNDERLINES),
        strikethrough: has(Flags::STRIKEOUT),
        invisible: has(Flags::HIDDEN),
        inverse: has(Flags::INVERSE),
        guarded: Some(false),
        fg_color: Some(match cell.fg {
            Color::Spec(rgb) => FgColor::FgRgb(rgb_of(rgb.r, rgb.g, rgb.b)),
            Color::Indexed(index) => FgColor::FgStandard(index.into()),
            Color::Named(named) => match u8::try_from(named as usize) {
                Ok(index) => FgColor::FgStandard(index.into()),
                Err(_) => FgColor::FgAlternate(AlternateColor::Default as i32),
            },
        }),
        bg_color: Some(match cell.bg {
            Color::Spec(rgb) => BgColor::BgRgb(rgb_of(rgb.r, rgb.g, rgb.b)),
            Color::Indexed(index) => BgColor::BgStandard(index.into()),
            Color::Named(named) => match u8::try_from(named as usize) {
                Ok(index) => BgColor::BgStandard(index.into()),
                Err(_) => BgColor::BgAlternate(AlternateColor::Default as i32),
            },
        }),
        ..CellStyle::default()
    }
}

fn rgb_of(red: u8, green: u8, blue: u8) -> RgbColor {
    RgbColor {
        red: Some(red.into()),
        green: Some(green.into()),
        blue: Some(blue.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::Emulator;
    use crate::layout::Cells;

    #[test]
    fn cells_count_utf16_units_and_neighbours_of_one_look_are_told_once() {
        let mut emulator = Emulator::new(Cells {
            columns: 20,
            rows: 3,
        });
        emulator.show("a😀e\u{301} \x1b[1;31mred\x1b[0m   ".as_bytes());
        let cells = emulator.line(0).expect("a first line");
        let line = line(&cells, 0, cells.len(), true);
        assert_eq!(line.text(), "a😀e\u{301} red");
        let counts: Vec<_> = line
            .code_points_per_cell
            .iter()
            .map(|count| (count.num_code_points(), count.repeats()))
            .collect();
        assert_eq!(counts, [(1, 1), (2, 1), (0, 1), (2, 1), (1, 4)]);
        let styles: Vec<_> = line
            .style
            .iter()
            .map(|style| (style.bold(), style.repeats()))
            .collect();
        assert_eq!(styles, [(false, 5), (true, 3)]);
    }

    #[test]
    fn a_wrapped_line_goes_on() {
        let mut emulator = Emulator::new(Cells {
            columns: 4,
            rows: 3,
        });
        emulator.show(b"abcdef");
        let continuation = |number| {
            let cells = emulator.line(number).expect("a line");
            line(&cells, 0, cells.len(), false).continuation()
        };
        assert_eq!(continuation(0), Continuation::SoftEol);
        assert_eq!(continuation(1), Continuation::HardEol);
    }
}
