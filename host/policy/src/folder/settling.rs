//! When the files of one name are read: not while somebody writes to them, not
//! twice for nothing, and in the end for certain. Pure: time and what was seen
//! are handed in.
//!
//! ```text
//!            touched, changed           quiet, or restless too long
//! Settled ───────────────────▶ Waiting ────────────────────────────▶ Reading
//!    ▲                            ▲                                     │
//!    │                            └── changed meanwhile, unfinished ────┤
//!    └───────────────────────── the last word ──────────────────────────┘
//! ```

use std::time::{Duration, Instant};

use crate::folder::seen_files::Sighting;

/// How long a file has to stay untouched before it is read.
const QUIET: Duration = Duration::from_millis(5);
/// How long a file that never comes to rest is waited for.
const RESTLESS: Duration = Duration::from_millis(250);
/// The same for a file that somebody has open and writes to: until it is closed, it may
/// be half of what it is to be.
const OPEN_QUIET: Duration = Duration::from_secs(2);
/// How long a file that is written to all the time is waited for.
const OPEN_RESTLESS: Duration = Duration::from_secs(10);
/// How long an unfinished file is waited for before that is the last word.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// How long an unfinished file is left alone between two attempts.
const RETRY: Duration = Duration::from_millis(50);
/// How long it takes to look again at a folder that cannot be looked at.
const BLIND: Duration = Duration::from_secs(1);

/// Whether the files of one name have been dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settling {
    /// What was seen then has been dealt with.
    Settled(Option<Sighting>),
    Waiting {
        seen: Sighting,
        /// When the first change of this round was seen.
        since: Instant,
        /// When to look again.
        due: Instant,
        /// Whether somebody has the file open and writes to it.
        open: bool,
        /// When the file was first found to be unfinished.
        unfinished: Option<Instant>,
    },
    Reading {
        seen: Sighting,
        unfinished: Option<Instant>,
    },
}

/// A look at the folder.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    /// The first one since the host started: what lies there has been at rest
    /// for long.
    Found(Sighting),
    /// Somebody wrote, renamed or removed one of the files. Equal stamps mean
    /// nothing then: the clock of a file system is coarse.
    Touched(Sighting),
    /// The same, and whoever writes is not done.
    Written(Sighting),
    /// Without an occasion, or because it was due.
    Looked(Sighting),
    /// It was time to look, but the folder cannot be looked at.
    Blind,
}

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// It is about what lies there now.
    Last,
    /// Another attempt is due: the files have changed meanwhile, or are perhaps
    /// not written to their end.
    NotLast,
}

impl Settling {
    pub(crate) fn new() -> Self {
        Settling::Settled(None)
    }

    /// When to look again, if that is waited for.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self {
            Settling::Waiting { due, .. } => Some(*due),
            _ => None,
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self, Settling::Settled(_))
    }

    /// Whether nothing is under way and there are no files.
    pub(crate) fn is_settled_on_nothing(&self) -> bool {
        matches!(self, Settling::Settled(seen) if seen.unwrap_or_default().is_empty())
    }

    /// Takes note of a look and says whether the files are to be read now.
    pub(crate) fn see(&mut self, look: Look, now: Instant) -> bool {
        match (*self, look) {
            (Settling::Settled(_), Look::Found(seen)) => self.read(seen, None),
            (Settling::Settled(seen), Look::Looked(now_seen)) if seen == Some(now_seen) => false,
            (Settling::Settled(_), Look::Looked(seen) | Look::Touched(seen)) => {
                self.settle(seen, now, now, None, false)
            }
            (Settling::Settled(_), Look::Written(seen)) => self.settle(seen, now, now, None, true),
            (
                Settling::Waiting {
                    seen,
                    since,
                    due,
                    open,
                    unfinished,
                },
                Look::Looked(now_seen) | Look::Found(now_seen),
            ) => {
                let at_rest = now_seen == seen;
                if now >= due && (at_rest || now >= since + restless(open)) {
                    // A file that changed is not the unfinished one any more.
                    self.read(now_seen, unfinished.filter(|_| at_rest))
                } else if at_rest {
                    false
                } else {
                    self.settle(now_seen, since, now, None, open)
                }
            }
            (Settling::Waiting { since, .. }, Look::Touched(seen)) => {
                self.settle(seen, since, now, None, false)
            }
            (Settling::Waiting { since, .. }, Look::Written(seen)) => {
                self.settle(seen, since, now, None, true)
            }
            (
                Settling::Waiting {
                    seen,
                    since,
                    open,
                    unfinished,
                    ..
                },
                Look::Blind,
            ) => {
                *self = Settling::Waiting {
                    seen,
                    since,
                    due: now + BLIND,
                    open,
                    unfinished,
                };
                false
            }
            // A look while reading tells nothing that the one afterwards does
            // not.
            (Settling::Settled(_), Look::Blind) | (Settling::Reading { .. }, _) => false,
        }
    }

    /// Reading ended. `after` is what was seen then, if the folder could be
    /// looked at.
    pub(crate) fn has_read(
        &mut self,
        may_be_unfinished: bool,
        after: Option<Sighting>,
        now: Instant,
    ) -> Word {
        let Settling::Reading { seen, unfinished } = *self else {
            // Nobody asked for it.
            return Word::NotLast;
        };
        if let Some(after) = after.filter(|after| *after != seen) {
            self.settle(after, now, now, None, false);
            return Word::NotLast;
        }
        let first = unfinished.unwrap_or(now);
        if may_be_unfinished && now < first + PATIENCE {
            self.settle(seen, now, now, Some(first), false);
            return Word::NotLast;
        }
        *self = Settling::Settled(Some(seen));
        Word::Last
    }

    fn read(&mut self, seen: Sighting, unfinished: Option<Instant>) -> bool {
        *self = Settling::Reading { seen, unfinished };
        true
    }

    fn settle(
        &mut self,
        seen: Sighting,
        since: Instant,
        now: Instant,
        unfinished: Option<Instant>,
        open: bool,
    ) -> bool {
        let quiet = if open { OPEN_QUIET } else { QUIET };
        let due = match unfinished {
            Some(_) => now + RETRY,
            None => (now + quiet).min((since + restless(open)).max(now)),
        };
        *self = Settling::Waiting {
            seen,
            since,
            due,
            open,
            unfinished,
        };
        false
    }
}

