//! A tmux server, as whoever opens sessions sees it.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::anchor;
use super::command::Line;
use super::connection::{Ask, Connection, WAITING_PIECES, Watch, Watched};
use super::error::TmuxError;
use super::found::{FoundPane, own_pane};
use super::pane::{Pane, Room};
use super::place::{self, OpenedPane, Place};
use super::program::{check_version, tmux};
use super::protocol::PaneId;
use super::seed::{self, PaneState};
use super::socket::Socket;
use super::{ANCHOR, SESSION, SHOWN_OPTION};
use crate::backend::Backend;
use crate::opening::{Before, Keeping, KeptMarks, Launch, Marking, OpenError, Opened, begin};
use crate::request::{Beside, OpenRequest};

/// Questions that wait for the connection.
const WAITING_ASKS: usize = 64;

/// How long tmux may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a server is asked to take in a client.
const ATTEMPTS: u32 = 6;

/// Between the first two of them; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// What tmux 3.3a says, now and then, to the first words of a client that comes
/// while another one leaves. It takes in the next one.
const NOT_TAKEN_IN: &str = "no current client";

/// A connection to a tmux server. Cheap to clone; ends with the last clone and
/// the last session on it. The server lives on.
#[derive(Debug, Clone)]
pub struct Server {
    socket: Socket,
    asks: mpsc::Sender<Ask>,
    /// Where the server listens.
    path: PathBuf,
    /// The pane where it rings when another one's program has ended.
    anchor: PaneId,
}

