//! The one connection to a tmux server: a task that owns the control-mode
//! client, gives each answer to whoever asked, and each pane's output to the
//! session that watches it.
//!
//! Output is neither dropped nor piled up: where a session does not keep up,
//! nothing more is read from tmux, which then reads no more from its programs.
//! That is why tmux's own flow control (`pause-after`) stays off: a pause throws
//! output away.

use std::collections::{HashMap, HashSet, VecDeque};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};

use super::anchor;
use super::census::{Counted, Fate};
use super::command::Line;
use super::last_look;
use super::pane::Room;
use super::protocol::{Message, PaneId, Reader};
use super::{HOST_OPTION, SESSION, SHOWN_OPTION};
use crate::backend::LastLines;

/// Asked and not answered yet, at most; who asks more has to wait.
const MOST_PENDING: usize = 256;

/// Read at once.
const READ_BYTES: usize = 64 * 1024;

/// Pieces of output that wait for a session, each of a few KiB.
pub(super) const WAITING_PIECES: usize = 64;

/// How long tmux keeps a dead pane for others after one has seen that it is dead.
const LINGER_SECONDS: &str = "10";

/// How long the client may take to end by itself.
const CLIENT_GRACE: Duration = Duration::from_secs(2);

/// Something for tmux to do.
pub(super) struct Ask {
    pub(super) line: Line,
    /// Which pane's news go to whom, from this answer on.
    pub(super) watch: Option<Watch>,
    /// What each command printed, or what tmux says is wrong.
    pub(super) reply: oneshot::Sender<Result<Vec<Vec<u8>>, String>>,
}

/// Who is to hear of a pane.
pub(super) struct Watch {
    pub(super) pane: Watched,
    pub(super) news: mpsc::Sender<News>,
}

/// Which pane is watched.
#[derive(Debug, Clone, Copy)]
pub(super) enum Watched {
    /// One that is there.
    Pane(PaneId),
    /// The one that the answer of this number, from 0, begins with.
    InAnswer(usize),
}

/// What becomes of a pane. The connection's end is the channel's end.
#[derive(Debug)]
pub(super) enum News {
    /// Its program wrote something.
    Output(Vec<u8>),
    /// It has another size, or other neighbours.
    Room(Room),
    /// Its program has ended, and this is what it still shows.
    LastLines(LastLines),
    /// Its program has ended, and how, where tmux tells.
    Ended(Option<ExitStatus>),
    /// Somebody has put another program in its program's place.
    Replaced,
}

/// What the next answers are for.
enum Pending {
    Ask {
        commands: usize,
        answers: Vec<Vec<u8>>,
        watch: Option<Watch>,
        reply: oneshot::Sender<Result<Vec<Vec<u8>>, String>>,
    },
    /// Which pane is the anchor.
    Anchor,
    /// Which panes there are, and which of them are dead.
    Census,
    /// A dead pane is looked at a last time, and may be gone then; how its program ended.
    LastLook {
        pane: PaneId,
        status: Option<ExitStatus>,
        commands: usize,
        answers: Vec<Vec<u8>>,
    },
    /// A pane is gone.
    Removal(PaneId),
    /// Nobody cares.
    Nothing,
}

/// Who hears of a pane.
struct Watcher {
    news: mpsc::Sender<News>,
    /// The process id of its program, once it was counted.
    pid: Option<u32>,
    /// What was told last.
    room: Option<Room>,
    /// Its last look is on its way.
    looked_at: bool,
}

/// The task's state.
pub(super) struct Connection {
    client: Child,
    input: ChildStdin,
    output: ChildStdout,
    asks: mpsc::Receiver<Ask>,
    /// Written to tmux as it takes it.
    outgoing: Vec<u8>,
    pending: VecDeque<Pending>,
    watches: HashMap<PaneId, Watcher>,
    anchor: Option<PaneId>,
    /// A census is on its way, and whether another one is wanted after it.
    census: Option<bool>,
    /// Dead panes that tmux is told to remove.
    removed: HashSet<PaneId>,
}

/// tmux has ended, or nobody needs it any more.
struct Over;

impl Connection {
    pub(super) fn new(
        client: Child,
        input: ChildStdin,
        output: ChildStdout,
        asks: mpsc::Receiver<Ask>,
    ) -> Self {
        Self {
            client,
            input,
            output,
            asks,
            outgoing: Vec::new(),
            pending: VecDeque::new(),
            watches: HashMap::new(),
            anchor: None,
            census: None,
            removed: HashSet::new(),
        }
    }

