//! Readers of progress: kind `progress-parser`.

use std::cell::RefCell;

use serde::de::DeserializeOwned;

pub use crate::bindings::progress_parser::exports::quarterdeck::policy::parse_progress::{
    Piece, ReportedProgress, Status, Update,
};
pub use crate::types::Session;

/// Tells how far running programs are.
pub trait ProgressParser: Sized + Send + Sync + 'static {
    /// What the sidecar's `[config]` holds; [`NoConfig`](crate::NoConfig) for
    /// nothing.
    type Config: DeserializeOwned;

    /// Reads one session, and remembers what it has to.
    type Parser: SessionParser;

    /// Called once, on loading.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, in a sentence for the person who
    /// wrote the sidecar. The policy is then not loaded.
    fn configure(config: Self::Config) -> Result<Self, String>;

    /// Begins to read a session.
    fn parser(&'static self, session: &Session) -> Self::Parser;
}

/// Reads the output of one session, from its first piece to its last.
pub trait SessionParser: 'static {
    /// Says what is new. A piece of text may end anywhere, in the middle of a
    /// line or a number, so keep the unfinished line. Answer with nothing when
    /// nothing is new: this is called for every chunk of output.
    fn feed(&mut self, chunk: &[Piece]) -> Vec<Update>;
}

impl Update {
    /// Something is under way. `label` says what, in a few words.
    #[must_use]
    pub fn new(status: Status, label: impl Into<String>) -> Self {
        Self {
            item: String::new(),
            label: label.into(),
            status,
            completed: None,
            total: None,
            percent: None,
        }
    }

    /// `completed` of `total` are done; the percentage follows.
    #[must_use]
    pub fn with_count(mut self, completed: u64, total: u64) -> Self {
        self.completed = Some(completed);
        self.total = Some(total);
        if total > 0 {
            #[allow(
                clippy::cast_precision_loss,
                reason = "a percentage is shown, not counted with"
            )]
            let percent = completed as f64 * 100.0 / total as f64;
            self.percent = Some(percent.min(100.0));
        }
        self
    }

    /// This much is done, between 0 and 100.
    #[must_use]
    pub fn with_percent(mut self, percent: f64) -> Self {
        self.percent = Some(percent.clamp(0.0, 100.0));
        self
    }

    /// Tells this thing apart from others under way at once.
    #[must_use]
    pub fn with_item(mut self, item: impl Into<String>) -> Self {
        self.item = item.into();
        self
    }
}

/// A parser as the component's resource. For the code that
/// [`export!`](crate::export) writes.
#[derive(Debug)]
pub struct ParserResource<P>(RefCell<P>);

impl<P: SessionParser> ParserResource<P> {
    /// Makes a resource of it.
    pub fn new(parser: P) -> Self {
        Self(RefCell::new(parser))
    }

    /// Feeds it.
    pub fn feed(&self, chunk: &[Piece]) -> Vec<Update> {
        self.0.borrow_mut().feed(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_gives_a_percentage_that_stays_within_bounds() {
        let update = |completed, total| {
            Update::new(Status::Running, "")
                .with_count(completed, total)
                .percent
        };
        assert_eq!(update(1, 4), Some(25.0));
        assert_eq!(update(5, 4), Some(100.0));
        assert_eq!(update(0, 0), None);
    }
}
