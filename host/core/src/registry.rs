//! The sessions that exist. One lock around a map, held only to look up or
//! change the map, never while a session is spoken to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::HostError;
use crate::session::{Session, SessionId};

/// All sessions of the host.
pub(crate) struct Registry {
    places: Arc<RwLock<Places>>,
    max_sessions: usize,
}

#[derive(Default)]
struct Places {
    sessions: BTreeMap<SessionId, Arc<Session>>,
    /// Ids of sessions that are being opened.
    reserved: BTreeSet<SessionId>,
}

/// A place for a session that is being opened: it counts as one, and nobody else gets
/// its id. Given back when dropped, unless the session has come.
pub(crate) struct Reservation {
    id: SessionId,
    places: Arc<RwLock<Places>>,
}

impl Reservation {
    /// The id that the session will have.
    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        write(&self.places).reserved.remove(&self.id);
    }
}

impl Registry {
    pub(crate) fn new(max_sessions: usize) -> Self {
        Self {
            places: Arc::default(),
            max_sessions,
        }
    }

    pub(crate) fn get(&self, id: &str) -> Result<Arc<Session>, HostError> {
        let places = self.read();
        let found = (places.sessions.get(id))
            .or_else(|| places.sessions.values().find(|it| it.id.goes_by(id)));
        found
            .cloned()
            .ok_or_else(|| HostError::SessionNotFound(id.to_owned()))
    }

    /// Sessions in the order in which they were made.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        let mut sessions: Vec<_> = self.read().sessions.values().cloned().collect();
        sessions.sort_by_key(|session| session.created_at);
        sessions
    }

    /// A place under an id that no session has, one of those that `draw` makes, or why
    /// there can be no more.
    pub(crate) fn reserve(&self, draw: fn() -> SessionId) -> Result<Reservation, HostError> {
        self.reserve_found(None, draw)
    }

    /// Like [`reserve`](Self::reserve), under the id `found` if it is free.
    pub(crate) fn reserve_found(
        &self,
        found: Option<SessionId>,
        draw: fn() -> SessionId,
    ) -> Result<Reservation, HostError> {
        let mut places = write(&self.places);
        let taken = places.sessions.len() + places.reserved.len();
        if taken >= self.max_sessions {
            return Err(HostError::TooManySessions(taken));
        }
        let is_free =
            |id: &SessionId| !places.sessions.contains_key(id) && !places.reserved.contains(id);
        let id = match found.filter(is_free) {
            Some(found) => found,
            None => loop {
                let drawn = draw();
                if is_free(&drawn) {
                    break drawn;
                }
            },
        };
        places.reserved.insert(id.clone());
        Ok(Reservation {
            id,
            places: Arc::clone(&self.places),
        })
    }

    /// Puts a session into the place that was reserved for it.
    pub(crate) fn insert(&self, session: Arc<Session>) {
        let mut places = write(&self.places);
        places.reserved.remove(&session.id);
        places.sessions.insert(session.id.clone(), session);
    }

    pub(crate) fn remove(&self, id: &SessionId) -> Option<Arc<Session>> {
        write(&self.places).sessions.remove(id)
    }

    /// Whether there is no session.
    pub(crate) fn is_empty(&self) -> bool {
        self.read().sessions.is_empty()
    }

    fn read(&self) -> RwLockReadGuard<'_, Places> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(places: &RwLock<Places>) -> RwLockWriteGuard<'_, Places> {
    places.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_opened_counts_and_keeps_its_id() {
        let registry = Registry::new(2);
        let found = || SessionId::found("abcd1234");
        let first = registry
            .reserve_found(found(), SessionId::random)
            .expect("a place");
        assert_eq!(Some(first.id()), found().as_ref());
        let second = registry
            .reserve_found(found(), SessionId::random)
            .expect("another");
        assert_ne!(second.id(), first.id(), "an id is one session's");
        assert!(registry.reserve(SessionId::random).is_err(), "no third");
        drop(first);
        let third = registry
            .reserve_found(found(), SessionId::random)
            .expect("given back");
        assert_eq!(Some(third.id()), found().as_ref());
    }
}
