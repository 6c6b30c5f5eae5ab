//! What approvers are told of a session besides what the interface has fields
//! for: named facts, which a policy is free to ignore.
//!
//! | name | value |
//! | --- | --- |
//! | `project` | the folder of the project that the working directory is in |
//! | `host` | the other machine that the session's shell is on |
//! | `running` | the command line that the shell runs just now |
//! | `shell-reads` | `line`: that shell itself waits for a line on the terminal, as `read` does |
//! | `reader` | the program that waits for what is typed, where it is not the one in front: the editor that git has started |
//! | `program-reads` | `nothing`: the program in front waits for no input just now, so that the shell may get what is typed; `line` or `key`: it is a shell that runs a file or what `-c` gave it, and waits for an answer, as `read` does |
//! | `program-runs` | what `-c` gave that shell |

use std::path::Path;
use std::time::Duration;

use quarterdeck_policy::SessionFacts;
use quarterdeck_terminal::awaiting::{Awaits, foreground_awaits, foreground_is_busy, reads_a_line};
use quarterdeck_terminal::reader::{Commands, Reader, reader_in_front};
use quarterdeck_terminal::{Foreground, ShellState, Status, Terminal};

use super::shell_line::reads_command_lines;
use crate::session::Session;

/// Folders above the working directory that are looked at.
const MAX_FOLDERS_UP: usize = 16;

/// How often, and how far apart, a program is looked at until it counts as one that
/// reads nothing.
const LOOKS_AT_READER: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// What marks the root of a project.
const REPOSITORIES: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

type Attribute = (String, String);

/// The named facts of a session.
pub(super) async fn of_session(session: &Session, status: &Status) -> Vec<Attribute> {
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
        match &status.foreground {
            Some(program) if program.pid != shell => {
                attributes.extend(of_program(shell, program).await);
            }
            Some(_) if reads_a_line(shell) => {
                attributes.push(named("shell-reads", "line".to_owned()));
            }
            _ => {}
        }
    }
    attributes
}

/// Whether what is typed now is data to the shell that reads it: none of its lines is
/// a part of a command.
pub(super) fn takes_answers(session: &Session, status: &Status) -> bool {
    let shell = session.terminal.pid();
    let in_front = status.foreground.as_ref().map(|program| program.pid);
    session.remote_host.is_none()
        && matches!(status.shell, ShellState::Running { .. })
        && match in_front {
            Some(program) if program != shell => reader_in_front(shell, program)
                .is_some_and(|reader| reader.commands != Commands::Typed),
            in_front => in_front.is_some() && reads_a_line(shell),
        }
}

/// Whether what is typed while something runs is a command line all the same, as far as
/// approvers are told: a shell reads it, or what leads to one, or nobody does, so that the
/// shell may come to it.
pub(super) fn takes_commands(session: &SessionFacts) -> bool {
    let told = |name: &str| {
        let mut attributes = session.attributes.iter();
        let found = attributes.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    match told("program-reads") {
        Some("nothing") => true,
        Some(_) => false,
        None if told("shell-reads").is_some() => false,
        None => {
            let reader = told("reader").or(session.program.as_deref());
            reader.is_none_or(reads_command_lines)
        }
    }
}

/// Whether what is in front still works on what it was given last.
pub(super) async fn is_busy(terminal: &Terminal) -> bool {
    let status = terminal.status().await;
    let in_front = status.foreground.as_ref();
    in_front.is_some_and(|program| foreground_is_busy(terminal.pid(), program.pid))
}

/// Who reads what is typed while a program is in front. Nobody does where no look finds
/// it waiting. Several are taken: one that reads lines does something with each of them.
async fn of_program(shell: u32, program: &Foreground) -> Vec<Attribute> {
    let mut nobody_reads = true;
    for look in 0..LOOKS_AT_READER {
        if look > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        if let Some(reader) = reader_in_front(shell, program.pid) {
            return of_reader(reader, program);
        }
        nobody_reads &= foreground_awaits(shell, program.pid) == Awaits::Nothing;
    }
    match nobody_reads {
        true => vec![named("program-reads", "nothing".to_owned())],
        false => Vec::new(),
    }
}

fn of_reader(reader: Reader, program: &Foreground) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    if reader.name != program.name {
        attributes.push(named("reader", reader.name));
    }
    let waits_for = match reader.whole_lines {
        true => "line",
        false => "key",
    };
    match reader.commands {
        Commands::Typed => return attributes,
        Commands::Text(text) => attributes.push(named("program-runs", text)),
        Commands::File => {}
    }
    attributes.push(named("program-reads", waits_for.to_owned()));
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

fn named(name: &str, value: String) -> Attribute {
    (name.to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_shell_takes_commands_and_a_program_or_a_script_does_not() {
        let told = |program: &str, attributes: &[(&str, &str)]| {
            takes_commands(&SessionFacts {
                program: (!program.is_empty()).then(|| program.to_owned()),
                attributes: (attributes.iter())
                    .map(|(name, value)| named(name, (*value).to_owned()))
                    .collect(),
                ..SessionFacts::default()
            })
        };
        for shell in ["bash", "-zsh", "ssh", "docker", "tmux: client", ""] {
            assert!(told(shell, &[]), "{shell}");
        }
        assert!(told("sleep", &[("program-reads", "nothing")]));
        assert!(told("git", &[("reader", "bash")]));
        assert!(!told("python3", &[]));
        assert!(!told("bash", &[("program-reads", "line")]));
        assert!(!told("bash", &[("shell-reads", "line")]));
        assert!(!told("git", &[("reader", "vim")]));
    }

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
}
