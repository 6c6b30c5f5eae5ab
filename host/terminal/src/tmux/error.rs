//! Why tmux could not do what was asked of it.

use std::io;

use thiserror::Error;

use super::protocol::PaneId;
use super::socket::Socket;

/// Why tmux could not carry a session.
#[derive(Debug, Error)]
pub enum TmuxError {
    /// No such program.
    #[error(
        "tmux is not installed; install it (`apt install tmux`, `dnf install tmux`, `brew install tmux`) or use the backend pty"
    )]
    Missing,
    /// The program is older than what is needed.
    #[error(
        "tmux {found} is too old, Quarterdeck needs 3.2 or later; install a newer one or use the backend pty"
    )]
    TooOld {
        /// What it says of itself.
        found: String,
    },
    /// tmux could not be started.
    #[error("cannot start tmux on {socket}")]
    Start {
        /// The server that was wanted.
        socket: Socket,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The server has ended, or has thrown us out.
    #[error(
        "the tmux server on {socket} has ended or has dropped Quarterdeck's connection; the next session that is opened on tmux starts it again"
    )]
    Gone {
        /// The server.
        socket: Socket,
    },
    /// The server does not answer.
    #[error("the tmux server on {socket} did not answer within 10 s; is it stopped?")]
    NoAnswer {
        /// The server.
        socket: Socket,
    },
    /// tmux has said no.
    #[error("tmux on {socket} could not {what}: {reason}")]
    Refused {
        /// The server.
        socket: Socket,
        /// What was wanted.
        what: &'static str,
        /// tmux's own words.
        reason: String,
    },
    /// An answer that does not answer what was asked.
    #[error("tmux on {socket} was asked to {what} and answered {answer:?}, which makes no sense")]
    Nonsense {
        /// The server.
        socket: Socket,
        /// What was wanted.
        what: &'static str,
        /// The answer.
        answer: String,
    },
    /// The pane that the host itself was started from.
    #[error(
        "pane {pane} is the one that Quarterdeck's own agent runs in; it can be neither typed into nor closed from here"
    )]
    OwnPane {
        /// The pane.
        pane: PaneId,
    },
    /// What a session was to be opened beside is none.
    #[error("tmux on {socket} has no pane {handle:?} to open a session beside")]
    NotAPane {
        /// The server.
        socket: Socket,
        /// What was named.
        handle: String,
    },
    /// Another host was first.
    #[error("pane {pane} of tmux on {socket} is a session of another host now, process {host}")]
    Taken {
        /// The server.
        socket: Socket,
        /// The pane.
        pane: PaneId,
        /// The process id of that host, as it is written on the pane.
        host: String,
    },
    /// No such pane.
    #[error("tmux on {socket} has no pane {pane}")]
    NoPane {
        /// The server.
        socket: Socket,
        /// The pane.
        pane: PaneId,
    },
}
