//! Locks: who alone may type into a session, and until when. Pure; the time is
//! always handed in.
//!
//! A lock is a lease. Its owner renews it by taking it again or by typing; one that
//! has run out is as good as gone. Each lease has a number greater than that of any
//! before it (a fencing token): whoever shows an old one has lost the lock meanwhile,
//! even if the owner goes by the same name.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clock::whole_ms;

/// How long a lease lasts that is not given a time.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(15 * 60);

/// The longest lease: a day.
pub const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

/// Agents that may wait for one session; more are told to come back.
const MOST_WAITING: usize = 100;

/// One session's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The agent that may type.
    pub owner: String,
    /// Greater than that of any lease before it.
    pub fencing_token: u64,
    /// Milliseconds since 1970.
    pub acquired_ms: u64,
    /// Milliseconds since 1970; over from then on.
    pub expires_ms: u64,
    /// What one renewal adds, in milliseconds.
    pub lasts_ms: u64,
    /// Agents that have asked for access.
    pub waiting: BTreeSet<String>,
}

/// What came of asking for a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It is the asker's, newly or still.
    Yes(Lease),
    /// It is somebody else's.
    No(Lease),
}

/// What came of giving a lock back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// It was this owner's, and is free now.
    Yes(Lease),
    /// Nobody held it.
    WasFree,
    /// It is somebody else's, and stays so.
    No(Lease),
}

/// All locks by session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    by_session: BTreeMap<String, Lease>,
    last_token: u64,
}

impl Leases {
    /// Leases of an earlier host.
    pub fn restore(leases: impl IntoIterator<Item = (String, Lease)>) -> Self {
        let by_session: BTreeMap<_, _> = leases.into_iter().collect();
        let last_token = by_session.values().map(|lease| lease.fencing_token).max();
        Self {
            by_session,
            last_token: last_token.unwrap_or(0),
        }
    }

    /// The lease on a session that has not run out.
    pub fn on(&self, session: &str, now_ms: u64) -> Option<&Lease> {
        (self.by_session.get(session)).filter(|lease| now_ms < lease.expires_ms)
    }

    /// Every lease that has not run out, by session.
    pub fn held(&self, now_ms: u64) -> impl Iterator<Item = (&str, &Lease)> {
        (self.by_session.iter())
            .filter(move |(_, lease)| now_ms < lease.expires_ms)
            .map(|(session, lease)| (session.as_str(), lease))
    }

    /// Takes the lock for `owner`, or renews it.
    pub fn acquire(
        &mut self,
        session: &str,
        owner: &str,
        lasts: Duration,
        now_ms: u64,
    ) -> Acquired {
        let lasts = lasts.min(LONGEST_LEASE);
        let lasts_ms = whole_ms(lasts);
        let expires_ms = now_ms.saturating_add(lasts_ms);
        if let Some(lease) = self.on(session, now_ms) {
            if lease.owner != owner {
                return Acquired::No(lease.clone());
            }
            let renewed = Lease {
                expires_ms: lease.expires_ms.max(expires_ms),
                lasts_ms,
                ..lease.clone()
            };
            self.by_session.insert(session.to_owned(), renewed.clone());
            return Acquired::Yes(renewed);
        }
        let lease = Lease {
            owner: owner.to_owned(),
            fencing_token: self.next_token(now_ms),
            acquired_ms: now_ms,
            expires_ms,
            lasts_ms,
            waiting: BTreeSet::new(),
        };
        self.by_session.insert(session.to_owned(), lease.clone());
        Acquired::Yes(lease)
    }

    /// Adds the lease's own time from now on: its owner lives. `None` where there
    /// is nothing to renew.
    pub fn renew(&mut self, session: &str, now_ms: u64) -> Option<&Lease> {
        let lease = self.by_session.get_mut(session)?;
        if now_ms >= lease.expires_ms {
            return None;
        }
        lease.expires_ms = lease.expires_ms.max(now_ms.saturating_add(lease.lasts_ms));
        Some(lease)
    }

    /// Gives the lock back. Another than the owner has to say `force`.
    pub fn release(
        &mut self,
        session: &str,
        agent: Option<&str>,
        force: bool,
        now_ms: u64,
    ) -> Released {
        match self.on(session, now_ms) {
            None => {
                self.by_session.remove(session);
                Released::WasFree
            }
            Some(lease) if force || agent == Some(lease.owner.as_str()) => {
                let lease = lease.clone();
                self.by_session.remove(session);
                Released::Yes(lease)
            }
            Some(lease) => Released::No(lease.clone()),
        }
    }

    /// Notes that an agent wants a session that another holds. Returns the lease,
    /// or `None` where the agent may type already.
    pub fn ask_for(&mut self, session: &str, agent: &str, now_ms: u64) -> Option<&Lease> {
        let lease = self.by_session.get_mut(session)?;
        if now_ms >= lease.expires_ms || lease.owner == agent {
            return None;
        }
        if lease.waiting.len() < MOST_WAITING {
            lease.waiting.insert(agent.to_owned());
        }
        Some(lease)
    }

