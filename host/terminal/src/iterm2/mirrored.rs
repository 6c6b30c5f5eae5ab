//! A pane that was there already, as the carrier of a session: its lines are followed through
//! the API, and what is typed goes through the API, each piece once.

use std::io;

use quarterdeck_iterm2::{
    CallError, Client, CloseTarget, Closed, Interest, Lines, Notice, Notices, PromptEvent,
    SessionId, VariableScope,
};
use tokio::task::JoinHandle;

use super::drawing::{Drawing, Look};
use super::sizing::Sizing;
use crate::backend::{Event, Wanted};
use crate::outbox::WriteError;
use crate::process;
use crate::request::Size;

/// Typed with one call.
const PIECE_BYTES: usize = 4096;

/// Lines that are read at once above the screen; what scrolled away faster is not read.
const MOST_LINES: u64 = 5_000;

/// A pane that is followed. Owned by its session's task.
pub(crate) struct Mirrored {
    client: Client,
    notices: Notices,
    pane: SessionId,
    /// The process id of its program; 0 where iTerm2 does not tell.
    pid: u32,
    size: Size,
    sizing: Sizing,
    drawing: Drawing,
    /// Lines above the screen that the first look takes in.
    above: u32,
    /// It shows something that was not read yet.
    stale: bool,
    reading: Option<JoinHandle<Result<Look, CallError>>>,
    /// Drawn and not handed over yet.
    rest: Vec<u8>,
    typing: Option<Typing>,
    /// The beginning of a character whose end was not offered yet.
    begun: Vec<u8>,
    closing: Option<JoinHandle<bool>>,
    ended: bool,
}

/// A piece that is on its way.
struct Typing {
    count: usize,
    call: JoinHandle<Result<(), CallError>>,
    forgotten: bool,
}

impl Mirrored {
    pub(super) fn new(
        client: Client,
        notices: Notices,
        pane: SessionId,
        pid: u32,
        size: Size,
        above: u32,
    ) -> Self {
        Self {
            sizing: Sizing::of(client.clone(), pane.clone()),
            client,
            notices,
            pane,
            pid,
            size,
            drawing: Drawing::new(size),
            above,
            stale: true,
            reading: None,
            rest: Vec::new(),
            typing: None,
            begun: Vec::new(),
            closing: None,
            ended: false,
        }
    }

    /// See [`crate::backend::Backend::next`].
    pub(crate) async fn next(&mut self, wanted: Wanted<'_>, buffer: &mut [u8]) -> Event {
        if !self.rest.is_empty() {
            return self.hand_over(buffer);
        }
        loop {
            if self.ended {
                match wanted.output {
                    true => return Event::Drained,
                    false => return std::future::pending().await,
                }
            }
            if self.stale && self.reading.is_none() {
                self.stale = false;
                self.reading = Some(tokio::spawn(look(
                    self.client.clone(),
                    self.pane.clone(),
                    self.drawing.wanted().filter(|_| !self.drawing.alternate()),
                    self.above,
                    self.size,
                )));
            }
            if self.typing.is_none() && !self.sizing.is_under_way() && !wanted.typed.is_empty() {
                match self.type_next(wanted.typed) {
                    Some(event) => return event,
                    None => continue,
                }
            }
            tokio::select! {
                notice = self.notices.next() => {
                    if let Some(event) = self.on_notice(notice) {
                        return event;
                    }
                }
                looked = done(&mut self.reading) => match looked {
                    Ok(look) => {
                        self.rest = self.drawing.draw(&look);
                        if !self.rest.is_empty() {
                            return self.hand_over(buffer);
                        }
                    }
                    Err(error) if error.is_not_found() => return self.end(GONE),
                    // Without a connection there is nothing to read; with the next one all is.
                    Err(CallError::NotConnected { .. } | CallError::ConnectionLost { .. }) => (),
                    Err(error) => {
                        tracing::debug!(pane = %self.pane, %error, "cannot read a pane of iTerm2");
                        self.stale = !matches!(error, CallError::Status { .. });
                    }
                },
                typed = typed(&mut self.typing) => {
                    let count = self.typing.take().filter(|typing| !typing.forgotten);
                    match (typed, count) {
                        (Err(error), _) if error.is_not_found() => return self.end(GONE),
                        (Ok(()), Some(typing)) => return Event::Typed(typing.count),
                        (Err(error), Some(_)) => return Event::NotTyped(why(&error)),
                        (_, None) => (),
                    }
                }
                got = self.sizing.got() => {
                    // Our screen has the size already that was asked for, be it granted or not.
                    self.draw_anew(got.unwrap_or(self.size));
                    return Event::Resized(self.size);
                }
                closed = closed(&mut self.closing) => {
                    self.closing = None;
                    if closed {
                        return self.end("the pane of iTerm2 was closed");
                    }
                }
            }
        }
    }

