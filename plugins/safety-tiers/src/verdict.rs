//! What an approver says about a command line.

/// How far a command may go without being asked about; of several the
/// strictest counts, which is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Read-only, or trivially undone within the project.
    Safe,
    /// A person is asked.
    Review,
    /// Refused.
    Dangerous,
}

/// A piece of the command line: byte offsets, end exclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How far the command may go.
    pub tier: Tier,
    /// One sentence for whoever wanted to run the command.
    pub reason: String,
    /// Stable id of the rule that decided, for example `files/rm-home`.
    pub rule: Option<String>,
    /// The piece of the command line that caused it.
    pub span: Option<Span>,
    /// What to do instead.
    pub suggestion: Option<String>,
}

/// What one rule says about one piece of the command line.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) tier: Tier,
    pub(crate) rule: String,
    pub(crate) reason: String,
    pub(crate) suggestion: Option<String>,
    pub(crate) span: Span,
}