impl Server {
    /// Connects to a server, which is started if need be. Must be called within
    /// a Tokio runtime, which then carries the connection's task.
    pub async fn connect(socket: Socket) -> Result<Self, TmuxError> {
        check_version(&socket).await?;
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match Self::join(socket.clone()).await {
                Err(TmuxError::Refused { reason, .. }) if reason == NOT_TAKEN_IN => (),
                // One that is about to end still lets clients in, and takes them
                // with it. Its successor is there when it has gone.
                Err(TmuxError::Gone { .. }) => (),
                joined => return joined,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Self::join(socket).await
    }

    async fn join(socket: Socket) -> Result<Self, TmuxError> {
        let started = |source| TmuxError::Start {
            socket: socket.clone(),
            source,
        };
        let mut client = tmux(&socket)
            .args(["-C", "new-session", "-A", "-s", SESSION, "-n", ANCHOR])
            .arg(anchor::PROGRAM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(started)?;
        let missing = || started(io::ErrorKind::BrokenPipe.into());
        let input = client.stdin.take().ok_or_else(missing)?;
        let output = client.stdout.take().ok_or_else(missing)?;
        let (asks, receiver) = mpsc::channel(WAITING_ASKS);
        tokio::spawn(Connection::new(client, input, output, receiver).live());
        // Our window onto the server must not decide how large others' are.
        let mut greeting = Line::of("refresh-client")
            .args(["-f", "ignore-size"])
            .then("display-message")
            .args(["-p", "#{socket_path}"]);
        if socket != Socket::Users {
            greeting = greeting
                .then("set-option")
                .args(["-g", "history-limit", "10000"]);
        }
        let answers = ask(&socket, &asks, "take in a client", greeting, None).await?;
        let path = PathBuf::from(text(answers.get(1)));
        // By now the connection has made sure that there is one.
        let what = "say where it rings";
        let answers = ask(&socket, &asks, what, anchor::ask(), None).await?;
        let answer = text(answers.first());
        match anchor::read(&answer) {
            Some(anchor) => Ok(Self {
                socket,
                asks,
                path,
                anchor,
            }),
            None => Err(TmuxError::Nonsense {
                socket,
                what,
                answer,
            }),
        }
    }

    /// Whether the server still answers. One that was killed does not come back;
    /// connect again.
    pub fn is_connected(&self) -> bool {
        !self.asks.is_closed()
    }

    /// Opens a session in a window of its own, or beside another pane, as
    /// [`crate::pty::open`] does on a device. The pane bears the session's id, by
    /// which it is found again. Beside another one, the size is what tmux gives.
    pub async fn open(&self, request: OpenRequest) -> Result<Opened, OpenError> {
        let place = match &request.beside {
            Some(beside) => self.beside(beside).await?,
            None => Place::Window {
                shown_by: request.tmux_session.clone(),
            },
        };
        let session_id = request.session_id.clone();
        let launch = Launch::prepare(request).await?;
        let program = place::find_program(&launch).map_err(|source| OpenError::Program {
            program: launch.program.clone(),
            source,
        })?;
        let (news, receiver) = mpsc::channel(WAITING_PIECES);
        let watch = Watch {
            pane: Watched::InAnswer(place::OPENED),
            news,
        };
        let line = place.open(&launch, &program, &session_id, self.anchor);
        let (what, alone) = match place {
            Place::Window { .. } => ("open a window", true),
            Place::Beside { .. } => ("split a pane", false),
        };
        let answers = self.ask_watching(what, line, Some(watch)).await?;
        let answer = text(answers.get(place::OPENED));
        let OpenedPane { pane, pid, size } =
            OpenedPane::parse(&answer).ok_or_else(|| self.nonsense(what, answer))?;
        let room = Room { size, alone };
        let pane = Pane::new(pane, pid, room, self.anchor, self.asks.clone(), receiver);
        Ok(launch.of_size(size).begin(Backend::Tmux(pane), pid))
    }

    /// The place beside a pane that is there.
    async fn beside(&self, beside: &Beside) -> Result<Place, TmuxError> {
        let missing = || TmuxError::NotAPane {
            socket: self.socket.clone(),
            handle: beside.handle.clone(),
        };
        let pane = PaneId::parse(&beside.handle).ok_or_else(missing)?;
        let line = Line::of("display-message")
            .args(["-p", "-t", &pane.to_string()])
            .arg("#{pane_id}");
        let answers = self.ask("find a pane", line).await?;
        // Where there is no such pane, tmux tells of another one.
        match text(answers.first()) == pane.to_string() {
            true => Ok(Place::Beside {
                pane,
                side: beside.side,
            }),
            false => Err(missing()),
        }
    }

    /// All panes whose programs run, the anchor excepted.
    pub async fn panes(&self) -> Result<Vec<FoundPane>, TmuxError> {
        let line = Line::of("list-panes").args(["-a", "-F", FoundPane::FORMAT]);
        let answers = self.ask("list its panes", line).await?;
        let own = own_pane(&self.path);
        let mut found: Vec<FoundPane> = Vec::new();
        for line in text(answers.first()).lines() {
            let Some(pane) = FoundPane::parse(line, own) else {
                continue;
            };
            // A window may be in several tmux sessions.
            match found.iter_mut().find(|known| known.pane == pane.pane) {
                Some(known) => {
                    known.in_our_session |= pane.in_our_session;
                    known.elsewhere |= pane.elsewhere;
                }
                None => found.push(pane),
            }
        }
        Ok(found)
    }

    /// Attaches to a pane that exists: its screen and what is above it are taken
    /// over once, then it is a session like any other, unless another host has taken it
    /// since it was `listed`. Of `request`, the size is
    /// the pane's. Its shell's marks are understood with what an earlier host has
    /// kept of them.
    pub async fn attach(
        &self,
        listed: &FoundPane,
        request: &OpenRequest,
        marks: Option<KeptMarks>,
    ) -> Result<Opened, OpenError> {
        let pane = listed.pane;
        let found = self.panes().await?;
        let found = found
            .iter()
            .find(|found| found.pane == pane)
            .ok_or_else(|| TmuxError::NoPane {
                socket: self.socket.clone(),
                pane,
            })?;
        if found.is_own {
            return Err(TmuxError::OwnPane { pane }.into());
        }
        // Of several hosts that see it, one has it.
        let host = std::process::id().to_string();
        let claimed = self.ask("mark a pane", listed.claim(&host)).await?;
        let has_it = text(claimed.last());
        if has_it != host {
            return Err(TmuxError::Taken {
                socket: self.socket.clone(),
                pane,
                host: has_it,
            }
            .into());
        }
        let target = pane.to_string();
        // tmux tells a client only of what is in the session that it looks at.
        if !found.in_our_session {
            let line =
                Line::of("link-window").args(["-d", "-s", &target, "-t", &format!("={SESSION}:")]);
            self.ask("link a window", line).await?;
        }
        let (news, receiver) = mpsc::channel(WAITING_PIECES);
        let watch = Watch {
            pane: Watched::Pane(pane),
            news,
        };
        if found.elsewhere {
            let line = Line::of("set-option").args(["-p", "-t", &target, SHOWN_OPTION, "1"]);
            self.ask("mark a pane", line).await?;
        }
        let above = format!("-{}", request.scrollback_lines);
        let line = Line::of("display-message")
            .args(["-p", "-t", &target, seed::FORMAT])
            .then("capture-pane")
            .args(["-p", "-e", "-J", "-t", &target, "-S", &above])
            .then("capture-pane")
            .args(["-p", "-e", "-J", "-a", "-q", "-t", &target])
            .then("capture-pane")
            .args(["-p", "-P", "-t", &target]);
        let what = "show a pane";
        let answers = self.ask_watching(what, line, Some(watch)).await?;
        let state = text(answers.first());
        let state = PaneState::parse(&state).ok_or_else(|| self.nonsense(what, state))?;
        let part = |number: usize| answers.get(number).map_or(&[][..], Vec::as_slice);
        let seed = seed::seed(&state, part(1), part(2), part(3));
        let keeping = Keeping {
            size: state.size,
            scrollback_lines: request.scrollback_lines,
            transcript_bytes: request.transcript_bytes,
        };
        let room = Room {
            size: state.size,
            alone: state.alone,
        };
        let carrier = Pane::new(
            pane,
            state.pid,
            room,
            self.anchor,
            self.asks.clone(),
            receiver,
        );
        let backend = Backend::Tmux(carrier);
        Ok(begin(
            backend,
            state.pid,
            marks.map(Marking::of_earlier_host),
            keeping,
            Some(Before::Shown(seed)),
        ))
    }

    pub(super) async fn ask(
        &self,
        what: &'static str,
        line: Line,
    ) -> Result<Vec<Vec<u8>>, TmuxError> {
        self.ask_watching(what, line, None).await
    }

    async fn ask_watching(
        &self,
        what: &'static str,
        line: Line,
        watch: Option<Watch>,
    ) -> Result<Vec<Vec<u8>>, TmuxError> {
        ask(&self.socket, &self.asks, what, line, watch).await
    }

    fn nonsense(&self, what: &'static str, answer: String) -> TmuxError {
        TmuxError::Nonsense {
            socket: self.socket.clone(),
            what,
            answer,
        }
    }
}

async fn ask(
    socket: &Socket,
    asks: &mpsc::Sender<Ask>,
    what: &'static str,
    line: Line,
    watch: Option<Watch>,
) -> Result<Vec<Vec<u8>>, TmuxError> {
    let gone = || TmuxError::Gone {
        socket: socket.clone(),
    };
    let asking = async {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { line, watch, reply };
        asks.send(ask).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    };
    let answer = tokio::time::timeout(PATIENCE, asking);
    let answer = answer.await.map_err(|_| TmuxError::NoAnswer {
        socket: socket.clone(),
    })??;
    answer.map_err(|reason| TmuxError::Refused {
        socket: socket.clone(),
        what,
        reason,
    })
}

pub(super) fn text(answer: Option<&Vec<u8>>) -> String {
    String::from_utf8_lossy(answer.map_or(&[][..], Vec::as_slice)).into_owned()
}
