//! The languages of shells, as far as a command is put together for one. Pure.

use std::path::Path;

use quarterdeck_terminal::quoting::{fish_word, posix_word};

/// Which language a session's shell speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellSyntax {
    /// bash.
    Bash,
    /// zsh, dash and whatever else reads like them.
    Posix,
    /// fish.
    Fish,
}

impl ShellSyntax {
    /// Of the shell that a session was opened with.
    pub fn of(program: &str) -> Self {
        match program.rsplit('/').next() {
            Some("bash") => Self::Bash,
            Some("fish") => Self::Fish,
            _ => Self::Posix,
        }
    }

    /// A text as one word.
    pub(crate) fn quoted(self, text: &str) -> String {
        match self {
            Self::Bash | Self::Posix => posix_word(text),
            Self::Fish => fish_word(text),
        }
    }

    /// The command line, whose programs read the file in place of the terminal.
    pub(crate) fn reading(self, command: &str, file: &Path) -> String {
        let file = self.quoted(&file.to_string_lossy());
        match self {
            Self::Bash | Self::Posix => format!("{{\n{command}\n}} <{file}"),
            Self::Fish => format!("begin\n{command}\nend <{file}"),
        }
    }
}
