//! Which sessions are being mended, and which have been too often.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::session::SessionId;

/// What was mended by itself so recently counts against the next time.
const RECENT: Duration = Duration::from_secs(600);

/// Sessions that are being mended, each by one recovery at a time, and what became of
/// those that were. One lock, held for one look.
#[derive(Default)]
pub(super) struct State {
    under_way: HashSet<SessionId>,
    /// When a session, or the one that it took the place of, was mended by itself.
    past: HashMap<SessionId, Vec<Instant>>,
    given_up: HashSet<SessionId>,
}

/// See [`State`].
#[derive(Default)]
pub(crate) struct Mending(Mutex<State>);

impl Mending {
    /// `None` while another recovery has the session.
    pub(super) fn begin(self: &Arc<Self>, id: &SessionId) -> Option<Turn> {
        let begun = self.lock().under_way.insert(id.clone());
        begun.then(|| Turn {
            mending: Arc::clone(self),
            ids: vec![id.clone()],
        })
    }

    /// Whether a session may be mended without being asked: not while it is, not once
    /// it was given up, and not again and again.
    pub(super) fn may_begin_by_itself(&self, id: &SessionId, most: u32) -> bool {
        let state = self.lock();
        let recent = (state.past.get(id).into_iter().flatten())
            .filter(|at| at.elapsed() < RECENT)
            .count();
        !state.under_way.contains(id) && !state.given_up.contains(id) && recent < most as usize
    }

    /// A recovery that nobody asked for has ended with the session `now`.
    pub(super) fn ended_by_itself(&self, was: &SessionId, now: &SessionId, recovered: bool) {
        let mut state = self.lock();
        let mut past = state.past.remove(was).unwrap_or_default();
        past.retain(|at| at.elapsed() < RECENT);
        past.push(Instant::now());
        state.past.insert(now.clone(), past);
        if !recovered {
            state.given_up.insert(now.clone());
        }
    }

    /// Forgets sessions that there are no more.
    pub(super) fn keep(&self, exists: impl Fn(&SessionId) -> bool) {
        let mut state = self.lock();
        state.past.retain(|id, _| exists(id));
        state.given_up.retain(|id| exists(id));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while a session is mended, with those that took its place meanwhile.
pub(super) struct Turn {
    mending: Arc<Mending>,
    ids: Vec<SessionId>,
}

impl Turn {
    /// Another session is in its place.
    pub(super) fn covers(&mut self, id: &SessionId) {
        if self.mending.lock().under_way.insert(id.clone()) {
            self.ids.push(id.clone());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.mending.lock();
        for id in &self.ids {
            state.under_way.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SessionId {
        SessionId::found(text).expect("an id")
    }

    #[test]
    fn a_session_is_mended_by_one_at_a_time() {
        let mending = Arc::new(Mending::default());
        let (broken, new) = (id("aaaaaaaa"), id("bbbbbbbb"));
        let mut turn = mending.begin(&broken).expect("the first");
        assert!(mending.begin(&broken).is_none());
        turn.covers(&new);
        assert!(
            !mending.may_begin_by_itself(&new, 3),
            "it belongs to that turn"
        );
        drop(turn);
        assert!(mending.begin(&broken).is_some());
        assert!(mending.may_begin_by_itself(&new, 3));
    }

    #[test]
    fn mending_by_itself_ends() {
        let mending = Mending::default();
        let mut session = id("aaaaaaa0");
        for number in 1..=3 {
            assert!(mending.may_begin_by_itself(&session, 3));
            let next = id(&format!("aaaaaaa{number}"));
            mending.ended_by_itself(&session, &next, true);
            session = next;
        }
        assert!(
            !mending.may_begin_by_itself(&session, 3),
            "three times is enough"
        );

        let hopeless = id("bbbbbbbb");
        mending.ended_by_itself(&hopeless, &hopeless, false);
        assert!(
            !mending.may_begin_by_itself(&hopeless, 3),
            "it was given up"
        );
        mending.keep(|_| false);
        assert!(
            mending.may_begin_by_itself(&hopeless, 3),
            "another of that id"
        );
    }
}
