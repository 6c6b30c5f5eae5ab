//! A pane as the carrier of a session.

use std::io;
use std::process::ExitStatus;

use tokio::sync::{mpsc, oneshot};

use super::command::{self, Line};
use super::connection::{Ask, News};
use super::protocol::PaneId;
use crate::backend::{Event, Wanted};
use crate::process::{self, Process};
use crate::request::Size;

/// Typed with one command. Each byte takes three on the way, and tmux answers
/// before the next piece goes.
const PIECE_BYTES: usize = 2048;

/// A pane of a tmux server. Owned by its session's task.
pub(crate) struct Pane {
    id: PaneId,
    /// The process id of its program.
    pid: u32,
    asks: mpsc::Sender<Ask>,
    news: mpsc::Receiver<News>,
    /// Output that was more than a buffer.
    rest: Vec<u8>,
    typing: Option<Typing>,
    /// Wanted, and tmux is not told yet.
    size: Option<Size>,
    /// Until the program has ended, where the system tells.
    process: Option<Process>,
    /// The program has ended, and tmux is not nudged yet.
    ended: bool,
}

type Answers = Result<Vec<Vec<u8>>, String>;

/// A piece that is on its way to the program.
struct Typing {
    count: usize,
    done: oneshot::Receiver<Answers>,
    /// Who offered it wants to hear no more of it.
    forgotten: bool,
}

impl Pane {
    pub(super) fn new(
        id: PaneId,
        pid: u32,
        asks: mpsc::Sender<Ask>,
        news: mpsc::Receiver<News>,
    ) -> Self {
        Self {
            id,
            pid,
            asks,
            news,
            rest: Vec::new(),
            typing: None,
            size: None,
            process: Process::watch(pid),
            ended: false,
        }
    }

    /// See [`crate::backend::Backend::next`].
    pub(crate) async fn next(&mut self, wanted: Wanted<'_>, buffer: &mut [u8]) -> Event {
        let Self {
            id,
            asks,
            news,
            rest,
            typing,
            size,
            process,
            ended,
            ..
        } = self;
        if !rest.is_empty() {
            return Event::Output(hand_over(std::mem::take(rest), buffer, rest));
        }
        loop {
            // Whatever waits to be asked, news are taken all the while: the
            // connection may be waiting to hand them over.
            tokio::select! {
                news = news.recv(), if wanted.output || wanted.end => match news {
                    Some(News::Output(bytes)) if !bytes.is_empty() => {
                        return Event::Output(hand_over(bytes, buffer, rest));
                    }
                    Some(News::Output(_)) => (),
                    Some(News::Ended(status)) => return Event::Ended(known(status)),
                    None if wanted.end => return Event::Ended(Err(io::Error::other(
                        "the tmux server has ended, or has dropped Quarterdeck's connection",
                    ))),
                    None => return Event::Drained,
                },
                permit = asks.reserve(), if size.is_some() && wanted.end => {
                    if let (Some(size), Ok(permit)) = (size.take(), permit) {
                        // A pane that has gone tells so itself.
                        permit.send(asked(resize(*id, size)).0);
                    }
                }
                () = process_ended(process), if process.is_some() && wanted.end => {
                    *process = None;
                    *ended = true;
                }
                permit = asks.reserve(), if *ended && wanted.end => {
                    *ended = false;
                    if let Ok(permit) = permit {
                        permit.send(asked(nudge()).0);
                    }
                }
                typed = type_next(typing, asks, *id, wanted.typed),
                    if typing.is_some() || (size.is_none() && !wanted.typed.is_empty()) => match typed {
                    Ok(Some(count)) => return Event::Typed(count),
                    Ok(None) => (),
                    Err(CannotType) => return Event::CannotType,
                },
                else => std::future::pending().await,
            }
        }
    }

    /// What tmux calls it.
    pub(crate) fn handle(&self) -> String {
        self.id.to_string()
    }

    pub(crate) fn forget_typing(&mut self) {
        if let Some(typing) = &mut self.typing {
            typing.forgotten = true;
        }
    }

    /// tmux is asked when the session's task comes to it, and before anything
    /// more is typed. A second size within a quarter of a second it passes on to
    /// the program only after that.
    pub(crate) fn set_size(&mut self, size: Size) {
        self.size = Some(size);
    }

    /// The leader of the process group that has the pane's terminal.
    pub(crate) fn foreground_group(&self) -> Option<u32> {
        process::terminal_group(self.pid)
    }
}

/// Nothing reaches the pane any more.
struct CannotType;

/// Types the next piece and waits until tmux has taken it. Dropped and called
/// again, it goes on waiting for the same piece.
async fn type_next(
    typing: &mut Option<Typing>,
    asks: &mpsc::Sender<Ask>,
    pane: PaneId,
    bytes: &[u8],
) -> Result<Option<usize>, CannotType> {
    let under_way = match typing {
        Some(under_way) => under_way,
        None => {
            let permit = asks.reserve().await.map_err(|_| CannotType)?;
            let piece = &bytes[..bytes.len().min(PIECE_BYTES)];
            let (reply, done) = oneshot::channel();
            permit.send(Ask {
                line: command::type_bytes(pane, piece),
                watch: None,
                reply,
            });
            typing.insert(Typing {
                count: piece.len(),
                done,
                forgotten: false,
            })
        }
    };
    let answer = (&mut under_way.done).await;
    let Typing {
        count, forgotten, ..
    } = *under_way;
    *typing = None;
    match answer {
        Ok(Ok(_)) => Ok((!forgotten).then_some(count)),
        _ => Err(CannotType),
    }
}

async fn process_ended(process: &Option<Process>) {
    match process {
        Some(process) => process.ended().await,
        None => std::future::pending().await,
    }
}

fn resize(pane: PaneId, size: Size) -> Line {
    Line::of("resize-window")
        .args(["-t", &pane.to_string()])
        .args(["-x", &size.columns().to_string()])
        .args(["-y", &size.rows().to_string()])
}

/// Makes tmux look which of its children have ended. Where it is built with
/// utempter, as Debian builds it, it loses the signal of a child that ends while
/// it writes to utmp; any other child's end lets it find both.
fn nudge() -> Line {
    Line::of("run-shell").args(["-b", "true"])
}

fn asked(line: Line) -> (Ask, oneshot::Receiver<Answers>) {
    let (reply, answer) = oneshot::channel();
    let ask = Ask {
        line,
        watch: None,
        reply,
    };
    (ask, answer)
}

/// Puts as much as fits into `buffer`, and what is over into `rest`.
fn hand_over(bytes: Vec<u8>, buffer: &mut [u8], rest: &mut Vec<u8>) -> usize {
    let count = bytes.len().min(buffer.len());
    buffer[..count].copy_from_slice(&bytes[..count]);
    rest.extend_from_slice(&bytes[count..]);
    count
}

fn known(status: Option<ExitStatus>) -> io::Result<ExitStatus> {
    status.ok_or_else(|| {
        io::Error::other("the tmux pane has gone, and nobody tells how its program ended")
    })
}
