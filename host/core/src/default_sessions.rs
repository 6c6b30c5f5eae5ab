//! Which session a connection's calls without a session id use.
//!
//! A seat for each connection: whoever finds no session there opens one before anybody
//! else of the same connection looks, and nobody else waits for that.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::caller::ConnectionId;
use crate::host::Host;
use crate::session::SessionId;

/// The default sessions of all connections.
#[derive(Default)]
pub(crate) struct DefaultSessions(Mutex<HashMap<ConnectionId, Arc<Seat>>>);

/// One connection's.
struct Seat {
    /// Held by whoever looks whether the session lives, and opens another.
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

struct State {
    session: Option<SessionId>,
    used: Instant,
    /// The connection has ended: nobody will look here again.
    ended: bool,
}

/// The turn to look after a connection's default session.
pub(crate) struct Turn {
    seat: Arc<Seat>,
    _turn: OwnedMutexGuard<()>,
}

impl DefaultSessions {
    /// Waits for the turn of this connection.
    pub(crate) async fn turn_of(&self, connection: &ConnectionId) -> Turn {
        let seat = {
            let mut seats = self.lock();
            // Of connections that never end, those without a session are not kept.
            seats.retain(|_, seat| Arc::strong_count(seat) > 1 || seat.lock().session.is_some());
            Arc::clone(seats.entry(connection.clone()).or_default())
        };
        let turn = Arc::clone(&seat.turn).lock_owned().await;
        Turn { seat, _turn: turn }
    }

    /// A connection's default session, if it has one by now.
    pub(crate) fn of(&self, connection: &ConnectionId) -> Option<SessionId> {
        self.lock().get(connection)?.lock().used()
    }

    /// All of them.
    pub(crate) fn all(&self) -> HashSet<SessionId> {
        let seats = self.lock();
        let sessions = seats.values().map(|seat| seat.lock().session.clone());
        sessions.flatten().collect()
    }

    /// Connections whose default was `old` have `new` from now on. Returns how many.
    pub(crate) fn replace(&self, old: &SessionId, new: &SessionId) -> usize {
        let seats = self.lock();
        let concerned = seats.values().filter(|seat| {
            let mut state = seat.lock();
            let concerned = state.session.as_ref() == Some(old);
            if concerned {
                state.session = Some(new.clone());
            }
            concerned
        });
        concerned.count()
    }

    /// Takes away the seat of a connection that has ended, and returns the session that
    /// is nobody's default now.
    pub(crate) fn end(&self, connection: &ConnectionId) -> Option<SessionId> {
        let seat = self.lock().remove(connection)?;
        let mut state = seat.lock();
        state.ended = true;
        state.session.take()
    }

    /// A connection's default session and when it last used it.
    fn last_use(&self, connection: &ConnectionId) -> Option<(SessionId, Instant)> {
        let seats = self.lock();
        let state = seats.get(connection)?.lock();
        Some((state.session.clone()?, state.used))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Arc<Seat>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The session, if there is one by now.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.seat.lock().used()
    }

    /// Makes this session the default; fails if the connection has ended meanwhile.
    pub(crate) fn settle(&self, session: &SessionId) -> Result<(), ConnectionEnded> {
        let mut state = self.seat.lock();
        if state.ended {
            return Err(ConnectionEnded);
        }
        state.session = Some(session.clone());
        state.used = Instant::now();
        Ok(())
    }
}

/// Nobody is there any more to use a default session.
#[derive(Debug)]
pub(crate) struct ConnectionEnded;

impl Seat {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Seat {
    fn default() -> Self {
        Self {
            turn: Arc::default(),
            state: Mutex::new(State {
                session: None,
                used: Instant::now(),
                ended: false,
            }),
        }
    }
}

impl State {
    fn used(&mut self) -> Option<SessionId> {
        self.used = Instant::now();
        self.session.clone()
    }
}

/// Closes the default session of a connection that nobody hears the end of, once nobody
/// has used it and nothing has happened in it for `limit`.
pub(crate) async fn close_when_unused(host: Weak<Host>, connection: ConnectionId, limit: Duration) {
    let mut idle = Duration::ZERO;
    loop {
        tokio::time::sleep(limit.saturating_sub(idle)).await;
        let Some(host) = host.upgrade() else { return };
        let Some((session, used)) = host.defaults.last_use(&connection) else {
            return;
        };
        idle = used.elapsed();
        if let Ok(session) = host.registry.get(session.as_str()) {
            let status = session.terminal.status().await;
            let still = SystemTime::now().duration_since(status.last_activity);
            idle = match status.is_running() {
                true => Duration::ZERO,
                false => idle.min(still.unwrap_or_default()),
            };
        }
        if idle >= limit {
            tracing::info!(%session, "closing a default session that nobody has used");
            host.connection_ended(&connection).await;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: &str) -> SessionId {
        SessionId::found(id).expect("an id")
    }

    #[tokio::test]
    async fn one_connection_waits_for_nobody_else() {
        let defaults = DefaultSessions::default();
        let first = defaults.turn_of(&"a".into()).await;
        let second = defaults.turn_of(&"b".into()).await;
        second.settle(&session("bbbbbbbb")).expect("it lives");
        assert_eq!(defaults.of(&"b".into()), Some(session("bbbbbbbb")));
        assert_eq!(defaults.end(&"b".into()), Some(session("bbbbbbbb")));
        assert_eq!(first.session(), None);
    }

    #[tokio::test]
    async fn a_connection_finds_what_its_other_call_has_opened() {
        let defaults = Arc::new(DefaultSessions::default());
        let turn = defaults.turn_of(&"a".into()).await;
        let waiting = tokio::spawn({
            let defaults = Arc::clone(&defaults);
            async move { defaults.turn_of(&"a".into()).await.session() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        turn.settle(&session("aaaaaaaa")).expect("it lives");
        drop(turn);
        assert_eq!(waiting.await.expect("done"), Some(session("aaaaaaaa")));
    }

    #[tokio::test]
    async fn what_is_opened_for_a_connection_that_has_ended_is_nobodys() {
        let defaults = DefaultSessions::default();
        let turn = defaults.turn_of(&"a".into()).await;
        assert_eq!(defaults.end(&"a".into()), None);
        assert!(turn.settle(&session("aaaaaaaa")).is_err());
        assert_eq!(defaults.of(&"a".into()), None);
    }

    #[tokio::test]
    async fn a_seat_without_a_session_is_not_kept() {
        let defaults = DefaultSessions::default();
        for number in 0..100 {
            defaults.turn_of(&format!("failed {number}").into()).await;
        }
        assert!(defaults.lock().len() <= 1);
    }
}