    fn on_notice(&mut self, notice: Option<Notice>) -> Option<Event> {
        match notice? {
            Notice::ScreenChanged(pane) if pane == self.pane => self.stale = true,
            // What was missed may have been about this pane.
            Notice::Connected | Notice::Missed(_) => self.stale = true,
            Notice::InterestLost(Interest::Screens(Some(pane))) if pane == self.pane => {
                return Some(self.end(GONE));
            }
            Notice::SessionEnded(pane) if pane == self.pane => return Some(self.end(GONE)),
            Notice::GivenUp(reason) => {
                return Some(self.end(&format!("iTerm2 cannot be reached any more: {reason}")));
            }
            Notice::LayoutChanged(layout) => {
                let Some(pane) = layout.pane(&self.pane) else {
                    // Closed, or begun again under another name: reading it will tell.
                    self.stale = true;
                    return None;
                };
                let (columns, rows) = pane.size?;
                let size = Size::new(columns, rows).ok()?;
                if size != self.size && !self.sizing.is_under_way() {
                    self.draw_anew(size);
                    return Some(Event::Resized(size));
                }
            }
            Notice::Prompt {
                session,
                event: PromptEvent::CommandEnded(status),
                ..
            } if session == self.pane => return Some(Event::CommandEnded(status)),
            _ => (),
        }
        None
    }

    /// The pane has this size, and our screen is about to have it.
    fn draw_anew(&mut self, size: Size) {
        self.size = size;
        self.rest.extend(self.drawing.resize(size));
        self.stale = true;
        // What is being read was meant for the former size.
        if let Some(reading) = self.reading.take() {
            reading.abort();
        }
    }

    fn end(&mut self, why: &str) -> Event {
        self.ended = true;
        Event::Ended(Err(io::Error::other(why.to_owned())))
    }

    fn hand_over(&mut self, buffer: &mut [u8]) -> Event {
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Event::Output(count)
    }

    /// Sends the next piece, or says at once what becomes of it.
    fn type_next(&mut self, offered: &[u8]) -> Option<Event> {
        let piece = &offered[..offered.len().min(PIECE_BYTES)];
        let mut bytes = std::mem::take(&mut self.begun);
        let before = bytes.len();
        bytes.extend_from_slice(piece);
        let (text, count) = match String::from_utf8(bytes) {
            Ok(text) => (text, piece.len()),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let cut_short = error.utf8_error().error_len().is_none();
                let mut bytes = error.into_bytes();
                let rest = bytes.split_off(valid);
                if !cut_short && valid == 0 {
                    return Some(Event::NotTyped(WriteError::NotText));
                }
                if cut_short && offered.len() <= PIECE_BYTES {
                    self.begun = rest;
                    (String::from_utf8(bytes).unwrap_or_default(), piece.len())
                } else {
                    (String::from_utf8(bytes).unwrap_or_default(), valid - before)
                }
            }
        };
        if text.is_empty() {
            return Some(Event::Typed(count));
        }
        let (client, pane) = (self.client.clone(), self.pane.clone());
        let call = tokio::spawn(async move { client.send_text(&pane, &text, true).await });
        self.typing = Some(Typing {
            count,
            call,
            forgotten: false,
        });
        None
    }

    /// What the pane is called.
    pub(crate) fn handle(&self) -> String {
        self.pane.to_string()
    }

    pub(crate) fn forget_typing(&mut self) {
        self.begun.clear();
        if let Some(typing) = &mut self.typing {
            typing.forgotten = true;
        }
    }

    pub(crate) fn set_size(&mut self, size: Size) {
        self.sizing.ask(size);
    }

    pub(crate) fn is_resizing(&self) -> bool {
        self.sizing.is_under_way()
    }

    /// The leader of the process group that has the pane's terminal.
    pub(crate) fn foreground_group(&self) -> Option<u32> {
        process::terminal_group(self.pid).filter(|_| self.pid != 0)
    }

    /// Has iTerm2 close the pane, without asking a person.
    pub(crate) fn close(&mut self) {
        let client = self.client.clone();
        let target = CloseTarget::Sessions(vec![self.pane.clone()]);
        self.closing = Some(tokio::spawn(async move {
            let closed = client.close(&target, true).await;
            closed.is_ok_and(|closed| !closed.contains(&Closed::Declined))
        }));
    }
}

