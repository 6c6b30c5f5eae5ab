//! A screen as a picture of pixels.
//!
//! Each cell is as large as every other; the font is inside, so that a picture looks
//! the same everywhere. What it has no glyph for (Chinese, Japanese, Korean, most
//! emoji) is an empty box as wide as the character.

use std::collections::HashMap;
use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use thiserror::Error;

use super::cells::{Cell, cells};
use super::palette::{OWN_BACKGROUND, OWN_FOREGROUND, Rgb, background_of, foreground_of};
use crate::request::Size;
use crate::screen::{Screen, Style};

/// A cell in pixels, and where its text stands in it.
const CELL_WIDTH: usize = 9;
const CELL_HEIGHT: usize = 18;
const BASELINE: usize = 14;

/// With this height the font is as wide as a cell.
const FONT_HEIGHT: f32 = 17.4;

/// How far from the baseline a line under the text is drawn, and through it.
const UNDERLINE: usize = BASELINE + 2;
const STRIKEOUT: usize = BASELINE - 4;

/// Cells of the largest picture: 300 × 200, 29 megabytes while it is drawn.
const MOST_CELLS: usize = 60_000;

static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../fonts/DejaVuSansMono.ttf"))
        .expect("the font is part of the program, and a test draws with it")
});

/// A picture that was not drawn.
#[derive(Debug, Error)]
pub enum PictureError {
    /// It would take too much memory.
    #[error(
        "a screen of {columns} columns and {rows} rows is too large for a picture of {MOST_CELLS} cells; make the session smaller or ask for SVG"
    )]
    TooLarge {
        /// The screen's columns.
        columns: u16,
        /// The screen's rows.
        rows: u16,
    },
    /// The encoder gave up.
    #[error("the picture could not be encoded")]
    Encoding(#[from] png::EncodingError),
}

/// Draws a screen as a PNG file.
pub fn png(screen: &Screen) -> Result<Vec<u8>, PictureError> {
    let mut picture = Picture::new(screen.size)?;
    for (number, row) in screen.rows.iter().enumerate() {
        let cells = cells(row, screen.size.columns());
        for (column, cell) in cells.iter().enumerate() {
            picture.draw(number, column, cell);
        }
    }
    if screen.cursor_visible {
        let (row, column) = (screen.cursor.row.into(), screen.cursor.column.into());
        picture.blend_cell(row, column, OWN_FOREGROUND, 0.5);
    }
    picture.encode()
}

/// How much of each pixel of a cell a character covers, 0 to 1, by rows. Wider than a
/// cell where the character is.
struct Glyph {
    width: usize,
    coverage: Vec<f32>,
}

struct Picture {
    width: usize,
    height: usize,
    /// Red, green and blue of each pixel, by rows.
    pixels: Vec<u8>,
    glyphs: HashMap<(char, bool), Glyph>,
}

impl Picture {
    fn new(size: Size) -> Result<Self, PictureError> {
        let (columns, rows) = (usize::from(size.columns()), usize::from(size.rows()));
        if columns * rows > MOST_CELLS {
            return Err(PictureError::TooLarge {
                columns: size.columns(),
                rows: size.rows(),
            });
        }
        let (width, height) = (columns * CELL_WIDTH, rows * CELL_HEIGHT);
        let Rgb(red, green, blue) = OWN_BACKGROUND;
        Ok(Self {
            width,
            height,
            pixels: [red, green, blue].repeat(width * height),
            glyphs: HashMap::new(),
        })
    }

