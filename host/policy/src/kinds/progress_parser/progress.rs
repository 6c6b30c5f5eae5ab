//! What a progress parser is fed and what it reports: plain mirrors of the WIT
//! records. Their JSON and TOML forms use the names of the WIT.

use serde::{Deserialize, Serialize};

/// A piece of a session's output. Mirrors `piece` of
/// `quarterdeck:policy/parse-progress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputPiece {
    /// Output without escape sequences. May hold carriage returns, and may end
    /// in the middle of a line.
    Text(String),
    /// OSC 133 A: a prompt begins.
    PromptStart,
    /// OSC 133 C: a command begins; its command line where known.
    CommandStart(Option<String>),
    /// OSC 133 D: a command ended; its exit status where known.
    CommandEnd(Option<i32>),
    /// OSC 9;4: progress as the program itself reports it.
    Reported(ReportedProgress),
}

/// What a program said by OSC 9;4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReportedProgress {
    /// 0 none, 1 normal, 2 error, 3 indeterminate, 4 paused.
    pub state: u8,
    /// Between 0 and 100.
    #[serde(default)]
    pub percent: Option<u8>,
}

/// How far something is. Mirrors `update` of
/// `quarterdeck:policy/parse-progress`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProgressUpdate {
    /// Tells apart several things under way at once; empty for the whole.
    #[serde(default)]
    pub item: String,
    /// What is going on, in a few words. Free of control characters.
    #[serde(default)]
    pub label: String,
    /// Whether it goes on.
    pub status: ProgressStatus,
    /// How much is done, where it can be counted.
    #[serde(default)]
    pub completed: Option<u64>,
    /// Of how much.
    #[serde(default)]
    pub total: Option<u64>,
    /// Between 0 and 100, always a number.
    #[serde(default)]
    pub percent: Option<f64>,
}

/// Whether something goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgressStatus {
    /// It goes on.
    Running,
    /// It waits for something else.
    Waiting,
    /// It came to a good end.
    Completed,
    /// It came to a bad one.
    Failed,
}
