//! A screen as a picture that scales.

use std::fmt::Write;

use super::cells::cells;
use super::palette::{OWN_BACKGROUND, OWN_FOREGROUND, background_of, foreground_of};
use crate::screen::{Screen, Style};

/// Size of a cell in the picture's units, and where its text stands in it.
const CELL_WIDTH: f32 = 8.4;
const CELL_HEIGHT: f32 = 18.0;
const BASELINE: f32 = 13.5;

/// Draws a screen as an SVG document without scripts, links or outside fonts.
pub fn svg(screen: &Screen) -> String {
    let columns = screen.size.columns();
    let width = f32::from(columns) * CELL_WIDTH;
    let height = f32::from(screen.size.rows()) * CELL_HEIGHT;
    let mut drawing = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" font-family=\"monospace\" font-size=\"14\" fill=\"{OWN_FOREGROUND}\">\n<rect width=\"100%\" height=\"100%\" fill=\"{OWN_BACKGROUND}\"/>\n"
    );
    for (number, row) in screen.rows.iter().enumerate() {
        let top = number as f32 * CELL_HEIGHT;
        let cells = cells(row, columns);
        let mut column = 0;
        while column < cells.len() {
            let style = cells[column].style;
            let alike = cells[column..]
                .iter()
                .take_while(|cell| cell.style == style)
                .count();
            let text: String = cells[column..column + alike]
                .iter()
                .map(|cell| cell.text)
                .collect();
            draw_run(&mut drawing, &style, &text, column, alike, top);
            column += alike;
        }
    }
    if screen.cursor_visible {
        let left = f32::from(screen.cursor.column) * CELL_WIDTH;
        let top = f32::from(screen.cursor.row) * CELL_HEIGHT;
        let _ = writeln!(
            drawing,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{CELL_WIDTH}\" height=\"{CELL_HEIGHT}\" fill=\"{OWN_FOREGROUND}\" fill-opacity=\"0.5\"/>"
        );
    }
    drawing.push_str("</svg>\n");
    drawing
}

/// Neighbouring cells that look alike. Writing to a string cannot fail.
fn draw_run(
    drawing: &mut String,
    style: &Style,
    text: &str,
    column: usize,
    cells: usize,
    top: f32,
) {
    let left = column as f32 * CELL_WIDTH;
    let width = cells as f32 * CELL_WIDTH;
    if let Some(color) = background_of(style) {
        let _ = writeln!(
            drawing,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{color}\"/>"
        );
    }
    if style.hidden || text.trim().is_empty() {
        return;
    }
    let baseline = top + BASELINE;
    // The length is given, so that no font moves what stands behind.
    let _ = write!(
        drawing,
        "<text x=\"{left:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"{}>",
        attributes(style)
    );
    for character in text.chars().filter(|c| !c.is_control()) {
        match character {
            '&' => drawing.push_str("&amp;"),
            '<' => drawing.push_str("&lt;"),
            '>' => drawing.push_str("&gt;"),
            // Not allowed in XML 1.0, escaped or not.
            '\u{fffe}' | '\u{ffff}' => drawing.push('\u{fffd}'),
            other => drawing.push(other),
        }
    }
    drawing.push_str("</text>\n");
}

fn attributes(style: &Style) -> String {
    let mut attributes = String::new();
    if let Some(color) = foreground_of(style) {
        let _ = write!(attributes, " fill=\"{}\"", color);
    }
    let decoration = match (style.underline, style.strikeout) {
        (true, true) => " text-decoration=\"underline line-through\"",
        (true, false) => " text-decoration=\"underline\"",
        (false, true) => " text-decoration=\"line-through\"",
        (false, false) => "",
    };
    for (is_set, attribute) in [
        (style.bold, " font-weight=\"bold\""),
        (style.italic, " font-style=\"italic\""),
        (style.dim, " fill-opacity=\"0.6\""),
    ] {
        if is_set {
            attributes.push_str(attribute);
        }
    }
    attributes + decoration
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::Emulator;
    use crate::request::Size;

    fn drawn(bytes: &str) -> String {
        let mut emulator = Emulator::new(Size::new(20, 3).expect("a size"), 0);
        emulator.advance(bytes.as_bytes());
        svg(&emulator.screen())
    }

    #[test]
    fn a_small_screen() {
        insta::assert_snapshot!(drawn(
            "\x1b[1;31mError\x1b[0m: a < b & c\r\n\x1b[44;4m日本\x1b[0m \x1b[7mok\x1b[0m"
        ));
    }

    #[test]
    fn what_was_printed_is_never_markup() {
        let drawing = drawn("<script>alert(1)</script>\u{ffff}");
        assert!(!drawing.contains("<script") && drawing.contains("&lt;script&gt;"));
        assert!(!drawing.contains('\u{ffff}'));
    }
}
