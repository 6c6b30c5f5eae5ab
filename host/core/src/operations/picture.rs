//! A session's screen for showing to a person, and being told when to look again.

use std::sync::Weak;

use quarterdeck_terminal::screenshot::{background_of, cells, foreground_of};
use quarterdeck_terminal::{Row, Screen, Style};
use serde::Serialize;
use tokio::sync::watch;

use crate::error::HostError;
use crate::host::Host;
use crate::session::Session;
use crate::text::inert;

/// A screen as pieces of text that look alike. All of it is plain text, without
/// anything that could command a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScreenPicture {
    /// Columns of the grid.
    pub columns: u16,
    /// Rows of the grid.
    pub rows: u16,
    /// Row and column of the cursor, from 0; none where the program hides it.
    pub cursor: Option<(u16, u16)>,
    /// The title that the program gave the terminal.
    pub title: Option<String>,
    /// Each row from the top.
    pub lines: Vec<ScreenLine>,
}

/// One row, left to right, without the blanks at its end.
pub type ScreenLine = Vec<ScreenRun>;

/// Neighbouring cells that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScreenRun {
    /// What stands there.
    pub text: String,
    /// Columns that it takes: more than characters where some are wide.
    pub columns: usize,
    /// Colour of the text as `#rrggbb`; none for the terminal's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Colour behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<String>,
    /// How it is set: `bold`, `dim`, `italic`, `underline`, `strikeout`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<&'static str>,
}

/// A session's screen, watched. Does not keep the session open.
pub struct LiveScreen {
    session: Weak<Session>,
    changes: watch::Receiver<u64>,
    /// A change was seen that no picture shows yet.
    unshown: bool,
}

impl Host {
    /// Begins to watch a session's screen.
    pub fn live_screen(&self, id: &str) -> Result<LiveScreen, HostError> {
        let session = self.registry.get(id)?;
        Ok(LiveScreen {
            session: std::sync::Arc::downgrade(&session),
            changes: session.terminal.changes(),
            unshown: true,
        })
    }
}

impl LiveScreen {
    /// Waits until the screen may look different from the last time (the first
    /// time at once); `None` when the session is closed. Dropped before it is done,
    /// it has lost nothing.
    pub async fn next(&mut self) -> Option<ScreenPicture> {
        if !self.unshown {
            self.changes.changed().await.ok()?;
            self.unshown = true;
        }
        let session = self.session.upgrade()?;
        let screen = session.terminal.screen().await;
        self.unshown = false;
        Some(ScreenPicture::of(&screen))
    }
}

impl ScreenPicture {
    fn of(screen: &Screen) -> Self {
        Self {
            columns: screen.size.columns(),
            rows: screen.size.rows(),
            cursor: screen
                .cursor_visible
                .then_some((screen.cursor.row, screen.cursor.column)),
            title: screen.title.as_deref().map(inert),
            lines: screen
                .rows
                .iter()
                .map(|row| line(row, screen.size.columns()))
                .collect(),
        }
    }
}

fn line(row: &Row, columns: u16) -> ScreenLine {
    let cells = cells(row, columns);
    let used = cells
        .iter()
        .rposition(|cell| !cell.text.trim().is_empty() || cell.style != Style::default());
    let mut line = ScreenLine::new();
    let mut style = None;
    for cell in &cells[..used.map_or(0, |last| last + 1)] {
        // The right half of a wide character.
        if cell.text.is_empty() {
            if let Some(run) = line.last_mut() {
                run.columns += 1;
            }
            continue;
        }
        // A wide character stands alone, so that no font moves what is behind it.
        let joins = style == Some(cell.style) && !cell.wide;
        style = Some(cell.style).filter(|_| !cell.wide);
        let text = match cell.style.hidden {
            true => " ".to_owned(),
            false => inert(cell.text),
        };
        match line.last_mut() {
            Some(run) if joins => {
                run.text.push_str(&text);
                run.columns += 1;
            }
            _ => line.push(run(&cell.style, text)),
        }
    }
    line
}

fn run(style: &Style, text: String) -> ScreenRun {
    ScreenRun {
        text,
        columns: 1,
        color: foreground_of(style).map(|color| color.to_string()),
        background: background_of(style).map(|color| color.to_string()),
        set: [
            (style.bold, "bold"),
            (style.dim, "dim"),
            (style.italic, "italic"),
            (style.underline, "underline"),
            (style.strikeout, "strikeout"),
        ]
        .into_iter()
        .filter_map(|(is_set, name)| is_set.then_some(name))
        .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_terminal::{Color, StyledRun};

    #[test]
    fn cells_that_look_alike_are_one_run_and_wide_ones_stand_alone() {
        let red = Style {
            foreground: Some(Color::Rgb(255, 0, 0)),
            bold: true,
            ..Style::default()
        };
        let row = Row {
            text: "ab<i>\u{65e5}c".to_owned(),
            wrapped: false,
            styles: vec![StyledRun {
                columns: 0..2,
                style: red,
            }],
        };
        let line = line(&row, 20);
        let told: Vec<(&str, usize, Option<&str>)> = line
            .iter()
            .map(|run| (&*run.text, run.columns, run.color.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("ab", 2, Some("#ff0000")),
                ("<i>", 3, None),
                ("\u{65e5}", 2, None),
                ("c", 1, None)
            ]
        );
        assert_eq!(line[0].set, ["bold"]);
    }
}
