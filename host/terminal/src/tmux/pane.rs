//! A pane as the carrier of a session.

use std::io;
use std::process::ExitStatus;

use tokio::sync::{mpsc, oneshot};

use super::anchor;
use super::command::{self, Line};
use super::connection::{Ask, News};
use super::place;
use super::protocol::PaneId;
use crate::backend::{Event, Wanted};
use crate::process::{self, Process};
use crate::request::Size;

/// Typed with one command. Each byte takes three on the way, and tmux answers
/// before the next piece goes.
const PIECE_BYTES: usize = 2048;

/// What tmux gives a pane of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) size: Size,
    /// The only pane of its window: the window's size is the pane's to decide.
    pub(super) alone: bool,
}

/// A pane of a tmux server. Owned by its session's task.
pub(crate) struct Pane {
    id: PaneId,
    /// The process id of its program.
    pid: u32,
    /// Where to ring when that has ended.
    anchor: PaneId,
    asks: mpsc::Sender<Ask>,
    news: mpsc::Receiver<News>,
    /// Output that was more than a buffer.
    rest: Vec<u8>,
    typing: Option<Typing>,
    /// The pane's size and neighbours, as tmux has told them last.
    room: Room,
    /// Wanted, and tmux is not told yet.
    size: Option<Size>,
    /// tmux is told; the answer says what it made of that.
    resizing: Option<oneshot::Receiver<Answers>>,
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
        room: Room,
        anchor: PaneId,
        asks: mpsc::Sender<Ask>,
        news: mpsc::Receiver<News>,
    ) -> Self {
        Self {
            id,
            pid,
            anchor,
            asks,
            news,
            rest: Vec::new(),
            typing: None,
            room,
            size: None,
            resizing: None,
            process: Process::watch(pid),
            ended: false,
        }
    }

    /// See [`crate::backend::Backend::next`].
    pub(crate) async fn next(&mut self, wanted: Wanted<'_>, buffer: &mut [u8]) -> Event {
        let Self {
            id,
            anchor,
            asks,
            news,
            rest,
            typing,
            room,
            size,
            resizing,
            process,
            ended,
            ..
        } = self;
        if !rest.is_empty() {
            return Event::Output(hand_over(std::mem::take(rest), buffer, rest));
        }
        loop {
            // Whatever waits to be asked, news are taken all the while: the
            // connection may be waiting to hand them over. They are looked at
            // before the answer to a resize: those that came before it are old.
            tokio::select! {
                biased;
                typed = type_next(typing, asks, *id, wanted.typed),
                    if typing.is_some() || (size.is_none() && !wanted.typed.is_empty()) => match typed {
                    Ok(Some(count)) => return Event::Typed(count),
                    Ok(None) => (),
                    Err(CannotType) => return Event::CannotType,
                },
                permit = asks.reserve(), if size.is_some() && wanted.end => {
                    if let (Some(size), Ok(permit)) = (size.take(), permit) {
                        // A pane that has gone tells so itself.
                        let (ask, answer) = asked(resize(*id, Room { size, ..*room }));
                        permit.send(ask);
                        *resizing = Some(answer);
                    }
                }
                () = process_ended(process), if process.is_some() && wanted.end => {
                    *process = None;
                    *ended = true;
                }
                permit = asks.reserve(), if *ended && wanted.end => {
                    *ended = false;
                    if let Ok(permit) = permit {
                        permit.send(asked(nudge(*anchor)).0);
                    }
                }
                news = news.recv(), if wanted.output || wanted.end => match news {
                    Some(News::Output(bytes)) if !bytes.is_empty() => {
                        return Event::Output(hand_over(bytes, buffer, rest));
                    }
                    Some(News::Output(_)) => (),
                    Some(News::Room(now)) => {
                        room.alone = now.alone;
                        if size.is_none() && resizing.is_none() && now.size != room.size {
                            room.size = now.size;
                            return Event::Resized(now.size);
                        }
                    }
                    Some(News::LastLines(lines)) => return Event::LastLines(lines),
                    Some(News::Ended(status)) => return Event::Ended(known(status)),
                    Some(News::Replaced) => return Event::Ended(Err(io::Error::other(
                        "somebody has started another program in its tmux pane",
                    ))),
                    None if wanted.end => return Event::Ended(Err(io::Error::other(
                        "the tmux server has ended, or has dropped Quarterdeck's connection",
                    ))),
                    None => return Event::Drained,
                },
                given = resized(resizing), if resizing.is_some() => {
                    *resizing = None;
                    room.size = given.unwrap_or(room.size);
                    if size.is_none() {
                        return Event::Resized(room.size);
                    }
                }
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

    pub(crate) fn is_resizing(&self) -> bool {
        self.size.is_some() || self.resizing.is_some()
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

/// Beside others, a pane gets what its neighbours leave it.
fn resize(pane: PaneId, room: Room) -> Line {
    let command = if room.alone {
        "resize-window"
    } else {
        "resize-pane"
    };
    Line::of(command)
        .args(["-t", &pane.to_string()])
        .args(["-x", &room.size.columns().to_string()])
        .args(["-y", &room.size.rows().to_string()])
        .then("display-message")
        .args(["-p", "-t", &pane.to_string()])
        .arg("#{pane_width} #{pane_height}")
}

/// What a resize has led to; `None` where tmux does not tell.
async fn resized(resizing: &mut Option<oneshot::Receiver<Answers>>) -> Option<Size> {
    let answers = resizing.as_mut()?.await.ok()?.ok()?;
    let answer = String::from_utf8_lossy(answers.last()?).into_owned();
    let (columns, rows) = answer.split_once(' ')?;
    place::size(columns, rows)
}

/// Makes tmux look which of its children have ended. Where it is built with
/// utempter, as Debian builds it, it loses the signal of a child that ends while
/// it writes to utmp; any other child's end lets it find both. Of a pane that has another
/// program by then nobody tells, so the anchor rings.
fn nudge(anchor: PaneId) -> Line {
    Line::of("run-shell")
        .args(["-b", "true"])
        .then(&anchor::ring(anchor))
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
