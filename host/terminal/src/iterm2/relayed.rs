//! A pane that runs our relay, as the carrier of a session.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use quarterdeck_iterm2::{Client, SessionId};
use tokio::time::Instant;

use super::relay::frames::{FromRelay, Running, ToRelay};
use super::relay::link::{Link, PIECE_BYTES};
use super::sizing::Sizing;
use crate::backend::{Event, Wanted};
use crate::deadline::sleep_until;
use crate::device;
use crate::process;
use crate::request::Size;

/// How long the program's terminal may take to follow its pane's size.
const RESIZE_PATIENCE: Duration = Duration::from_secs(1);

pub(super) type RelayLink = Link<FromRelay, ToRelay>;

/// A pane with a relay. Owned by its session's task.
pub(crate) struct Relayed {
    pane: SessionId,
    /// None once the session is over: its end tells the relay that all was heard.
    link: Option<RelayLink>,
    running: Running,
    /// Output that was more than a buffer.
    rest: Vec<u8>,
    typing: Typing,
    sizing: Sizing,
    /// Until then nothing is typed, so that programs know their size first.
    resizing_until: Option<Instant>,
    ended: bool,
}

/// What is on its way to the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Typing {
    Nothing,
    Piece,
    /// A piece that nobody wants to hear of any more, until the relay says so.
    Forgotten,
}

/// What [`Relayed::next`] waits for.
enum Happened {
    Heard(Option<FromRelay>),
    Sent,
    Sized(Option<Size>),
    Late,
}

/// Why nothing is known any more of a session whose relay does not answer.
const GONE: &str =
    "the relay in the pane of iTerm2 has gone, and nobody tells how the program ended";

impl Relayed {
    pub(super) fn new(client: Client, pane: SessionId, link: RelayLink, running: Running) -> Self {
        Self {
            sizing: Sizing::of(client, pane.clone()),
            pane,
            link: Some(link),
            running,
            rest: Vec::new(),
            typing: Typing::Nothing,
            resizing_until: None,
            ended: false,
        }
    }

    /// See [`crate::backend::Backend::next`].
    pub(crate) async fn next(&mut self, wanted: Wanted<'_>, buffer: &mut [u8]) -> Event {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return self.hand_over(rest, buffer);
        }
        loop {
            if self.ended {
                match wanted.output {
                    true => return Event::Drained,
                    false => return std::future::pending().await,
                }
            }
            let Some(link) = &mut self.link else {
                return std::future::pending().await;
            };
            let may_type = self.typing == Typing::Nothing && self.resizing_until.is_none();
            let happened = tokio::select! {
                heard = link.heard.recv() => Happened::Heard(heard),
                permit = link.said.reserve(), if may_type && !wanted.typed.is_empty() => {
                    let count = wanted.typed.len().min(PIECE_BYTES);
                    if let Ok(permit) = permit {
                        permit.send(ToRelay::Type(wanted.typed[..count].to_vec()));
                    }
                    Happened::Sent
                },
                got = self.sizing.got() => Happened::Sized(got),
                () = sleep_until(self.resizing_until), if self.resizing_until.is_some() => Happened::Late,
            };
            let event = match happened {
                Happened::Heard(Some(FromRelay::Output(bytes))) if !bytes.is_empty() => {
                    return self.hand_over(bytes, buffer);
                }
                Happened::Heard(Some(frame)) => self.on_heard(frame),
                Happened::Heard(None) => {
                    self.ended = true;
                    Some(Event::Ended(Err(io::Error::other(GONE))))
                }
                Happened::Sent => {
                    self.typing = Typing::Piece;
                    None
                }
                Happened::Sized(got) => self.on_sized(got),
                Happened::Late => {
                    self.resizing_until = None;
                    self.running.size().map(Event::Resized)
                }
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    fn on_heard(&mut self, frame: FromRelay) -> Option<Event> {
        match frame {
            FromRelay::Typed(count) => {
                let piece = self.typing == Typing::Piece;
                if piece || count == 0 {
                    self.typing = Typing::Nothing;
                }
                piece.then_some(Event::Typed(count as usize))
            }
            FromRelay::TypedThere(bytes) => Some(Event::TypedThere(bytes)),
            FromRelay::Resized(columns, rows) => {
                self.resizing_until = None;
                let size = Size::new(columns, rows).ok()?;
                (self.running.columns, self.running.rows) = (columns, rows);
                Some(Event::Resized(size))
            }
            FromRelay::Ended(status) => {
                self.ended = true;
                Some(Event::Ended(Ok(ExitStatus::from_raw(status))))
            }
            FromRelay::Hello(_) | FromRelay::NotStarted(_) | FromRelay::Output(_) => None,
        }
    }

    /// iTerm2 says which size the pane has got.
    fn on_sized(&mut self, got: Option<Size>) -> Option<Event> {
        let known = self.running.size();
        if got.is_some() && got != known {
            // The relay is about to say so, too.
            return None;
        }
        self.resizing_until = None;
        known.map(Event::Resized)
    }

    /// Hands over as much as fits, and keeps the rest.
    fn hand_over(&mut self, mut bytes: Vec<u8>, buffer: &mut [u8]) -> Event {
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.rest = bytes.split_off(count);
        Event::Output(count)
    }

    /// The process id of the relay, which adopts what the session orphans.
    pub(crate) fn relay(&self) -> u32 {
        self.running.relay
    }

    /// What the pane is called.
    pub(crate) fn handle(&self) -> String {
        self.pane.to_string()
    }

    pub(crate) fn forget_typing(&mut self) {
        if self.typing == Typing::Piece
            && let Some(link) = &self.link
        {
            // One piece is under way, so there is room to say this.
            let _ = link.said.try_send(ToRelay::Forget);
            self.typing = Typing::Forgotten;
        }
    }

    /// iTerm2 is asked, and nothing is typed before the program's terminal has followed.
    pub(crate) fn set_size(&mut self, size: Size) {
        self.resizing_until = Some(Instant::now() + RESIZE_PATIENCE);
        self.sizing.ask(size);
    }

    pub(crate) fn is_resizing(&self) -> bool {
        self.sizing.is_under_way() || self.resizing_until.is_some()
    }

    /// The leader of the process group that has the program's terminal.
    pub(crate) fn foreground_group(&self) -> Option<u32> {
        process::terminal_group(self.running.pid)
    }

    /// Whether what is typed may be shown by the program's terminal.
    pub(crate) fn may_echo(&self) -> bool {
        device::echoes_at(&self.running.tty)
    }

    /// The program has ended, and all is heard: the relay may go.
    pub(crate) fn release(&mut self) {
        self.link = None;
    }
}
