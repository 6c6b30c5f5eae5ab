//! What the programs of a command read as their standard input.

use std::path::{Path, PathBuf};

use crate::shell_syntax::ShellSyntax;

/// What the programs of a command read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StandardInput {
    /// The session's terminal: what is typed there, each line judged.
    #[default]
    Terminal,
    /// Nothing: they find its end at once.
    Nothing,
    /// A file or a named pipe, of which nobody has judged what it holds. So that it is
    /// read is part of the command line that is judged: `bash` at a terminal is
    /// harmless, `bash` that is given a text is not.
    File(PathBuf),
}

/// A command line, and what a shell is given for it.
#[derive(Clone, Debug)]
pub(super) struct CommandText {
    /// What is judged and kept.
    pub(super) judged: String,
    /// What is typed, which comes down to the same or to less.
    pub(super) typed: String,
}

impl From<&str> for CommandText {
    fn from(command: &str) -> Self {
        Self {
            judged: command.to_owned(),
            typed: command.to_owned(),
        }
    }
}

impl StandardInput {
    /// The command line as it is judged, for a shell of this syntax.
    pub fn judged(&self, command: &str, syntax: ShellSyntax) -> String {
        self.applied_to(command, syntax).judged
    }

    pub(super) fn applied_to(&self, command: &str, syntax: ShellSyntax) -> CommandText {
        let command = command.trim_matches(['\n', '\r']);
        match self {
            // It is told as what it is: no command.
            _ if command.trim().is_empty() => command.into(),
            Self::Terminal => command.into(),
            Self::Nothing => CommandText {
                judged: command.to_owned(),
                typed: syntax.reading(command, Path::new("/dev/null")),
            },
            Self::File(file) => syntax.reading(command, file).as_str().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_judged_unless_it_is_nothing() {
        let file = StandardInput::File("/tmp/it's".into());
        for (input, syntax, judged, typed) in [
            (
                StandardInput::Terminal,
                ShellSyntax::Bash,
                "cat # all",
                "cat # all",
            ),
            (
                StandardInput::Nothing,
                ShellSyntax::Posix,
                "cat # all",
                "{\ncat # all\n} </dev/null",
            ),
            (
                file.clone(),
                ShellSyntax::Bash,
                "{\ncat # all\n} <'/tmp/it'\\''s'",
                "{\ncat # all\n} <'/tmp/it'\\''s'",
            ),
            (
                file.clone(),
                ShellSyntax::Fish,
                "begin\ncat # all\nend <'/tmp/it\\'s'",
                "begin\ncat # all\nend <'/tmp/it\\'s'",
            ),
        ] {
            let text = input.applied_to("cat # all\n", syntax);
            assert_eq!((text.judged.as_str(), text.typed.as_str()), (judged, typed));
        }
        assert_eq!(file.judged(" \n", ShellSyntax::Bash), " ");
    }
}