    /// Moves the lock on `from` to `to`, with what is left of its time, who waits, and a
    /// new token. `None` where there is none. The owner's own lock on `to` stays as it is.
    pub fn move_to(&mut self, from: &str, to: &str, now_ms: u64) -> Option<Lease> {
        let lease = self.by_session.remove(from)?;
        if now_ms >= lease.expires_ms {
            return None;
        }
        if let Some(held) = self.on(to, now_ms) {
            return Some(held.clone());
        }
        let moved = Lease {
            fencing_token: self.next_token(now_ms),
            ..lease
        };
        self.by_session.insert(to.to_owned(), moved.clone());
        Some(moved)
    }

    /// Tokens follow the clock, so that they go on growing in a later host.
    fn next_token(&mut self, now_ms: u64) -> u64 {
        self.last_token = now_ms.max(self.last_token + 1);
        self.last_token
    }

    /// Frees a session that has gone.
    pub fn forget(&mut self, session: &str) -> bool {
        self.by_session.remove(session).is_some()
    }

    /// Frees what an agent holds, and returns the sessions.
    pub fn release_all_of(&mut self, owner: &str) -> Vec<String> {
        let sessions: Vec<String> = (self.by_session.iter())
            .filter(|(_, lease)| lease.owner == owner)
            .map(|(session, _)| session.clone())
            .collect();
        for session in &sessions {
            self.by_session.remove(session);
        }
        sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn token(acquired: &Acquired) -> u64 {
        match acquired {
            Acquired::Yes(lease) | Acquired::No(lease) => lease.fencing_token,
        }
    }

    #[test]
    fn only_one_agent_has_a_session() {
        let mut leases = Leases::default();
        assert!(matches!(
            leases.acquire("s", "alice", MINUTE, 0),
            Acquired::Yes(_)
        ));
        let refused = leases.acquire("s", "bob", MINUTE, 1);
        assert!(matches!(&refused, Acquired::No(lease) if lease.owner == "alice"));
        assert!(matches!(
            leases.release("s", Some("bob"), false, 2),
            Released::No(_)
        ));
        assert!(matches!(
            leases.release("s", Some("alice"), false, 2),
            Released::Yes(_)
        ));
        assert_eq!(
            leases.release("s", Some("alice"), false, 2),
            Released::WasFree
        );
        assert!(matches!(
            leases.acquire("s", "bob", MINUTE, 3),
            Acquired::Yes(_)
        ));
    }

    #[test]
    fn force_is_explicit() {
        let mut leases = Leases::default();
        leases.acquire("s", "alice", MINUTE, 0);
        assert!(matches!(
            leases.release("s", None, false, 1),
            Released::No(_)
        ));
        assert!(matches!(
            leases.release("s", None, true, 1),
            Released::Yes(_)
        ));
    }

    #[test]
    fn a_lease_runs_out_and_its_token_is_never_given_again() {
        let mut leases = Leases::default();
        let first = leases.acquire("s", "alice", MINUTE, 1_000);
        assert!(leases.on("s", 60_999).is_some());
        assert!(leases.on("s", 61_000).is_none());
        let second = leases.acquire("s", "alice", MINUTE, 61_000);
        assert!(token(&second) > token(&first));
        let mut later = Leases::restore([]);
        assert!(token(&later.acquire("s", "x", MINUTE, 61_001)) > token(&second));
    }

    #[test]
    fn taking_it_again_renews_and_keeps_the_token() {
        let mut leases = Leases::default();
        let first = leases.acquire("s", "alice", MINUTE, 0);
        let again = leases.acquire("s", "alice", MINUTE, 30_000);
        assert_eq!(token(&first), token(&again));
        assert!(leases.on("s", 89_999).is_some());
        leases.renew("s", 80_000);
        assert!(leases.on("s", 139_999).is_some());
        assert_eq!(leases.renew("s", 140_000), None);
    }

    #[test]
    fn who_waits_is_counted_once() {
        let mut leases = Leases::default();
        assert!(leases.ask_for("s", "bob", 0).is_none());
        leases.acquire("s", "alice", MINUTE, 0);
        for _ in 0..2 {
            let lease = leases.ask_for("s", "bob", 1).expect("held");
            assert_eq!(lease.waiting.len(), 1);
        }
        assert!(leases.ask_for("s", "alice", 1).is_none());
    }

    #[test]
    fn an_agent_that_goes_leaves_nothing_locked() {
        let mut leases = Leases::default();
        for session in ["a", "b"] {
            leases.acquire(session, "alice", MINUTE, 0);
        }
        leases.acquire("c", "bob", MINUTE, 0);
        assert_eq!(leases.release_all_of("alice"), ["a", "b"]);
        assert_eq!(
            leases
                .held(1)
                .map(|(session, _)| session)
                .collect::<Vec<_>>(),
            ["c"]
        );
    }
}
