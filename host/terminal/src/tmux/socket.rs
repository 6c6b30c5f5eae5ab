//! Which tmux server.

use std::fmt;
use std::path::PathBuf;

use super::SESSION;

/// Which tmux server.
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
