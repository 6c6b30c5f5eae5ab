//! The sessions that exist. One lock around a map, held only to look up or
//! change the map, never while a session is spoken to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use crate::error::HostError;
use crate::session::{Session, SessionId};

/// All sessions of the host, and which of them is whose default.
pub(crate) struct Registry {
    sessions: RwLock<BTreeMap<SessionId, Arc<Session>>>,
    /// Connection → the session that its calls without a session id use.
    defaults: tokio::sync::Mutex<HashMap<String, SessionId>>,
    max_sessions: usize,
}

impl Registry {
    pub(crate) fn new(max_sessions: usize) -> Self {
        Self {
            sessions: RwLock::default(),
            defaults: tokio::sync::Mutex::default(),
            max_sessions,
        }
    }

    pub(crate) fn get(&self, id: &str) -> Result<Arc<Session>, HostError> {
        self.read()
            .get(id)
            .cloned()
            .ok_or_else(|| HostError::SessionNotFound(id.to_owned()))
    }

    /// Sessions in the order in which they were made.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        let mut sessions: Vec<_> = self.read().values().cloned().collect();
        sessions.sort_by_key(|session| session.created_at);
        sessions
    }

    /// An id that no session has, or why there can be no more.
    pub(crate) fn free_id(&self) -> Result<SessionId, HostError> {
        let sessions = self.read();
        if sessions.len() >= self.max_sessions {
            return Err(HostError::ResourceExhausted(format!(
                "{} sessions are open, as many as sessions.max allows; close some with session_close",
                sessions.len()
            )));
        }
        loop {
            let id = SessionId::random();
            if !sessions.contains_key(&id) {
                return Ok(id);
            }
        }
    }

    pub(crate) fn insert(&self, session: Arc<Session>) {
        self.write().insert(session.id.clone(), session);
    }

    pub(crate) fn remove(&self, id: &SessionId) -> Option<Arc<Session>> {
        self.write().remove(id)
    }

    /// Whether there is no session.
    pub(crate) fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// Connections whose default was `old` have `new` from now on. Returns how many.
    pub(crate) async fn replace_default(&self, old: &SessionId, new: &SessionId) -> usize {
        let mut defaults = self.defaults.lock().await;
        let concerned = defaults.values_mut().filter(|default| *default == old);
        concerned.map(|default| *default = new.clone()).count()
    }

    /// The default sessions, locked: whoever finds none makes one before anybody
    /// else of the same connection looks.
    pub(crate) async fn defaults(&self) -> tokio::sync::MutexGuard<'_, HashMap<String, SessionId>> {
        self.defaults.lock().await
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<SessionId, Arc<Session>>> {
        self.sessions
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<SessionId, Arc<Session>>> {
        self.sessions
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
