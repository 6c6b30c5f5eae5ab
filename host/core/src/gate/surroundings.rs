//! What approvers are told of a session besides what the interface has fields
//! for: named facts, which a policy is free to ignore.
//!
//! | name | value |
//! | --- | --- |
//! | `project` | the folder of the project that the working directory is in |
//! | `host` | the other machine that the session's shell is on |
//! | `running` | the command line that the shell runs just now |
//! | `shell-reads` | `line`: that shell itself waits for a line on the terminal, as `read` does |

use std::path::Path;

use quarterdeck_terminal::{ShellState, Status};

use crate::session::Session;

/// Folders above the working directory that are looked at.
const MAX_FOLDERS_UP: usize = 16;

/// What marks the root of a project.
const REPOSITORIES: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

type Attribute = (String, String);

/// The named facts of a session.
pub(super) fn of_session(session: &Session, status: &Status) -> Vec<Attribute> {
    if let Some(host) = &session.remote_host {
        return vec![named("host", host.clone())];
    }
    let mut attributes: Vec<Attribute> = project(status.cwd.as_deref()).into_iter().collect();
    if let ShellState::Running {
        command: Some(command),
        ..
    } = &status.shell
    {
        attributes.push(named("running", command.clone()));
        let shell = session.terminal.pid();
        let in_front = status.foreground.as_ref().map(|program| program.pid);
        if in_front == Some(shell) && waits_for_a_line(shell) {
            attributes.push(named("shell-reads", "line".to_owned()));
        }
    }
    attributes
}

/// The folder of the project that a working directory is in: the nearest one
/// above it with a repository in it. A home folder is none, and neither is what
/// lies above it, whatever somebody may have put there.
pub(super) fn project(cwd: Option<&Path>) -> Option<Attribute> {
    let cwd = cwd.filter(|cwd| cwd.is_absolute())?;
    let home = std::env::home_dir();
    let folder = cwd
        .ancestors()
        .take(MAX_FOLDERS_UP)
        .take_while(|folder| {
            // `/srv` and `/home` hold many people's work.
            folder.components().count() > 2
                && home.as_deref().is_none_or(|home| !home.starts_with(folder))
        })
        .find(|folder| {
            REPOSITORIES
                .iter()
                .any(|marker| folder.join(marker).symlink_metadata().is_ok())
        })?;
    Some(named("project", folder.to_string_lossy().into_owned()))
}

/// Whether a process waits for input from the terminal, with nothing else that
/// it would do until then.
#[cfg(target_os = "linux")]
fn waits_for_a_line(pid: u32) -> bool {
    // The number of the system call `read`.
    let read = match std::env::consts::ARCH {
        "x86_64" => "0",
        "aarch64" | "riscv64" => "63",
        _ => return false,
    };
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let mut words = call.split_ascii_whitespace();
    let reads_standard_input = words.next() == Some(read) && words.next() == Some("0x0");
    reads_standard_input
        && std::fs::read_link(format!("/proc/{pid}/fd/0"))
            .is_ok_and(|device| device.starts_with("/dev/pts"))
}

/// Nobody can tell.
#[cfg(not(target_os = "linux"))]
fn waits_for_a_line(_pid: u32) -> bool {
    false
}

fn named(name: &str, value: String) -> Attribute {
    (name.to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_the_nearest_repository_and_never_a_home() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("shop");
        let below = root.join("web/src");
        std::fs::create_dir_all(&below).expect("folders");
        assert_eq!(project(Some(&below)), None);
        // A worktree has a file there.
        std::fs::write(root.join(".git"), "gitdir: elsewhere").expect("a file");
        let found = Some(named("project", root.to_string_lossy().into_owned()));
        assert_eq!(project(Some(&below)), found);
        assert_eq!(project(Some(&root)), found);
        assert_eq!(project(Some(Path::new("/"))), None);
        assert_eq!(project(Some(Path::new("relative"))), None);
        assert_eq!(project(None), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_does_something_else_waits_for_no_line() {
        assert!(!waits_for_a_line(std::process::id()));
        assert!(!waits_for_a_line(u32::MAX));
    }
}
