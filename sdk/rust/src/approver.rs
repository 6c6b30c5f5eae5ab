//! Safety rules: kind `approver`.

use serde::de::DeserializeOwned;

pub use crate::bindings::approver::exports::quarterdeck::policy::approve::{
    Certainty, Entry, Request, Verdict,
};
pub use crate::types::{Caller, Session, Span, Tier};

/// Judges what is about to run in a session.
///
/// A fresh instance answers each request, so nothing is remembered from one to
/// the next. A panic counts as `dangerous`.
pub trait Approver: Sized + Send + Sync + 'static {
    /// What the sidecar's `[config]` holds; [`NoConfig`](crate::NoConfig) for
    /// nothing. Give it `#[serde(deny_unknown_fields)]`, so that a misspelt key
    /// is an error, and `#[serde(default)]` where a sidecar may be missing.
    type Config: DeserializeOwned;

    /// Called once, on loading. What it prepares every later instance starts
    /// with.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, in a sentence for the person who
    /// wrote the sidecar. The policy is then not loaded.
    fn configure(config: Self::Config) -> Result<Self, String>;

    /// Says how far the command may go.
    fn review(&self, request: &Request) -> Verdict;
}

impl Verdict {
    /// Of this tier, for this reason: one sentence for the person or agent
    /// whose command it is.
    #[must_use]
    pub fn new(tier: Tier, reason: impl Into<String>) -> Self {
        Self {
            tier,
            reason: reason.into(),
            rule: None,
            span: None,
            suggestion: None,
        }
    }

    /// It may run.
    #[must_use]
    pub fn safe(reason: impl Into<String>) -> Self {
        Self::new(Tier::Safe, reason)
    }

    /// A person is to be asked.
    #[must_use]
    pub fn review(reason: impl Into<String>) -> Self {
        Self::new(Tier::Review, reason)
    }

    /// It is refused.
    #[must_use]
    pub fn dangerous(reason: impl Into<String>) -> Self {
        Self::new(Tier::Dangerous, reason)
    }

    /// Names the rule that decided, for example `git/force-push`. Keep names
    /// stable: audits and playbooks refer to them.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Points at the piece of the command line that caused it, in bytes.
    #[must_use]
    pub fn with_span(mut self, span: impl Into<Span>) -> Self {
        self.span = Some(span.into());
        self
    }

    /// Points at `piece`, a slice of the request's command line. Text from
    /// elsewhere leaves the verdict as it is.
    ///
    /// ```
    /// use quarterdeck_sdk::approver::{Request, Verdict};
    ///
    /// let request = Request::for_test("cd /srv; make clean");
    /// let word = request.command_line.split(' ').last().expect("a word");
    /// let verdict = Verdict::review("Cleans up.").with_piece(&request, word);
    /// assert_eq!(verdict.span, Some((14..19).into()));
    /// ```
    #[must_use]
    pub fn with_piece(mut self, request: &Request, piece: &str) -> Self {
        let line = request.command_line.as_bytes().as_ptr_range();
        let piece = piece.as_bytes().as_ptr_range();
        if line.start <= piece.start && piece.end <= line.end {
            let offset = |at: *const u8| at.addr() - line.start.addr();
            self.span = Some((offset(piece.start)..offset(piece.end)).into());
        }
        self
    }

    /// Says what to do instead.
    #[must_use]
    pub fn with_suggestion(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

impl Request {
    /// A request for tests: an agent hands this command line over whole, in a
    /// session at its prompt. Change the fields that your rule looks at.
    ///
    /// ```
    /// use quarterdeck_sdk::approver::{Certainty, Request};
    ///
    /// let mut request = Request::for_test("make clean");
    /// request.session.cwd = Some("/src".to_owned());
    /// assert_eq!(request.certainty, Certainty::Exact);
    /// ```
    #[must_use]
    pub fn for_test(command_line: &str) -> Self {
        Self {
            command_line: command_line.to_owned(),
            entry: Entry::Command,
            certainty: Certainty::Exact,
            session: Session::for_test("test"),
            caller: Caller::for_test(),
            recent: Vec::new(),
            time_ms: 0,
            attributes: Vec::new(),
        }
    }
}
