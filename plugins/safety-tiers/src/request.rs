//! What is asked: a command line, how it came to be, and what the host knows of the place
//! where it would run.

use crate::matching::is_production;
use crate::place::Here;
use crate::unfinished::EarlierLines;

/// How the text came to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Entry {
    /// A whole command, handed over as such.
    #[default]
    Command,
    /// Typed, possibly in pieces, and ended with Enter.
    Typed,
    /// Pasted.
    Pasted,
    /// Named keys, as in a full-screen program.
    Keys,
    /// A coding agent's own shell tool.
    Hook,
}

/// How sure the host is that the text is what will run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Certainty {
    /// The shell itself said so, or gets the text whole.
    #[default]
    Exact,
    /// Put together from keys.
    Typed,
    /// Keys were typed whose effect nobody can know.
    Unknown,
}

/// What the host knows about the shell of the session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prompt {
    /// The shell waits for a command line.
    AtPrompt,
    /// A program runs: what is typed goes to it.
    Running,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// What is to be judged, and where: the part of the WIT request that verdicts
/// of this policy rest on.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// What will run, or what is typed into a program; may span lines.
    pub command_line: String,
    /// How it was entered.
    pub entry: Entry,
    /// How sure the host is of it.
    pub certainty: Certainty,
    /// The working directory, where it is known.
    pub cwd: Option<String>,
    /// The program in the foreground, where it is known.
    pub program: Option<String>,
    /// Whether the shell waits for a command.
    pub prompt: Prompt,
    /// Whether a full-screen program has the terminal.
    pub full_screen: bool,
    /// Lines accepted before, oldest first.
    pub recent: Vec<String>,
    /// The folder of the project; the working directory where it is not told.
    pub project: Option<String>,
    /// The role of whoever asks.
    pub role: Option<String>,
    /// Names of the machine and of the session's tags, which tell production
    /// from the rest.
    pub surroundings: Vec<String>,
    /// The command line that the shell runs just now, where that is known.
    pub running: Option<String>,
    /// Whether the shell itself, not a program that it runs, waits for a line on
    /// the terminal.
    pub shell_reads: bool,
    /// Whether the program in front waits for no input just now: what is typed may
    /// wait in the terminal until the shell reads it.
    pub typed_ahead: bool,
    /// The shell in front that runs something else than what is typed, and waits for an
    /// answer.
    pub asking: Option<AskingShell>,
    /// Where the command line begins with lines that were handed over before.
    pub earlier: Option<EarlierLines>,
}

/// A shell that was given its commands in a file or as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskingShell {
    /// The text, where it was that.
    pub runs: Option<String>,
    /// Whether it takes keys one by one, so that it may leave the rest of a line.
    pub takes_keys: bool,
}

impl AskingShell {
    /// From the attributes `program-reads` and `program-runs`.
    pub fn told(program_reads: Option<&str>, program_runs: Option<String>) -> Option<Self> {
        let takes_keys = match program_reads? {
            "line" => false,
            "key" => true,
            _ => return None,
        };
        Some(Self {
            runs: program_runs,
            takes_keys,
        })
    }
}

impl Request {
    /// Where the command line would run.
    pub(crate) fn here(&self) -> Here<'_> {
        Here {
            cwd: self.cwd.as_deref().unwrap_or_default(),
            project: self.project.as_deref().unwrap_or_default(),
        }
    }

    /// Whether the session's surroundings look like production.
    pub(crate) fn in_production(&self) -> bool {
        let names = self.surroundings.iter().chain(&self.running);
        names.into_iter().any(|name| is_production(name))
    }

    /// The second of two lines would go elsewhere.
    pub(crate) fn is_one_line(&self) -> bool {
        !self.command_line.trim_end().contains(['\n', '\r'])
    }

    /// Whether a key handed the text over, rather than a call that says what it is.
    pub(crate) fn is_typed(&self) -> bool {
        !matches!(self.entry, Entry::Command | Entry::Hook)
    }

    /// Whether nobody but the shell may come to read it.
    pub(crate) fn is_typed_ahead(&self) -> bool {
        self.typed_ahead && self.prompt == Prompt::Running && self.is_typed()
    }
}
