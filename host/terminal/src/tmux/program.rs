//! The tmux program: how it is called, and whether it is new enough.

use std::io;
use std::process::Stdio;

use tokio::process::Command;

use super::error::TmuxError;
use super::socket::Socket;
use crate::environment;
use crate::open_files;
use crate::request::OpenRequest;

/// The oldest version that has all that is used here.
const OLDEST: (u32, u32) = (3, 2);

/// The tmux program, for a server. Its environment becomes the server's when it
/// starts one.
pub(super) fn tmux(socket: &Socket) -> Command {
    let mut command = Command::new("tmux");
    command.env_clear().envs(environment::of_session(
        &OpenRequest::default(),
        std::env::vars_os(),
    ));
    command.env_remove("QUARTERDECK_SESSION");
    #[allow(
        unsafe_code,
        reason = "there is no other way to run code between fork and exec"
    )]
    // SAFETY: between fork and exec one system call is made, no memory is allocated
    // and no lock is taken.
    unsafe {
        command.pre_exec(|| {
            open_files::restore_limit();
            Ok(())
        });
    }
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

/// Refuses what is too old.
pub(super) async fn check_version(socket: &Socket) -> Result<(), TmuxError> {
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
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let text = text.strip_prefix("next-").unwrap_or(text);
    let (major, minor) = text.split_once('.')?;
    let minor = minor.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
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
}
