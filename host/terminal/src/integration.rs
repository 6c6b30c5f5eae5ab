//! Shell integration: what makes a shell write marks.
//!
//! The scripts beside this file are given to the shell when it is started, in
//! a private directory that lives until the shell has read them. Nobody's
//! dotfiles are touched, and the user's own files still run.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::marks::{Answers, MarkKey, Question};
use crate::quoting::fish_word;

const BASH: &str = include_str!("integration/bash.sh");
const ZSH: &str = include_str!("integration/zshenv.zsh");
const FISH: &str = include_str!("integration/init.fish");

/// A shell that the host can integrate with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShellKind {
    Bash,
    Zsh,
    Fish,
}

impl ShellKind {
    /// The name of its program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// Which shell a program is, by its name.
    pub(crate) fn of_program(program: &Path) -> Option<Self> {
        let name = program.file_name()?.to_str()?.trim_start_matches('-');
        [Self::Bash, Self::Zsh, Self::Fish]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// Whether it takes a paste even where it has not switched bracketed paste
    /// on. zsh says that it reads a line before what it says about pastes is
    /// written out; fish leaves it to functions that a user may have changed.
    pub(crate) fn always_pastes(self) -> bool {
        matches!(self, Self::Zsh | Self::Fish)
    }

    /// The bytes that make the shell run exactly `command`, typed on an empty
    /// line: a paste, so that nothing in it is taken for an editing key, and
    /// what accepts it.
    pub(crate) fn paste(self, command: &str) -> Vec<u8> {
        // zsh and fish accept by a private key, too, because plugins replace
        // what a paste and Enter do.
        let (begin, accept) = match self {
            Self::Bash => ("\x1b[200~", "\r"),
            Self::Zsh => ("\x1b[27;7;112~", "\x1b[27;7;114~"),
            Self::Fish => ("\x1b[200~", "\x1b[27;7;114~"),
        };
        [begin, command, "\x1b[201~", accept].concat().into_bytes()
    }

    /// How the shell says what its line holds, where it is not too old to.
    pub(crate) fn answers(self) -> Answers {
        match self {
            Self::Bash => Answers::ThenRedraws,
            Self::Zsh | Self::Fish => Answers::AtOnce,
        }
    }

    /// The bytes that make the shell say what its line holds. This and the other
    /// private keys would be Ctrl-Alt and a letter in xterm; the scripts bind them.
    pub(crate) fn ask_line(self, question: Question) -> Vec<u8> {
        let first = match self {
            // Ends a search in the history; see the script.
            Self::Bash => "\x1b[27;7;116~",
            Self::Zsh | Self::Fish => "",
        };
        [first, &question.keys()].concat().into_bytes()
    }

    /// The bytes that throw away what the line holds, lines before it included.
    pub(crate) fn discard(self) -> &'static [u8] {
        match self {
            Self::Bash => b"\x03",
            // A private key comes in its turn. The signal of ctrl-c does not,
            // and zsh loses it while it is just starting to read a line.
            Self::Zsh | Self::Fish => b"\x1b[27;7;115~",
        }
    }
}

/// How to start a shell so that it writes marks.
pub(crate) struct Integration {
    pub(crate) kind: ShellKind,
    pub(crate) key: MarkKey,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Holds the scripts. They name the key, so it goes as soon as they ran.
    pub(crate) scripts: TempDir,
}

impl Integration {
    /// Prepares the integration of a shell, if this is one that can be.
    ///
    /// `zdotdir` is where the user's own zsh files are, when not at home.
    pub(crate) fn prepare(
        program: &Path,
        args: &[OsString],
        zdotdir: Option<&OsStr>,
    ) -> io::Result<Option<Self>> {
        let Some(kind) = ShellKind::of_program(program) else {
            return Ok(None);
        };
        // Any other argument may make it a shell that reads no commands from
        // the terminal.
        let login = args.iter().any(|arg| arg == "-l" || arg == "--login");
        if !args
            .iter()
            .all(|arg| arg == "-i" || arg == "-l" || arg == "--login")
        {
            return Ok(None);
        }
        // In memory where the system has such a place with room in it.
        let in_memory = std::env::var_os("XDG_RUNTIME_DIR");
        let in_memory = in_memory.map(|folder| Self::write(kind, login, zdotdir, folder.as_ref()));
        match in_memory {
            Some(Ok(written)) => Ok(Some(written)),
            _ => Self::write(kind, login, zdotdir, &std::env::temp_dir()).map(Some),
        }
    }

    /// Writes the scripts into a folder of their own in `place`.
    fn write(
        kind: ShellKind,
        login: bool,
        zdotdir: Option<&OsStr>,
        place: &Path,
    ) -> io::Result<Self> {
        let key = MarkKey::generate()?;
        let scripts = private_folder(place)?;
        let write = |name: &str, script: &str| {
            let path = scripts.path().join(name);
            let login = if login { "yes" } else { "no" };
            let script = script
                .replace("@KEY@", key.as_str())
                .replace("@LOGIN@", login);
            fs::write(&path, script).map(|()| path)
        };
        let mut env = Vec::new();
        let mut args: Vec<OsString> = if login { vec!["-l".into()] } else { Vec::new() };
        match kind {
            // The script plays the login shell's part: `--rcfile` is for others.
            ShellKind::Bash => {
                args = vec![
                    "--rcfile".into(),
                    write("bashrc", BASH)?.into(),
                    "-i".into(),
                ];
            }
            ShellKind::Zsh => {
                write(".zshenv", ZSH)?;
                env.push(("ZDOTDIR".into(), scripts.path().into()));
                if let Some(zdotdir) = zdotdir {
                    env.push(("QUARTERDECK_ZDOTDIR".into(), zdotdir.into()));
                }
                args.push("-i".into());
            }
            ShellKind::Fish => {
                let script = write("init.fish", FISH)?;
                args.extend([
                    "-i".into(),
                    "-C".into(),
                    format!("source {}", fish_word(&script.to_string_lossy())).into(),
                ]);
            }
        }
        Ok(Self {
            kind,
            key,
            args,
            env,
            scripts,
        })
    }
}

