//! The relay: what runs in a pane of iTerm2 that was opened for a session.
//!
//! iTerm2 tells its clients what its screens show, not what programs write. So the
//! session's program runs on a terminal device of the relay's own. What it writes goes to the pane
//! and, byte by byte the same, to the host; what the host or a person types goes to the program.
//! A relay outlives its host: the next one connects to its socket and learns what was
//! written recently, and the key of the marks.
//!
//! One host at a time: while one is connected, nobody else is let in.

pub(crate) mod frames;
pub(crate) mod link;
mod pump;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{UnixListener, UnixStream};

use crate::ancestry;
use crate::device::Master;

/// How long the host may take to say what to start.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// The variable in which iTerm2 says which session a pane is.
const PANE_VARIABLE: &str = "ITERM_SESSION_ID";

/// Why a relay could not work.
#[derive(Debug, Error)]
pub enum RelayError {
    /// Standard input is no terminal.
    #[error("a relay runs in a pane of iTerm2, but its standard input is no terminal")]
    NoTerminal(#[source] io::Error),
    /// The socket could not be made.
    #[error("cannot listen at {}; is its folder there, and is the path short enough?", socket.display())]
    Socket {
        /// Where.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Nobody said what to start.
    #[error("no host has said within {} s what to start here", START_PATIENCE.as_secs())]
    NoHost,
    /// The program could not be started.
    #[error("cannot start {}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The device of its own, or the signals, could not be had.
    #[error("the system gives the relay no terminal device or no signals")]
    Device(#[source] io::Error),
}

impl RelayError {
    /// The system's number of what is wrong; 0 where it has none.
    fn number(&self) -> i32 {
        match self {
            Self::NoTerminal(source)
            | Self::Socket { source, .. }
            | Self::Program { source, .. }
            | Self::Device(source) => source.raw_os_error().unwrap_or(0),
            Self::NoHost => 0,
        }
    }
}

/// Where the host waits for a relay that it has just opened a pane for.
pub(crate) fn waiting_host(socket: &Path) -> PathBuf {
    socket.with_extension("host")
}

/// Carries a session in the terminal that is this process's standard input, until the session's
/// program has ended; tells how. `socket` is where later hosts find it. Must be called within a
/// Tokio runtime, as the only thing that the process does.
pub async fn run(socket: &Path) -> Result<ExitStatus, RelayError> {
    let no_terminal = |error: io::Error| RelayError::NoTerminal(error);
    let pane = own_terminal().map_err(no_terminal)?;
    let listener = listen(socket).map_err(|source| RelayError::Socket {
        socket: socket.to_owned(),
        source,
    })?;
    let _socket = Socket::of(socket);
    // What the session orphans stays below this process, where hosts look for it.
    match ancestry::become_subreaper() {
        Ok(()) => drop(tokio::spawn(ancestry::reap_orphans())),
        Err(error) => tracing::debug!(%error, "cannot adopt orphaned processes"),
    }
    let host = UnixStream::connect(waiting_host(socket)).await.ok();
    pump::pump(pane, listener, host).await
}

/// The terminal of the pane, which passes on every key as it is from now on.
fn own_terminal() -> io::Result<Master> {
    let stdin = std::io::stdin();
    let terminal: OwnedFd = stdin.as_fd().try_clone_to_owned()?;
    let mut modes = rustix::termios::tcgetattr(&terminal)?;
    modes.make_raw();
    rustix::termios::tcsetattr(&terminal, rustix::termios::OptionalActions::Now, &modes)?;
    Master::of(terminal)
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    // One that ended without a word left its socket behind. Its session is over, or this would
    // not be started with the same name.
    let _ = std::fs::remove_file(socket);
    UnixListener::bind(socket)
}

/// Gone with the relay, unless another one is there by then: a pane that is restarted starts one
/// with the same name.
struct Socket<'a> {
    path: &'a Path,
    inode: Option<u64>,
}

impl<'a> Socket<'a> {
    fn of(path: &'a Path) -> Self {
        let inode = inode(path);
        Self { path, inode }
    }
}

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        if self.inode.is_some() && inode(self.path) == self.inode {
            let _ = std::fs::remove_file(self.path);
        }
    }
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).ok().map(|it| it.ino())
}

/// A status as the code of this process.
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 255,
    };
    u8::try_from(code).unwrap_or(255)
}
