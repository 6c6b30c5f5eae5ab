//! Drawing: lines that stay, and below them a region that is drawn anew each time.

use std::io::Write;

use rustix::stdio::stdout;
use rustix::termios::tcgetwinsize;

use crate::timing::Jitter;

/// The terminal, as far as it was drawn on.
pub(crate) struct Screen {
    /// Rows of the region that was drawn last.
    drawn: usize,
    last: Vec<String>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            drawn: 0,
            last: Vec::new(),
        }
    }

    /// Columns of the terminal.
    pub(crate) fn width() -> usize {
        match tcgetwinsize(stdout()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => 80,
        }
    }

    /// Draws: `stays` scrolls away with time, `region` is at the bottom. With jitter,
    /// late and in two pieces, so that a reader may find the screen half drawn.
    pub(crate) fn draw(
        &mut self,
        stays: &[String],
        region: Vec<String>,
        jitter: &mut Jitter,
    ) -> std::io::Result<()> {
        if stays.is_empty() && region == self.last {
            return Ok(());
        }
        let mut bytes = Vec::new();
        if self.drawn > 1 {
            bytes.extend_from_slice(format!("\x1b[{}A", self.drawn - 1).as_bytes());
        }
        bytes.extend_from_slice(b"\r\x1b[J");
        for line in stays {
            bytes.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
        bytes.extend_from_slice(region.join("\r\n").as_bytes());
        self.drawn = region.len();
        self.last = region;
        let mut out = std::io::stdout().lock();
        if jitter.is_on() {
            std::thread::sleep(jitter.pause());
            let cut = usize::try_from(jitter.below(bytes.len() as u64)).unwrap_or(0);
            out.write_all(&bytes[..cut])?;
            out.flush()?;
            std::thread::sleep(jitter.pause());
            out.write_all(&bytes[cut..])?;
        } else {
            out.write_all(&bytes)?;
        }
        out.flush()
    }
}

/// A text cut into rows of at most `width` columns, one character a column.
pub(crate) fn rows(text: &str, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.split('\n') {
        let characters: Vec<char> = line.chars().collect();
        match characters.is_empty() {
            true => rows.push(String::new()),
            false => rows.extend(characters.chunks(width.max(1)).map(String::from_iter)),
        }
    }
    rows
}