fn restless(open: bool) -> Duration {
    if open { OPEN_RESTLESS } else { RESTLESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that was dealt with long ago.
    fn settled(number: u8) -> (Settling, Instant) {
        let now = Instant::now();
        let mut settling = Settling::new();
        assert!(settling.see(Look::Found(Sighting::numbered(number)), now));
        assert_eq!(settling.has_read(false, None, now), Word::Last);
        (settling, now)
    }

    #[test]
    fn a_file_at_rest_is_read_after_the_quiet_time() {
        let (mut settling, now) = settled(0);
        let seen = Sighting::numbered(1);
        assert!(!settling.see(Look::Touched(seen), now));
        assert_eq!(settling.due(), Some(now + QUIET));
        assert!(!settling.see(Look::Looked(seen), now + QUIET / 2));
        assert!(settling.see(Look::Looked(seen), now + QUIET));
    }

    #[test]
    fn a_file_that_never_rests_is_read_all_the_same() {
        let (mut settling, start) = settled(0);
        let mut now = start;
        let mut number = 0;
        loop {
            number = number % 3 + 1;
            settling.see(Look::Touched(Sighting::numbered(number)), now);
            now += QUIET / 2;
            let due = settling.due().is_some_and(|due| due <= now);
            if due && settling.see(Look::Looked(Sighting::numbered(number)), now) {
                break;
            }
            assert!(now < start + RESTLESS * 2, "starved");
        }
    }

    #[test]
    fn a_file_that_is_being_written_is_read_when_it_is_closed() {
        let (mut settling, start) = settled(0);
        let mut now = start;
        for number in 1..20 {
            settling.see(Look::Written(Sighting::numbered(number)), now);
            now += RESTLESS / 2;
            assert!(settling.due().expect("it is waited for") > now);
            assert!(!settling.see(Look::Looked(Sighting::numbered(number)), now));
        }
        settling.see(Look::Touched(Sighting::numbered(20)), now);
        assert!(settling.see(Look::Looked(Sighting::numbered(20)), now + QUIET));
    }

    #[test]
    fn a_file_that_nobody_closes_is_read_all_the_same() {
        let (mut settling, now) = settled(0);
        let seen = Sighting::numbered(1);
        settling.see(Look::Written(seen), now);
        assert!(settling.see(Look::Looked(seen), now + OPEN_QUIET));
    }

    #[test]
    fn an_unfinished_file_is_read_again_until_patience_ends() {
        let (mut settling, start) = settled(0);
        let seen = Sighting::numbered(1);
        settling.see(Look::Touched(seen), start);
        let mut attempts = 0;
        let end = loop {
            let now = settling.due().expect("it is still waited for");
            assert!(settling.see(Look::Looked(seen), now));
            attempts += 1;
            if settling.has_read(true, Some(seen), now) == Word::Last {
                break now;
            }
        };
        assert!(attempts > 10);
        assert!(end >= start + PATIENCE && end < start + PATIENCE * 2);
        assert!(settling.is_settled());
    }

    #[test]
    fn the_same_stamp_is_read_again_only_when_the_file_was_touched() {
        let (mut settling, now) = settled(1);
        let seen = Sighting::numbered(1);
        settling.see(Look::Looked(seen), now);
        assert!(settling.is_settled());
        settling.see(Look::Touched(seen), now);
        assert!(!settling.is_settled());
    }

    #[test]
    fn what_changed_while_it_was_read_is_read_again() {
        let (mut settling, now) = settled(0);
        settling.see(Look::Touched(Sighting::numbered(1)), now);
        assert!(settling.see(Look::Looked(Sighting::numbered(1)), now + QUIET));
        let word = settling.has_read(false, Some(Sighting::numbered(2)), now + QUIET);
        assert_eq!(word, Word::NotLast);
        assert!(settling.see(Look::Looked(Sighting::numbered(2)), now + QUIET * 2));
    }
}
