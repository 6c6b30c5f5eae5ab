//! A tmux server, as whoever opens sessions sees it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};

use super::command::{Line, without_formats};
use super::connection::{Ask, Connection, WAITING_PIECES, Watch, Watched};
use super::error::TmuxError;
use super::pane::Pane;
use super::protocol::PaneId;
use super::seed::{self, PaneState};
use super::{ANCHOR, SESSION};
use crate::backend::Backend;
use crate::environment;
use crate::opening::{Before, Keeping, Launch, OpenError, Opened, begin};
use crate::process;
use crate::request::OpenRequest;

/// Questions that wait for the connection.
const WAITING_ASKS: usize = 64;

/// How long tmux may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What tmux tells of a pane that it has opened.
const OPENED_FORMAT: &str = "#{pane_id} #{pane_pid}";

/// The option that says which host has a window's pane as a session.
const HOST_OPTION: &str = "@quarterdeck-host";

/// The oldest version that has all that is used here.
const OLDEST: (u32, u32) = (3, 2);

/// Which server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Socket {
    /// One of this name beside the user's own, without the user's settings; it
    /// is started when there is none.
    Named(String),
    /// As [`Socket::Named`], at this path.
    At(PathBuf),
    /// The user's own server, with the user's settings.
    Users,
}

impl Default for Socket {
    fn default() -> Self {
        Self::Named(SESSION.to_owned())
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "the socket {name:?}"),
            Self::At(path) => write!(f, "the socket {}", path.display()),
            Self::Users => f.write_str("the user's own socket"),
        }
    }
}

/// A pane that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPane {
    /// Its id.
    pub pane: PaneId,
    /// The process id of its program.
    pub pid: u32,
    /// The id that the session had when it was opened through Quarterdeck.
    pub session_id: Option<String>,
    /// The pane that the host was started from.
    pub is_own: bool,
    /// tmux session and window, by name.
    pub place: String,
    /// The process id of the host that has it as a session now, which runs.
    pub host: Option<u32>,
    /// It is in the tmux session of Quarterdeck's.
    in_our_session: bool,
}

/// A connection to a tmux server. Cheap to clone; ends with the last clone and
/// the last session on it. The server lives on.
#[derive(Debug, Clone)]
pub struct Server {
    socket: Socket,
    asks: mpsc::Sender<Ask>,
    /// Where the server listens.
    path: PathBuf,
}

/// How often a server is asked to take in a client.
const ATTEMPTS: u32 = 5;
/// What tmux 3.3a says, now and then, to the first words of a client that comes
/// while another one leaves. It takes in the next one.
const NOT_TAKEN_IN: &str = "no current client";

