//! How far callers have followed a session.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use quarterdeck_terminal::{Cursor, Screen};

use crate::caller::ConnectionId;

/// Callers whose last look at one session is kept; the oldest look makes room.
const LOOKS_KEPT: usize = 8;

/// What was seen of one session.
#[derive(Default)]
pub(crate) struct Seen {
    /// Connection → the screen as it was last shown to it.
    looks: Mutex<VecDeque<(ConnectionId, Screen)>>,
    /// Output up to here has been matched or returned: the next pattern is
    /// expected after it.
    expected: AtomicU64,
    /// Output up to here has been told to whoever asks for what is new.
    told: AtomicU64,
}

impl Seen {
    /// Keeps a look at the screen; returns the one before it.
    pub(crate) fn look(&self, connection: &ConnectionId, screen: Screen) -> Option<Screen> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = looks
            .iter()
            .position(|(who, _)| who == connection)
            .and_then(|at| looks.remove(at));
        if looks.len() == LOOKS_KEPT {
            looks.pop_front();
        }
        looks.push_back((connection.clone(), screen));
        earlier.map(|(_, screen)| screen)
    }

    /// Where the next expected pattern is looked for from.
    pub(crate) fn expected(&self) -> Cursor {
        Cursor::from_offset(self.expected.load(Ordering::Relaxed))
    }

    /// Output up to `cursor` will not be matched again.
    pub(crate) fn expect_after(&self, cursor: Cursor) {
        self.expected.fetch_max(cursor.offset(), Ordering::Relaxed);
    }

    /// Where what is new begins.
    pub(crate) fn told(&self) -> Cursor {
        Cursor::from_offset(self.told.load(Ordering::Relaxed))
    }

    /// Output up to `cursor` will not be told again.
    pub(crate) fn tell_after(&self, cursor: Cursor) {
        self.told.fetch_max(cursor.offset(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_never_unseen() {
        let seen = Seen::default();
        seen.tell_after(Cursor::from_offset(20));
        seen.tell_after(Cursor::from_offset(10));
        assert_eq!(seen.told(), Cursor::from_offset(20));
        assert_eq!(seen.expected(), Cursor::START);
    }
}