/// Why nothing is known any more of a pane that iTerm2 does not know.
const GONE: &str = "the pane of iTerm2 has gone, and nobody tells how its program ended";

/// Why something was not typed, or may not have been.
fn why(error: &CallError) -> WriteError {
    match error {
        CallError::NotConnected { .. } | CallError::Busy { .. } => WriteError::NotReached,
        _ => WriteError::Unconfirmed,
    }
}

/// Reads what a pane shows, and what has scrolled away from line `wanted` on.
async fn look(
    client: Client,
    pane: SessionId,
    wanted: Option<u64>,
    above: u32,
    size: Size,
) -> Result<Look, CallError> {
    let scope = VariableScope::Session(pane.clone());
    let alternate = client
        .variables(&scope, &["showingAlternateScreen"])
        .await?;
    let alternate = alternate.first().is_some_and(is_true);
    let screen = match (wanted, alternate) {
        (None, false) => {
            let rows = u32::from(size.rows());
            let last = Lines::Last(above.saturating_add(rows));
            client.buffer(&pane, &last).await?
        }
        _ => client.buffer(&pane, &Lines::Screen).await?,
    };
    let rows = usize::from(size.rows());
    let top = screen.first + screen.lines.len().saturating_sub(rows) as u64;
    let mut look = Look {
        from: screen.first,
        lines: screen.lines,
        top,
        cursor: screen.cursor,
        alternate,
    };
    if let Some(wanted) = wanted.filter(|wanted| !alternate && *wanted < look.from) {
        let from = wanted.max(look.from.saturating_sub(MOST_LINES));
        let above = client
            .buffer(&pane, &Lines::Numbered(from..look.from))
            .await?;
        let mut lines = above.lines;
        // Neither more nor less than what is missing: some may be lost already.
        let missing = usize::try_from(look.from - above.first.min(look.from)).unwrap_or(0);
        lines.truncate(missing);
        look.from -= lines.len() as u64;
        lines.append(&mut look.lines);
        look.lines = lines;
    }
    Ok(look)
}

/// iTerm2 writes truth as a number, now and then.
fn is_true(value: &serde_json::Value) -> bool {
    value.as_bool().unwrap_or(false) || value.as_i64() == Some(1)
}

async fn done(
    reading: &mut Option<JoinHandle<Result<Look, CallError>>>,
) -> Result<Look, CallError> {
    let looked = match reading {
        Some(under_way) => under_way.await,
        None => std::future::pending().await,
    };
    *reading = None;
    looked.unwrap_or(Err(CallError::ConnectionLost {
        request: "lines of a session",
    }))
}

async fn typed(typing: &mut Option<Typing>) -> Result<(), CallError> {
    let typed = match typing {
        Some(typing) => (&mut typing.call).await,
        None => std::future::pending().await,
    };
    typed.unwrap_or(Err(CallError::ConnectionLost {
        request: "text to type",
    }))
}

async fn closed(closing: &mut Option<JoinHandle<bool>>) -> bool {
    match closing {
        Some(closing) => closing.await.unwrap_or(false),
        None => std::future::pending().await,
    }
}