    fn draw(&mut self, row: usize, column: usize, cell: &Cell<'_>) {
        let style = &cell.style;
        if let Some(color) = background_of(style) {
            self.blend_cell(row, column, color, 1.0);
        }
        if style.hidden {
            return;
        }
        let color = foreground_of(style).unwrap_or(OWN_FOREGROUND);
        let strength = if style.dim { 0.6 } else { 1.0 };
        for character in cell.text.chars().filter(|c| !c.is_whitespace()) {
            self.draw_glyph(row, column, character, cell.wide, style, color, strength);
        }
        for (set, line) in [(style.underline, UNDERLINE), (style.strikeout, STRIKEOUT)] {
            if set {
                for x in 0..CELL_WIDTH {
                    self.blend(
                        column * CELL_WIDTH + x,
                        row * CELL_HEIGHT + line,
                        color,
                        strength,
                    );
                }
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a glyph, its place and its looks"
    )]
    fn draw_glyph(
        &mut self,
        row: usize,
        column: usize,
        character: char,
        wide: bool,
        style: &Style,
        color: Rgb,
        strength: f32,
    ) {
        let glyphs = &mut self.glyphs;
        let glyph = glyphs
            .entry((character, wide))
            .or_insert_with(|| Glyph::of(character, wide));
        let (width, coverage) = (glyph.width, std::mem::take(&mut glyph.coverage));
        for (at, &covered) in coverage
            .iter()
            .enumerate()
            .filter(|(_, covered)| **covered > 0.0)
        {
            let (x, y) = (at % width, at / width);
            // There is one font, upright: italics lean, bold is drawn twice.
            let lean = if style.italic {
                BASELINE.saturating_sub(y) / 4
            } else {
                0
            };
            let (x, y) = (column * CELL_WIDTH + x + lean, row * CELL_HEIGHT + y);
            self.blend(x, y, color, covered * strength);
            if style.bold {
                self.blend(x + 1, y, color, covered * strength);
            }
        }
        if let Some(glyph) = self.glyphs.get_mut(&(character, wide)) {
            glyph.coverage = coverage;
        }
    }

    fn blend_cell(&mut self, row: usize, column: usize, color: Rgb, strength: f32) {
        for y in 0..CELL_HEIGHT {
            for x in 0..CELL_WIDTH {
                self.blend(
                    column * CELL_WIDTH + x,
                    row * CELL_HEIGHT + y,
                    color,
                    strength,
                );
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, Rgb(red, green, blue): Rgb, strength: f32) {
        if x >= self.width || y >= self.height {
            return;
        }
        let at = 3 * (y * self.width + x);
        for (channel, color) in self.pixels[at..at + 3].iter_mut().zip([red, green, blue]) {
            let mixed = f32::from(*channel) * (1.0 - strength) + f32::from(color) * strength;
            // Rounded, and between the two.
            *channel = (mixed + 0.5) as u8;
        }
    }

    fn encode(self) -> Result<Vec<u8>, PictureError> {
        let mut file = Vec::new();
        // Both fit: there are at most 60,000 cells.
        let mut encoder = png::Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(file)
    }
}

impl Glyph {
    fn of(character: char, wide: bool) -> Self {
        let width = CELL_WIDTH * if wide { 2 } else { 1 };
        let mut glyph = Self {
            width,
            coverage: vec![0.0; width * CELL_HEIGHT],
        };
        let id = FONT.glyph_id(character);
        if id.0 == 0 {
            glyph.draw_box();
            return glyph;
        }
        let scale = PxScale::from(FONT_HEIGHT);
        // What combines with a character before it is drawn over that.
        let advance = FONT.as_scaled(scale).h_advance(id);
        let left = if advance == 0.0 {
            CELL_WIDTH as f32
        } else {
            0.0
        };
        let placed = id.with_scale_and_position(scale, point(left, BASELINE as f32));
        let Some(outline) = FONT.outline_glyph(placed) else {
            return glyph;
        };
        let bounds = outline.px_bounds();
        outline.draw(|x, y, covered| {
            let (x, y) = (bounds.min.x + x as f32, bounds.min.y + y as f32);
            if x >= 0.0 && y >= 0.0 && (x as usize) < width && (y as usize) < CELL_HEIGHT {
                let covers = &mut glyph.coverage[y as usize * width + x as usize];
                *covers = (*covers + covered).min(1.0);
            }
        });
        glyph
    }

    /// For what the font does not have.
    fn draw_box(&mut self) {
        let (top, bottom) = (3, BASELINE);
        for y in top..=bottom {
            for x in 1..self.width - 1 {
                if y == top || y == bottom || x == 1 || x == self.width - 2 {
                    self.coverage[y * self.width + x] = 0.5;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::Emulator;

    struct Drawn {
        width: usize,
        pixels: Vec<u8>,
    }

    impl Drawn {
        /// The colours that a cell shows, each once.
        fn colors(&self, row: usize, column: usize) -> Vec<Rgb> {
            let mut colors = Vec::new();
            for y in row * CELL_HEIGHT..(row + 1) * CELL_HEIGHT {
                let from = 3 * (y * self.width + column * CELL_WIDTH);
                for pixel in self.pixels[from..from + 3 * CELL_WIDTH].chunks(3) {
                    let color = Rgb(pixel[0], pixel[1], pixel[2]);
                    if !colors.contains(&color) {
                        colors.push(color);
                    }
                }
            }
            colors
        }

        /// How many pixels of a cell show a colour, or nearly so.
        fn covered(&self, row: usize, column: usize) -> usize {
            let y = row * CELL_HEIGHT..(row + 1) * CELL_HEIGHT;
            y.flat_map(|y| {
                let from = 3 * (y * self.width + column * CELL_WIDTH);
                self.pixels[from..from + 3 * CELL_WIDTH].chunks(3)
            })
            .filter(|pixel| pixel.iter().any(|channel| *channel > 100))
            .count()
        }
    }

    fn drawn(bytes: &str) -> Drawn {
        let mut emulator = Emulator::new(Size::new(12, 3).expect("a size"), 0);
        emulator.advance(b"\x1b[?25l");
        emulator.advance(bytes.as_bytes());
        let file = png(&emulator.screen()).expect("drawn");
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .expect("a picture");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a picture");
        assert_eq!((info.width, info.height), (12 * 9, 3 * 18));
        Drawn {
            width: info.width as usize,
            pixels,
        }
    }

    #[test]
    fn text_is_drawn_where_it_stands_in_its_colour() {
        let drawn = drawn("\x1b[91mH\x1b[0m H\r\n\x1b[42m \x1b[0m\x1b[7m \x1b[0m");
        assert!(drawn.colors(0, 0).contains(&Rgb(0xfc, 0x39, 0x1f)));
        assert_eq!(drawn.colors(0, 1), [OWN_BACKGROUND]);
        assert!(drawn.colors(0, 2).contains(&OWN_FOREGROUND));
        assert_eq!(drawn.colors(1, 0), [Rgb(0x25, 0xbc, 0x24)]);
        assert_eq!(drawn.colors(1, 1), [OWN_FOREGROUND]);
        assert_eq!(drawn.colors(2, 11), [OWN_BACKGROUND]);
    }

    #[test]
    fn bold_covers_more_and_lines_are_drawn() {
        let drawn = drawn("n\x1b[1mn\x1b[0m\x1b[4m \x1b[24;9m \x1b[0m");
        assert!(drawn.covered(0, 1) > drawn.covered(0, 0));
        assert_eq!((drawn.covered(0, 2), drawn.covered(0, 3)), (9, 9));
    }

    #[test]
    fn frames_close_and_what_the_font_lacks_is_a_box() {
        let drawn = drawn("─│日\u{e000}e\u{301}e");
        assert!(drawn.covered(0, 0) >= CELL_WIDTH, "from edge to edge");
        assert!(drawn.covered(0, 1) >= CELL_HEIGHT);
        assert!(
            drawn.covered(0, 2) > 10 && drawn.covered(0, 3) > 10,
            "both halves"
        );
        assert!(drawn.covered(0, 5) > drawn.covered(0, 6), "with its accent");
    }

    #[test]
    fn a_huge_screen_is_refused() {
        let emulator = Emulator::new(Size::new(1000, 1000).expect("a size"), 0);
        let error = png(&emulator.screen()).expect_err("too large");
        assert!(error.to_string().contains("1000 columns"), "{error}");
    }
}