    /// Lives until tmux goes, or until the last who could ask has gone. With it
    /// go all watches and everybody who waits for an answer.
    pub(super) async fn live(mut self) {
        self.send(anchor::ask(), |_| Pending::Anchor);
        let mut reader = Reader::default();
        let mut buffer = vec![0_u8; READ_BYTES];
        let mut messages = Vec::new();
        loop {
            tokio::select! {
                read = self.output.read(&mut buffer) => match read {
                    Ok(count) if count > 0 => {
                        if let Err(error) = reader.advance(&buffer[..count], |message| messages.push(message)) {
                            tracing::error!(%error, "tmux says what it cannot say");
                            break;
                        }
                        for message in messages.drain(..) {
                            if let Err(Over) = self.on_message(message).await {
                                return self.over().await;
                            }
                        }
                    }
                    _ => break,
                },
                written = self.input.write(&self.outgoing), if !self.outgoing.is_empty() => match written {
                    Ok(count) => { self.outgoing.drain(..count); }
                    Err(_) => break,
                },
                ask = self.asks.recv(), if self.pending.len() < MOST_PENDING => match ask {
                    Some(Ask { line, watch, reply }) => self.send(line, |commands| Pending::Ask {
                        commands,
                        answers: Vec::with_capacity(commands),
                        watch,
                        reply,
                    }),
                    None => break,
                },
            }
        }
        self.over().await;
    }

    /// Everybody hears at once that it is over. The client ends with its standard
    /// input, or is ended; the server stays as it is.
    async fn over(self) {
        let mut client = {
            let Self { client, .. } = self;
            client
        };
        if tokio::time::timeout(CLIENT_GRACE, client.wait())
            .await
            .is_err()
        {
            // It may have ended in between, which is what is wanted.
            let _ = client.kill().await;
        }
    }

    fn send(&mut self, line: Line, pending: impl FnOnce(usize) -> Pending) {
        self.pending.push_back(pending(line.answers()));
        self.outgoing.extend(line.into_bytes());
    }

    async fn on_message(&mut self, message: Message) -> Result<(), Over> {
        match message {
            Message::Output { pane, .. } if Some(pane) == self.anchor => self.count_panes(),
            Message::Output { pane, bytes } => self.tell(pane, News::Output(bytes)).await,
            Message::Answer(answer) => self.on_answer(answer).await,
            Message::LayoutChanged => self.count_panes(),
            // Somebody else has asked for pauses on this client.
            Message::Paused(pane) => self.send(
                Line::of("refresh-client").args(["-A", &format!("{pane}:continue")]),
                |_| Pending::Nothing,
            ),
            Message::Exit { reason } => {
                tracing::warn!(reason, "tmux has ended the connection");
                return Err(Over);
            }
        }
        Ok(())
    }

    async fn tell(&mut self, pane: PaneId, news: News) {
        if let Some(watcher) = self.watches.get(&pane)
            && watcher.news.send(news).await.is_err()
        {
            self.watches.remove(&pane);
        }
    }

    async fn tell_room(&mut self, pane: PaneId, room: Room) {
        if let Some(watcher) = self.watches.get_mut(&pane)
            && watcher.room.replace(room) != Some(room)
        {
            self.tell(pane, News::Room(room)).await;
        }
    }

    /// Whether the pane had another program when it was counted last.
    fn is_replaced(&mut self, pane: PaneId, pid: u32) -> bool {
        let watcher = self.watches.get_mut(&pane);
        watcher.is_some_and(|watcher| watcher.pid.replace(pid).is_some_and(|was| was != pid))
    }

    /// A pane with a program that nobody knows is no session's any more. Whoever has put
    /// it there has a pane like any other, which is found as such.
    async fn let_go(&mut self, pane: PaneId) {
        let target = pane.to_string();
        let mut line = Line::of("set-hook").args(["-p", "-u", "-t", &target, "pane-died"]);
        for option in [
            "remain-on-exit",
            "@quarterdeck-id",
            SHOWN_OPTION,
            HOST_OPTION,
        ] {
            line = line
                .then("set-option")
                .args(["-p", "-u", "-q", "-t", &target, option]);
        }
        self.send(line, |_| Pending::Nothing);
        self.tell(pane, News::Replaced).await;
        self.watches.remove(&pane);
    }

    async fn tell_end(&mut self, pane: PaneId, status: Option<ExitStatus>) {
        self.tell(pane, News::Ended(status)).await;
        self.watches.remove(&pane);
    }

    /// Tells the end of a pane's program, and what the pane showed, if it stays for our
    /// sake. Nobody hears of the end before the pane is gone, unless others look at it: it
    /// may be the end of the host, too.
    async fn look_last(
        &mut self,
        pane: PaneId,
        status: Option<ExitStatus>,
        kept_by_us: bool,
        others_look: bool,
    ) {
        if !kept_by_us {
            return self.tell_end(pane, status).await;
        }
        let looked_at = |watcher: &mut Watcher| std::mem::replace(&mut watcher.looked_at, true);
        if self.watches.get_mut(&pane).is_none_or(looked_at) {
            return;
        }
        let mut line = last_look::ask(pane);
        if !others_look && self.removed.insert(pane) {
            line = line.then("kill-pane").args(["-t", &pane.to_string()]);
        }
        self.send(line, |commands| Pending::LastLook {
            pane,
            status,
            commands,
            answers: Vec::with_capacity(commands),
        });
    }

