//! How a session's commands went, counted from the marks.

use std::time::{Duration, Instant};

use crate::transcript::Cursor;

/// The commands of a session since it was opened. Counts only grow, so two
/// readings tell what happened in between. Stays at zero where there are no marks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommandTally {
    /// Commands that have ended.
    pub ended: u64,
    /// Those of them whose exit status was not 0.
    pub failed: u64,
    /// Commands that have answered: printed something, or ended in silence.
    pub answered: u64,
    /// The time from Enter to the answer, of all that have answered.
    pub answer_time: Duration,
}

/// Keeps the tally. Pure; owned by the session's task.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    pub(crate) tally: CommandTally,
    /// The command that has not answered: when it was entered, and where the
    /// transcript stood when it began.
    unanswered: Option<(Instant, Cursor)>,
}

impl Counting {
    pub(crate) fn began(&mut self, entered: Instant, at: Cursor) {
        self.unanswered = Some((entered, at));
    }

    /// The transcript ends at `at` now.
    pub(crate) fn printed(&mut self, at: Cursor) {
        if self.unanswered.is_some_and(|(_, start)| at > start) {
            self.answered();
        }
    }

    pub(crate) fn ended(&mut self, status: Option<i32>) {
        self.answered();
        self.tally.ended += 1;
        self.tally.failed += u64::from(status.is_some_and(|status| status != 0));
    }

    fn answered(&mut self) {
        if let Some((entered, _)) = self.unanswered.take() {
            self.tally.answered += 1;
            self.tally.answer_time += entered.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_answers_once_by_printing_or_by_ending() {
        let mut counting = Counting::default();
        let entered = Instant::now()
            .checked_sub(Duration::from_secs(2))
            .expect("two seconds ago");
        counting.began(entered, Cursor::from_offset(10));
        counting.printed(Cursor::from_offset(10));
        assert_eq!(counting.tally.answered, 0);
        counting.printed(Cursor::from_offset(11));
        counting.printed(Cursor::from_offset(12));
        counting.ended(Some(0));
        assert_eq!((counting.tally.ended, counting.tally.failed), (1, 0));
        assert_eq!(counting.tally.answered, 1);
        assert!(counting.tally.answer_time >= Duration::from_secs(2));

        counting.began(Instant::now(), Cursor::from_offset(20));
        counting.ended(Some(1));
        assert_eq!((counting.tally.ended, counting.tally.failed), (2, 1));
        assert_eq!(counting.tally.answered, 2);
    }
}