/// A folder for this user only.
fn private_folder(place: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("quarterdeck-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::request::Size;

    #[test]
    fn only_shells_that_read_commands_are_integrated() {
        let prepare = |program: &str, args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            Integration::prepare(Path::new(program), &args, None).expect("prepared")
        };
        assert!(prepare("/bin/bash", &[]).is_some());
        assert!(prepare("zsh", &["-l"]).is_some());
        assert!(prepare("/bin/bash", &["-c", "true"]).is_none());
        assert!(prepare("/bin/dash", &[]).is_none());
        assert!(prepare("/usr/bin/python3", &[]).is_none());
    }

    #[test]
    fn the_scripts_are_private_and_hold_the_key() {
        let integration = Integration::prepare(Path::new("bash"), &[], None)
            .expect("prepared")
            .expect("a shell");
        let folder = integration.scripts.path().to_owned();
        let mode = fs::metadata(&folder).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let script = fs::read_to_string(folder.join("bashrc")).expect("written");
        assert!(script.contains(integration.key.as_str()) && !script.contains("@KEY@"));
        drop(integration);
        assert!(!folder.exists());
    }

    /// A shell that says nothing for so long has nothing to say.
    const DEADLINE: std::time::Duration = std::time::Duration::from_secs(20);

    /// What a terminal shows of a bash that has nothing that version 4.4 and later
    /// have for marks, while `lines` are typed at its prompts.
    async fn shown_by_an_old_bash(version: &str, lines: &[&str]) -> String {
        let folder = TempDir::new().expect("a folder");
        let script = BASH
            .replace("@KEY@", "thekey")
            .replace("@LOGIN@", "no")
            .replace("BASH_VERSINFO[", "old_version[")
            .replace("builtin local -", "builtin local ./-")
            .replace("BASHOPTS", "OLD_BASHOPTS")
            .replace("PS0", "OLD_PS0");
        let rcfile = folder.path().join("bashrc");
        fs::write(&rcfile, format!("old_version=({version})\n{script}")).expect("written");
        let Device { master, slave } = Device::open(Size::default()).expect("a device");
        let mut command = tokio::process::Command::new("bash");
        command.arg("--rcfile").arg(&rcfile).arg("-i");
        command.env("HOME", folder.path()).env("HISTFILE", "");
        let (mut child, _) = crate::pty::start(command, slave).expect("started");
        let mut shown = String::new();
        for (typed, line) in lines.iter().chain(&["exit\r"]).enumerate() {
            let prompt = format!("133;B;q=thekey;n={}\x07", typed + 1);
            while !shown.contains(&prompt) {
                let mut buffer = [0; 4096];
                let read = crate::device::read(Some(&master), &mut buffer);
                let read = tokio::time::timeout(DEADLINE, read).await;
                let count = read.unwrap_or_else(|_| panic!("no {prompt:?}: {shown:?}"));
                let count = count.expect("read");
                assert!(count > 0, "the shell ended: {shown:?}");
                shown.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
            crate::device::write(Some(&master), line.as_bytes())
                .await
                .expect("typed");
        }
        child.kill().await.expect("ended");
        shown
    }

    /// How often a text is in another.
    fn count(text: &str, part: &str) -> usize {
        text.matches(part).count()
    }

    #[tokio::test]
    async fn an_old_bash_that_traces_tells_no_key() {
        // The question what the line holds is asked from version 4 on.
        for (version, echo) in [("3 2", "echo hi\r"), ("4 2", "\x1b[27;7;113~echo hi\r")] {
            let lines = ["set -x\r", echo, "true\r"];
            let shown = shown_by_an_old_bash(version, &lines).await;
            assert!(shown.contains("+ echo hi"), "{version}: {shown:?}");
            let ours = (shown.lines()).filter(|line| line.contains("__quarterdeck"));
            let told: Vec<&str> = ours.filter(|line| !line.ends_with("_line 113 0")).collect();
            assert!(told.is_empty(), "{version}: {told:?}");
            let in_marks = count(&shown, "q=thekey");
            let marks = count(&shown, "\x1b]133;");
            assert_eq!(in_marks, marks, "{version}: {shown:?}");
            let begun = count(&shown, "\x1b]133;C;q=thekey;n=2\x07");
            assert_eq!(begun, 1, "{version}: {shown:?}");
        }
    }

    #[tokio::test]
    async fn an_old_bash_gets_its_hooks_back_from_the_command_that_took_them() {
        let lines = ["PROMPT_COMMAND=:; PS1='> '\r", "false\r"];
        let shown = shown_by_an_old_bash("3 2", &lines).await;
        assert!(shown.contains("\x1b]133;D;1;q=thekey;n=2\x07"), "{shown:?}");
    }
}