    async fn on_answer(&mut self, answer: Result<Vec<u8>, String>) {
        match (self.pending.pop_front(), answer) {
            (
                Some(Pending::Ask {
                    commands,
                    mut answers,
                    watch,
                    reply,
                }),
                Ok(answer),
            ) => {
                answers.push(answer);
                if answers.len() < commands {
                    self.pending.push_front(Pending::Ask {
                        commands,
                        answers,
                        watch,
                        reply,
                    });
                    return;
                }
                if let Some(Watch { pane, news }) = watch {
                    let pane = match pane {
                        Watched::Pane(pane) => Some(pane),
                        Watched::InAnswer(number) => {
                            answers.get(number).and_then(|answer| first_pane(answer))
                        }
                    };
                    if let Some(pane) = pane {
                        self.watches.insert(
                            pane,
                            Watcher {
                                news,
                                pid: None,
                                room: None,
                                looked_at: false,
                            },
                        );
                        // Whose program it has, and how large it is.
                        self.count_panes();
                    }
                }
                let _ = reply.send(Ok(answers));
            }
            (Some(Pending::Ask { reply, .. }), Err(reason)) => {
                let _ = reply.send(Err(reason));
            }
            (Some(Pending::Anchor), Ok(answer)) => {
                self.anchor = anchor::read(&String::from_utf8_lossy(&answer));
                match self.anchor {
                    Some(pane) => self.send(anchor::mark(pane), |_| Pending::Nothing),
                    None => self.send(anchor::open(), |_| Pending::Anchor),
                }
            }
            (Some(Pending::Census), answer) => {
                let again = self.census.take() == Some(true);
                if let Ok(answer) = answer {
                    self.on_census(&String::from_utf8_lossy(&answer)).await;
                }
                if again {
                    self.count_panes();
                }
            }
            (
                Some(Pending::LastLook {
                    pane,
                    status,
                    commands,
                    mut answers,
                }),
                answer,
            ) => {
                let failed = answer.is_err();
                answers.extend(answer.ok());
                if answers.len() < commands && !failed {
                    self.pending.push_front(Pending::LastLook {
                        pane,
                        status,
                        commands,
                        answers,
                    });
                    return;
                }
                if let [state, rows, ..] = &answers[..]
                    && let Some(lines) = last_look::read(&String::from_utf8_lossy(state), rows)
                {
                    self.tell(pane, News::LastLines(lines)).await;
                }
                self.tell_end(pane, status).await;
            }
            (Some(Pending::Removal(pane)), _) => self.tell_end(pane, None).await,
            (Some(Pending::Nothing | Pending::Anchor), _) => (),
            (None, answer) => tracing::warn!(?answer, "tmux answers what nobody has asked"),
        }
    }

    /// Some pane may have ended: asks which ones there are.
    fn count_panes(&mut self) {
        if let Some(again) = &mut self.census {
            *again = true;
            return;
        }
        self.census = Some(false);
        self.send(
            Line::of("list-panes")
                .args(["-s", "-t", &format!("={SESSION}:"), "-F"])
                .arg(Counted::FORMAT),
            |_| Pending::Census,
        );
    }

    /// Who watches a pane hears of its size, and of its end after all of its
    /// output. What is kept for the sake of its status goes, whoever opened it:
    /// the host that did may have ended.
    async fn on_census(&mut self, census: &str) {
        let panes: HashMap<PaneId, Counted> = census.lines().filter_map(Counted::parse).collect();
        for pane in self.watches.keys().copied().collect::<Vec<_>>() {
            match panes.get(&pane) {
                Some(Counted {
                    let_go: true,
                    fate: Fate::Alive,
                    ..
                }) => {
                    if self.removed.insert(pane) {
                        self.send(remove(pane, false), |_| Pending::Removal(pane));
                    }
                }
                Some(Counted {
                    pid,
                    room,
                    fate: Fate::Alive,
                    ..
                }) => match self.is_replaced(pane, *pid) {
                    true => self.let_go(pane).await,
                    false => self.tell_room(pane, *room).await,
                },
                Some(Counted {
                    fate: Fate::Dead { status, kept_by_us },
                    others_look,
                    ..
                }) => {
                    self.look_last(pane, *status, *kept_by_us, *others_look)
                        .await
                }
                None => self.tell_end(pane, None).await,
            }
        }
        self.removed.retain(|pane| panes.contains_key(pane));
        for (pane, counted) in panes {
            let kept_by_us = matches!(
                counted.fate,
                Fate::Dead {
                    kept_by_us: true,
                    ..
                }
            );
            if kept_by_us && self.removed.insert(pane) {
                self.send(remove(pane, counted.others_look), |_| Pending::Nothing);
            }
        }
    }
}

/// Removes a dead pane; where others are connected, after they had the time to see
/// how its program ended.
fn remove(pane: PaneId, others_look: bool) -> Line {
    if others_look {
        let later = ["-b", "-d", LINGER_SECONDS, "-C"];
        Line::of("run-shell")
            .args(later)
            .arg(format!("kill-pane -t {pane}"))
    } else {
        Line::of("kill-pane").args(["-t", &pane.to_string()])
    }
}

/// The pane that an answer begins with.
fn first_pane(answer: &[u8]) -> Option<PaneId> {
    let text = std::str::from_utf8(answer).ok()?;
    PaneId::parse(text.split_ascii_whitespace().next()?)
}
