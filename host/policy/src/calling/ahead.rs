//! One thing that is made before it is asked for.

use std::sync::{Arc, Mutex, PoisonError};

/// Holds one `T` at most. Locked only to look, never while one is made.
pub(crate) struct Ahead<T>(Mutex<Stage<T>>);

enum Stage<T> {
    Nothing,
    Making,
    Ready(T),
}

/// Nobody else makes one as long as this is held.
pub(crate) struct Making<T> {
    ahead: Arc<Ahead<T>>,
}

impl<T> Default for Ahead<T> {
    fn default() -> Self {
        Ahead(Mutex::new(Stage::Nothing))
    }
}

impl<T> Ahead<T> {
    /// The one that was made, for one taker.
    pub(crate) fn take(&self) -> Option<T> {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *stage, Stage::Nothing) {
            Stage::Ready(made) => Some(made),
            other => {
                *stage = other;
                None
            }
        }
    }

    /// Leave to make one, unless there is one or somebody makes it.
    pub(crate) fn make(self: &Arc<Self>) -> Option<Making<T>> {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*stage, Stage::Nothing) {
            return None;
        }
        *stage = Stage::Making;
        Some(Making {
            ahead: Arc::clone(self),
        })
    }

    fn end(&self, stage: Stage<T>) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Making = *now {
            *now = stage;
        }
    }
}

impl<T> Making<T> {
    /// It is there.
    pub(crate) fn done(self, made: T) {
        self.ahead.end(Stage::Ready(made));
    }
}

impl<T> Drop for Making<T> {
    fn drop(&mut self) {
        self.ahead.end(Stage::Nothing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_made_at_a_time_and_taken_once() {
        let ahead = Arc::new(Ahead::default());
        assert_eq!(ahead.take(), None);

        let making = ahead.make().expect("leave to make one");
        assert!(ahead.make().is_none());
        assert_eq!(ahead.take(), None);
        making.done(1);

        assert!(ahead.make().is_none());
        assert_eq!(ahead.take(), Some(1));
        assert_eq!(ahead.take(), None);
    }

    #[test]
    fn whoever_gives_up_leaves_it_to_the_next() {
        let ahead = Arc::new(Ahead::default());
        drop(ahead.make().expect("leave to make one"));
        ahead.make().expect("leave to make one").done(2);
        assert_eq!(ahead.take(), Some(2));
    }
}