impl Server {
    /// Connects to a server, which is started if need be. Must be called within
    /// a Tokio runtime, which then carries the connection's task.
    pub async fn connect(socket: Socket) -> Result<Self, TmuxError> {
        check_version(&socket).await?;
        for _ in 1..ATTEMPTS {
            match Self::join(socket.clone()).await {
                Err(TmuxError::Refused { reason, .. }) if reason == NOT_TAKEN_IN => (),
                joined => return joined,
            }
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
            // Reads what nobody writes: costs nothing, and echoes.
            .arg("exec cat")
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
        let mut server = Self {
            socket,
            asks,
            path: PathBuf::new(),
        };
        // Our window onto the server must not decide how large others' are.
        let mut greeting = Line::of("refresh-client")
            .args(["-f", "ignore-size"])
            .then("display-message")
            .args(["-p", "#{socket_path}"]);
        if server.socket != Socket::Users {
            greeting = greeting
                .then("set-option")
                .args(["-g", "history-limit", "10000"]);
        }
        let answers = server.ask("take in a client", greeting).await?;
        server.path = PathBuf::from(text(answers.get(1)));
        Ok(server)
    }

    /// Whether the server still answers. One that was killed does not come back;
    /// connect again.
    pub fn is_connected(&self) -> bool {
        !self.asks.is_closed()
    }

    /// Opens a session in a window of its own, as [`crate::pty::open`] does on a
    /// device. The window bears the session's id, by which it is found again.
    pub async fn open(&self, request: OpenRequest) -> Result<Opened, OpenError> {
        let session_id = request.session_id.clone();
        let launch = Launch::prepare(request).await?;
        let program = find_program(&launch).map_err(|source| OpenError::Program {
            program: launch.program.clone(),
            source,
        })?;
        let (news, receiver) = mpsc::channel(WAITING_PIECES);
        let watch = Watch {
            pane: Watched::InAnswer(1),
            news,
        };
        let line = opening(&launch, &program, &session_id);
        let what = "open a window";
        let answers = self.ask_watching(what, line, Some(watch)).await?;
        let answer = text(answers.get(1));
        let (pane, pid) = opened(&answer).ok_or_else(|| self.nonsense(what, answer))?;
        let pane = Pane::new(pane, pid, self.asks.clone(), receiver);
        Ok(launch.begin(Backend::Tmux(pane), pid))
    }

    /// All panes whose programs run, the anchor excepted.
    pub async fn panes(&self) -> Result<Vec<FoundPane>, TmuxError> {
        let line = Line::of("list-panes").args(["-a", "-F"]).arg(
            "#{pane_id} #{pane_pid} #{pane_dead} #{@quarterdeck-host},#{@quarterdeck-id},#{session_name}:#{window_name}",
        );
        let answers = self.ask("list its panes", line).await?;
        let own = own_pane(&self.path);
        let mut found: Vec<FoundPane> = Vec::new();
        for line in text(answers.first()).lines() {
            let Some(pane) = FoundPane::parse(line, own) else {
                continue;
            };
            // A window may be in several tmux sessions.
            match found.iter_mut().find(|known| known.pane == pane.pane) {
                Some(known) => known.in_our_session |= pane.in_our_session,
                None => found.push(pane),
            }
        }
        Ok(found)
    }

    /// Attaches to a pane that exists: its screen and what is above it are taken
    /// over once, then it is a session like any other. Of `keeping`, the size is
    /// the pane's. Its shell writes no marks: their key went with whoever opened
    /// it.
    pub async fn attach(&self, pane: PaneId, request: &OpenRequest) -> Result<Opened, OpenError> {
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
        let host = std::process::id().to_string();
        let line = Line::of("set-option").args(["-w", "-t", &target, HOST_OPTION, &host]);
        self.ask("mark a pane", line).await?;
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
        let carrier = Pane::new(pane, state.pid, self.asks.clone(), receiver);
        let backend = Backend::Tmux(carrier);
        Ok(begin(
            backend,
            state.pid,
            None,
            keeping,
            Some(Before::Shown(seed)),
        ))
    }

    async fn ask(&self, what: &'static str, line: Line) -> Result<Vec<Vec<u8>>, TmuxError> {
        self.ask_watching(what, line, None).await
    }

    async fn ask_watching(
        &self,
        what: &'static str,
        line: Line,
        watch: Option<Watch>,
    ) -> Result<Vec<Vec<u8>>, TmuxError> {
        let gone = || TmuxError::Gone {
            socket: self.socket.clone(),
        };
        let asking = async {
            let (reply, answer) = oneshot::channel();
            let ask = Ask { line, watch, reply };
            self.asks.send(ask).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())
        };
        let answer =
            tokio::time::timeout(PATIENCE, asking)
                .await
                .map_err(|_| TmuxError::NoAnswer {
                    socket: self.socket.clone(),
                })??;
        answer.map_err(|reason| TmuxError::Refused {
            socket: self.socket.clone(),
            what,
            reason,
        })
    }

    fn nonsense(&self, what: &'static str, answer: String) -> TmuxError {
        TmuxError::Nonsense {
            socket: self.socket.clone(),
            what,
            answer,
        }
    }
}

