//! Which process in front reads what is typed, and what a shell among them makes of it.
//!
//! A shell that was given its commands in a file or with `-c` reads data from the
//! terminal: answers to its `read`. One that was given none reads commands. Linux tells;
//! elsewhere nobody can say.

/// A process that waits for input from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Its name, without its folder.
    pub name: String,
    /// Where it has its commands from, if it is a shell.
    pub commands: Commands,
    /// Whether it is given whole lines, and not each key.
    pub whole_lines: bool,
}

/// Where a process has its commands from, as its arguments say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commands {
    /// It is a shell that reads them from the terminal, or no shell, or nobody knows.
    Typed,
    /// A shell that was given this text with `-c`.
    Text(String),
    /// A shell that reads a file.
    File,
}

/// The one process of the foreground group `group`, below the session's `shell`, that
/// waits for input from the terminal. None where there are several with different
/// names, or nobody can tell.
#[cfg(target_os = "linux")]
pub fn reader_in_front(shell: u32, group: u32) -> Option<Reader> {
    use crate::awaiting::{Awaits, awaits, descendants, gives_whole_lines, group_of};

    let mut reading = descendants(shell)?
        .into_iter()
        .filter(|process| *process != shell && group_of(*process) == Some(group))
        .filter(|process| awaits(*process) == Awaits::Input);
    let process = reading.next()?;
    let name = crate::process::name(process)?;
    if !reading.all(|other| crate::process::name(other).as_ref() == Some(&name)) {
        return None;
    }
    Some(Reader {
        commands: linux::commands(process),
        whole_lines: gives_whole_lines(shell),
        name,
    })
}

/// Nobody can tell.
#[cfg(not(target_os = "linux"))]
pub fn reader_in_front(_shell: u32, _group: u32) -> Option<Reader> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;

    use super::{Commands, Given, given};

    pub(super) fn commands(process: u32) -> Commands {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        let arguments: Vec<&str> = line.trim_end_matches('\0').split('\0').collect();
        match given(&arguments) {
            Given::Nothing => Commands::Typed,
            Given::Text(text) => Commands::Text(text.to_owned()),
            // The terminal goes by the name of a file, too.
            Given::File(path) if is_plain_file(process, path) => Commands::File,
            Given::File(_) => Commands::Typed,
        }
    }

    fn is_plain_file(process: u32, path: &str) -> bool {
        let path = match path.starts_with('/') {
            true => path.into(),
            false => format!("/proc/{process}/cwd/{path}"),
        };
        fs::metadata(path).is_ok_and(|found| found.is_file())
    }
}

/// What the arguments of a shell give it to run.
#[derive(Debug, PartialEq, Eq)]
enum Given<'a> {
    Nothing,
    Text(&'a str),
    File(&'a str),
}

/// Reads the arguments of sh and its like, the shell's own name first. What is not
/// understood gives nothing.
fn given<'a>(arguments: &[&'a str]) -> Given<'a> {
    let base = |path: &'a str| path.rsplit('/').next().unwrap_or(path);
    let mut rest = arguments.iter().copied();
    let mut shell = rest.next().map(base);
    if shell == Some("busybox") {
        shell = rest.next();
    }
    if !shell.is_some_and(|shell| {
        [
            "sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "yash", "rbash",
        ]
        .contains(&shell)
    }) {
        return Given::Nothing;
    }
    let mut text = false;
    while let Some(argument) = rest.next() {
        match argument {
            "--" | "-" => {
                return match rest.next() {
                    Some(operand) if text => Given::Text(operand),
                    Some(operand) => Given::File(operand),
                    None => Given::Nothing,
                };
            }
            "--rcfile" | "--init-file" | "--emulate" => _ = rest.next(),
            _ if argument.starts_with("--") => {}
            _ if argument.len() > 1 && argument.starts_with(['-', '+']) => {
                let flags = &argument[1..];
                if argument.starts_with('-') && flags.contains('s') {
                    return Given::Nothing;
                }
                text |= argument.starts_with('-') && flags.contains('c');
                if flags.ends_with(['o', 'O']) {
                    rest.next();
                }
            }
            operand if text => return Given::Text(operand),
            operand => return Given::File(operand),
        }
    }
    Given::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_was_given_shows_in_its_arguments() {
        for (line, expected) in [
            ("bash", Given::Nothing),
            ("-bash", Given::Nothing),
            ("bash -i", Given::Nothing),
            ("bash --norc", Given::Nothing),
            ("bash --rcfile file", Given::Nothing),
            ("bash -s x", Given::Nothing),
            ("sh -o vi", Given::Nothing),
            ("bash -c read", Given::Text("read")),
            ("/bin/bash -ec read name", Given::Text("read")),
            ("bash -c -e read", Given::Text("read")),
            ("sh -o errexit -c read", Given::Text("read")),
            ("bash -ic read", Given::Text("read")),
            ("bash ask.sh -c x", Given::File("ask.sh")),
            ("bash -x /srv/ask.sh", Given::File("/srv/ask.sh")),
            ("zsh -- ask", Given::File("ask")),
            ("busybox sh ask.sh", Given::File("ask.sh")),
            ("python3 ask.py", Given::Nothing),
            ("", Given::Nothing),
        ] {
            let arguments: Vec<&str> = line.split(' ').collect();
            assert_eq!(given(&arguments), expected, "{line}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_shell_that_asks_is_told_from_one_that_takes_commands() {
        use crate::{OpenRequest, Terminal, pty};
        use std::time::{Duration, Instant};

        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("ask.sh");
        std::fs::write(&script, "read answer").expect("a file");
        let script = script.display();
        async fn running(command: &str) -> Terminal {
            let opened = pty::open(OpenRequest {
                shell: Some("sh".into()),
                args: ["-c", &format!("{command}; :")].map(Into::into).to_vec(),
                ..OpenRequest::default()
            });
            opened.await.expect("a shell").terminal
        }
        for (command, expected) in [
            (format!("sh {script}"), Commands::File),
            (
                "sh -c 'read x; :'".into(),
                Commands::Text("read x; :".into()),
            ),
            ("sh /dev/tty".into(), Commands::Typed),
            ("cat".into(), Commands::Typed),
        ] {
            let terminal = running(&command).await;
            let shell = terminal.pid();
            let end = Instant::now() + Duration::from_secs(20);
            let reader = loop {
                if let Some(reader) = reader_in_front(shell, shell) {
                    break reader;
                }
                assert!(Instant::now() < end, "{command}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            assert_eq!(reader.commands, expected, "{command}");
            assert!(reader.whole_lines, "{command}");
            terminal.close().await;
        }
    }
}
