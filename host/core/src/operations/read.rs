//! Reading a session: what is new, the screen, the lines above it.

use quarterdeck_policy::TRACE_TARGET;
use quarterdeck_terminal::{Cursor, Position, Size};

use crate::error::HostError;
use crate::host::Host;
use crate::session::Session;
use crate::text::inert;

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Output since a cursor, as running text. Without a cursor, the last
    /// `lines` lines.
    New {
        /// Where to begin.
        cursor: Option<Cursor>,
        /// How many of the newest lines, without a cursor.
        lines: Option<usize>,
        /// How much at most.
        max_bytes: usize,
    },
    /// What a person would see.
    Screen {
        /// Only the last lines, counted from the last one that is not empty.
        lines: Option<usize>,
    },
    /// All lines that are kept: those that scrolled off the screen, then those
    /// on it.
    Scrollback {
        /// The first line, 0 the oldest kept; the newest `lines` where there is
        /// none.
        start: Option<usize>,
        /// How many lines.
        lines: usize,
    },
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The text, without anything that could command a terminal.
    pub text: String,
    /// Where the next reading of what is new begins.
    pub cursor: Cursor,
    /// Whether there is more to read now.
    pub more: bool,
    /// Bytes that were lost before they could be read.
    pub lost_bytes: u64,
    /// Of the cursor on the screen.
    pub position: Position,
    /// The screen's size.
    pub size: Size,
    /// How many lines are kept, where the scrollback was read.
    pub total_lines: Option<usize>,
}

/// A stretch of the transcript.
pub(crate) struct Stretch {
    pub(crate) text: String,
    pub(crate) cursor: Cursor,
    pub(crate) more: bool,
    pub(crate) lost_bytes: u64,
}

impl Host {
    /// Reads from a session.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "session.get_screen_contents",
        skip_all,
        fields(session.id = %id)
    )]
    pub async fn read_session(&self, id: &str, view: View) -> Result<Reading, HostError> {
        let session = self.registry.get(id)?;
        // Before anything is read: what comes in between is read again, not missed.
        let place = session.terminal.place().await;
        let mut reading = Reading {
            text: String::new(),
            cursor: place.end,
            more: false,
            lost_bytes: 0,
            position: place.position,
            size: place.size,
            total_lines: None,
        };
        match view {
            View::New {
                cursor: Some(cursor),
                max_bytes,
                ..
            } => {
                if cursor > place.end {
                    return Err(HostError::InvalidParameters(format!(
                        "cursor {} lies ahead of session {id}, which has printed up to {}; take cursors from this session's own results",
                        cursor.offset(),
                        place.end.offset()
                    )));
                }
                let stretch = read_text(&session, cursor, None, max_bytes).await;
                reading.text = stretch.text;
                reading.cursor = stretch.cursor;
                reading.more = stretch.more;
                reading.lost_bytes = stretch.lost_bytes;
            }
            View::New {
                cursor: None,
                lines,
                max_bytes,
            } => {
                let from = place.end.back(max_bytes as u64);
                let stretch = read_text(&session, from, None, max_bytes).await;
                reading.text = last_lines(&stretch.text, lines.unwrap_or(usize::MAX));
                reading.cursor = stretch.cursor;
                reading.more = stretch.more;
            }
            View::Screen { lines } => {
                let screen = session.terminal.screen().await;
                reading.position = screen.cursor;
                let text = screen.text();
                let text = text.trim_end_matches([' ', '\n']);
                reading.text = inert(&last_lines(text, lines.unwrap_or(usize::MAX)));
            }
            View::Scrollback { start, lines } => {
                let shown = session.terminal.screen().await.text();
                let above = session.terminal.scrollback(0, 0).await.total;
                let total = above + shown.lines().count();
                let start = start.unwrap_or(total.saturating_sub(lines));
                let scrollback = session.terminal.scrollback(start, lines).await;
                let read: Vec<&str> = scrollback
                    .rows
                    .iter()
                    .map(|row| row.text.as_str())
                    .chain(shown.lines().skip(start.saturating_sub(above)))
                    .take(lines)
                    .collect();
                reading.more = start + read.len() < total;
                reading.text = inert(&read.join("\n"));
                reading.total_lines = Some(total);
            }
        }
        Ok(reading)
    }
}

/// Text of the transcript from `from` up to `to`, at most `max_bytes` of it,
/// with a mark where output was lost.
pub(crate) async fn read_text(
    session: &Session,
    from: Cursor,
    to: Option<Cursor>,
    max_bytes: usize,
) -> Stretch {
    let output = match to {
        Some(to) => session.terminal.read_until(from, to, max_bytes).await,
        None => session.terminal.read(from, max_bytes).await,
    };
    let lost_bytes = output.gap.unwrap_or(0);
    let mut text = inert(&output.text);
    if lost_bytes > 0 {
        text.insert_str(
            0,
            &format!("[… {lost_bytes} bytes of output were dropped here: more than the session keeps …]\n"),
        );
    }
    Stretch {
        text,
        cursor: output.next,
        more: output.more,
        lost_bytes,
    }
}

/// The end of the transcript between `from` and `to`, at most about `max_bytes`
/// of it, and whether there was more before.
pub(crate) async fn read_tail(
    session: &Session,
    from: Cursor,
    to: Option<Cursor>,
    max_bytes: usize,
) -> (String, bool) {
    let to = match to {
        Some(to) => to,
        None => session.terminal.status().await.cursor,
    };
    let begin = to.back(max_bytes as u64).max(from);
    let output = session.terminal.read_until(begin, to, max_bytes).await;
    (inert(&output.text), begin > from || output.gap.is_some())
}

fn last_lines(text: &str, lines: usize) -> String {
    let count = text.lines().count();
    let kept: Vec<&str> = text.lines().skip(count.saturating_sub(lines)).collect();
    kept.join("\n")
}
