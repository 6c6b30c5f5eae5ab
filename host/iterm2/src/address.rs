//! Where iTerm2 listens.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where iTerm2 listens: a Unix socket, and a port of this machine where there is no socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The socket. A dead iTerm2 leaves it behind.
    pub socket: PathBuf,
    /// The port on 127.0.0.1, which old versions listen at.
    pub port: u16,
}

impl Address {
    /// The port of old versions.
    pub const DEFAULT_PORT: u16 = 1912;

    /// The address of the user's own iTerm2: `HOME`, and `IT2_SUITE` for variants of it. None
    /// without a home.
    pub fn of_environment() -> Option<Self> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let home = PathBuf::from(variable("HOME").filter(|home| !home.is_empty())?);
        let suite = variable("IT2_SUITE").filter(|suite| !suite.is_empty());
        Some(Self {
            socket: home
                .join("Library/Application Support")
                .join(suite.unwrap_or_else(|| "iTerm2".into()))
                .join("private/socket"),
            port: Self::DEFAULT_PORT,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_names_the_folder() {
        let of = |suite: Option<&str>| {
            let suite = suite.map(OsString::from);
            Address::from_variables(|name| match name {
                "HOME" => Some("/h".into()),
                "IT2_SUITE" => suite.clone(),
                _ => None,
            })
        };
        let socket = |suite| of(suite).map(|address| address.socket);
        let plain = "/h/Library/Application Support/iTerm2/private/socket";
        assert_eq!(socket(None), Some(plain.into()));
        assert_eq!(socket(Some("")), Some(plain.into()));
        assert_eq!(
            socket(Some("beta")),
            Some("/h/Library/Application Support/beta/private/socket".into())
        );
        assert_eq!(Address::from_variables(|_| None), None);
    }
}
