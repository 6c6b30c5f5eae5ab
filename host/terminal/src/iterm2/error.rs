//! Why iTerm2 could not do what was asked of it.

use std::io;
use std::path::PathBuf;

use quarterdeck_iterm2::CallError;
use thiserror::Error;

/// Why iTerm2 could not carry a session.
#[derive(Debug, Error)]
pub enum Iterm2Error {
    /// There is nothing that could be iTerm2.
    #[error(
        "iTerm2 is not there (no socket at {}): it runs on macOS, with the Python API enabled in Settings > General > Magic; else use the backend pty or tmux", socket.display()
    )]
    Absent {
        /// Where its socket would be.
        socket: PathBuf,
    },
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The folder of the relays' sockets cannot be used.
    #[error(
        "cannot use {} for the sockets of sessions on iTerm2; a socket's path has at most about 100 bytes, a shorter XDG_RUNTIME_DIR helps", path.display()
    )]
    Folder {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A pane was opened, but what should run in it does not.
    #[error(
        "iTerm2 opened a pane, but Quarterdeck's relay did not report from there within {seconds} s; is {} a program that iTerm2 may run?", program.display()
    )]
    NoRelay {
        /// What should run there.
        program: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The pane that the host itself was started from.
    #[error(
        "pane {pane} is the one that Quarterdeck's own agent runs in; it can be neither typed into nor closed from here"
    )]
    OwnPane {
        /// The pane.
        pane: String,
    },
    /// A pane that a person has opened.
    #[error(
        "iTerm2's session {pane} was not opened for this session, so it cannot be begun again from here; type into it, or open another"
    )]
    NotOurs {
        /// The pane.
        pane: String,
    },
    /// No such pane.
    #[error("iTerm2 has no session {pane}")]
    NoPane {
        /// The pane.
        pane: String,
    },
}