impl FoundPane {
    /// Reads a line of [`Server::panes`]; `None` for the anchor and the dead.
    fn parse(line: &str, own: Option<PaneId>) -> Option<Self> {
        let mut fields = line.splitn(4, ' ');
        let pane = PaneId::parse(fields.next()?)?;
        let pid = fields.next()?.parse().ok()?;
        let dead = fields.next()? == "1";
        let mut fields = fields.next()?.splitn(3, ',');
        let host = fields.next()?.parse().ok();
        let (session_id, place) = (fields.next()?, fields.next()?);
        if dead || place == format!("{SESSION}:{ANCHOR}") {
            return None;
        }
        Some(Self {
            pane,
            pid,
            session_id: Some(session_id.to_owned()).filter(|id| !id.is_empty()),
            is_own: Some(pane) == own,
            host: host.filter(|host| process::is_running(*host)),
            in_our_session: place
                .strip_prefix(SESSION)
                .is_some_and(|rest| rest.starts_with(':')),
            place: place.to_owned(),
        })
    }
}

/// The commands that open a window for a session.
fn opening(launch: &Launch, program: &Path, session_id: &str) -> Line {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    // Nobody else's window may be taken for this one until its id is known.
    let number = OPENED.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{number}", std::process::id());
    let id = if session_id.is_empty() {
        &name
    } else {
        session_id
    };
    let session = format!("={SESSION}:");
    let target = format!("={SESSION}:={name}");
    let (columns, rows) = (launch.size().columns(), launch.size().rows());
    let mut line = Line::of("set-option")
        .args(["-t", &session, "default-size"])
        .arg(format!("{columns}x{rows}"))
        .then("new-window")
        .args(["-d", "-P", "-F", OPENED_FORMAT])
        .args(["-t", &session, "-n", &name]);
    if let Some(folder) = &launch.cwd {
        line = line.arg("-c").arg(without_formats(folder.as_os_str()));
    }
    for (variable, value) in &launch.env {
        let mut setting = variable.clone();
        setting.push("=");
        setting.push(value);
        line = line.arg("-e").arg(setting);
    }
    // One argument alone would be for a shell to read.
    line.args(["--", "/usr/bin/env", "--"])
        .arg(program)
        .args(&launch.args)
        // Somebody who looks on has a say in the size of a new window, until it
        // is given one.
        .then("resize-window")
        .args(["-t", &target])
        .args(["-x", &columns.to_string()])
        .args(["-y", &rows.to_string()])
        // How the program ends is asked before the pane goes.
        .then("set-option")
        .args(["-w", "-t", &target, "remain-on-exit", "on"])
        .then("set-hook")
        .args(["-w", "-t", &target, "pane-died"])
        .arg(format!(
            "set-option -p @quarterdeck-dead 1 ; send-keys -t ={SESSION}:={ANCHOR} Enter"
        ))
        .then("set-option")
        .args(["-w", "-t", &target, "@quarterdeck-id", id])
        .then("set-option")
        .args(["-w", "-t", &target, HOST_OPTION])
        .arg(std::process::id().to_string())
        .then("rename-window")
        .args(["-t", &target, id])
}

/// Reads an answer in [`OPENED_FORMAT`].
fn opened(answer: &str) -> Option<(PaneId, u32)> {
    let (pane, pid) = answer.split_once(' ')?;
    Some((PaneId::parse(pane)?, pid.parse().ok()?))
}

