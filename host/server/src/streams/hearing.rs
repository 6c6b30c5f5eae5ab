//! Whether anybody hears what happens, so that whoever comes next is told what nobody has
//! heard.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use super::Streams;

/// Who hears the events of a host. A lock held to count, never while anybody is told.
#[derive(Debug)]
pub(super) struct Hearing(Mutex<State>);

#[derive(Debug)]
struct State {
    listeners: usize,
    /// The newest event when the last listener left, or when the streams began.
    heard: u64,
}

/// One listener's part in that; ends when dropped.
pub(super) struct Listening(Arc<Streams>);

impl Hearing {
    /// What has happened up to this event, nobody needs to be told.
    pub(super) fn since(newest: u64) -> Self {
        Self(Mutex::new(State {
            listeners: 0,
            heard: newest,
        }))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// Somebody listens, to all that comes after event number `newest`. Returns the
    /// numbers of what nobody has heard, if there is any.
    pub(super) fn begin(
        streams: &Arc<Streams>,
        newest: u64,
    ) -> (Self, Option<RangeInclusive<u64>>) {
        let mut state = streams.hearing.state();
        state.listeners += 1;
        let unheard = state.listeners == 1 && newest > state.heard;
        let unheard = unheard.then(|| state.heard + 1..=newest);
        (Self(Arc::clone(streams)), unheard)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = self.0.hearing.state();
        state.listeners -= 1;
        if state.listeners == 0 {
            state.heard = self.0.host.events().last();
        }
    }
}