/// The program with its folder: what cannot be started is noticed here, where it
/// can still be said.
fn find_program(launch: &Launch) -> io::Result<PathBuf> {
    if launch.program.components().count() > 1 {
        let program = match &launch.cwd {
            Some(folder) => folder.join(&launch.program),
            None => launch.program.clone(),
        };
        return match program.metadata() {
            Ok(metadata) if metadata.is_file() => Ok(launch.program.clone()),
            Ok(_) => Err(io::ErrorKind::PermissionDenied.into()),
            Err(error) => Err(error),
        };
    }
    let path = launch.env.get(OsStr::new("PATH")).cloned();
    std::env::split_paths(&path.unwrap_or_default())
        .map(|folder| folder.join(&launch.program))
        .find(|program| program.is_file())
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The tmux program, for a server. Its environment becomes the server's when it
/// starts one.
fn tmux(socket: &Socket) -> Command {
    let mut command = Command::new("tmux");
    command.env_clear().envs(environment::of_session(
        &OpenRequest::default(),
        std::env::vars_os(),
    ));
    command.env_remove("QUARTERDECK_SESSION");
    // What a program printed is UTF-8 also where the host has no locale.
    command.arg("-u");
    match socket {
        Socket::Named(name) => {
            command.args(["-L", name, "-f", "/dev/null"]);
        }
        Socket::At(path) => {
            command.arg("-S").arg(path).args(["-f", "/dev/null"]);
        }
        Socket::Users => {}
    }
    command
}

async fn check_version(socket: &Socket) -> Result<(), TmuxError> {
    let output = tmux(socket).arg("-V").stdin(Stdio::null()).output().await;
    let output = output.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TmuxError::Missing,
        _ => TmuxError::Start {
            socket: socket.clone(),
            source,
        },
    })?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let found = said.strip_prefix("tmux ").unwrap_or(&said);
    match version(found) {
        Some(version) if version < OLDEST => Err(TmuxError::TooOld {
            found: found.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Major and minor version; `None` for those that name none, such as `master`.
fn version(text: &str) -> Option<(u32, u32)> {
    let text = text.strip_prefix("next-").unwrap_or(text);
    let (major, minor) = text.split_once('.')?;
    let minor = minor.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The pane that this process was started from, if it is on the server that
/// listens at `server`.
fn own_pane(server: &Path) -> Option<PaneId> {
    let tmux = std::env::var_os("TMUX")?;
    let pane = std::env::var("TMUX_PANE").ok()?;
    own_pane_of(&tmux, &pane, server)
}

fn own_pane_of(tmux: &OsString, pane: &str, server: &Path) -> Option<PaneId> {
    // Path, process id, session.
    let tmux = tmux.to_str()?;
    let path = tmux.rsplitn(3, ',').nth(2)?;
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    };
    PaneId::parse(pane).filter(|_| same(Path::new(path), server))
}

fn text(answer: Option<&Vec<u8>>) -> String {
    String::from_utf8_lossy(answer.map_or(&[][..], Vec::as_slice)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version("3.3a"), Some((3, 3)));
        assert_eq!(version("next-3.10"), Some((3, 10)));
        assert_eq!(version("2.9"), Some((2, 9)));
        assert!(version("2.9") < Some(OLDEST) && version("3.10") > Some(OLDEST));
        assert_eq!(version("master"), None);
    }

    #[test]
    fn a_pane_is_ones_own_on_ones_own_server_only() {
        let tmux = OsString::from("/tmp/tmux-0/a,b,42,0");
        let pane = PaneId::parse("%3");
        assert_eq!(own_pane_of(&tmux, "%3", Path::new("/tmp/tmux-0/a,b")), pane);
        assert_eq!(own_pane_of(&tmux, "%3", Path::new("/tmp/tmux-0/b")), None);
    }

    #[test]
    fn panes_are_read_from_their_list() {
        let own = PaneId::parse("%2");
        let found = FoundPane::parse("%2 77 0 1,ab12,quarterdeck:ab12", own).expect("a pane");
        assert!(found.is_own && found.in_our_session);
        assert_eq!(found.session_id.as_deref(), Some("ab12"));
        assert_eq!(found.host, Some(1));
        let found = FoundPane::parse("%3 78 0 ,,work:vim, again", own).expect("a pane");
        assert!(!found.is_own && !found.in_our_session);
        assert_eq!((found.session_id, &*found.place), (None, "work:vim, again"));
        assert_eq!(FoundPane::parse("%0 1 0 ,,quarterdeck:anchor", own), None);
        assert_eq!(FoundPane::parse("%4 1 1 1,ab12,quarterdeck:x", own), None);
    }
}
