//! Which sessions have room for a task. Owned by the queue.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_policy::WorkerFacts;
use tokio::time::Instant;

use crate::agents::role::Role;
use crate::host::Host;
use crate::session::Session;
use crate::tasks::task::{Lane, WorkerChoice};
use crate::tasks::worker::opened::OPENED_TAG;

/// How many sessions are opened where nobody says, and there is no other worker.
pub(super) const OPENED_UNASKED: u32 = 4;

/// A session whose program has ended, and that nobody has closed, may be mended for so
/// long, before what only it could do fails.
pub(super) const MENDED_WITHIN: Duration = Duration::from_secs(60);

/// Whether the sessions that alone may do something will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LifeOfWorkers {
    /// One of them at least, as far as is known.
    Lives,
    /// All have ended, one of them just now.
    MayBeMended {
        /// No longer than until then.
        until: Instant,
    },
    /// All have ended or are closed.
    Over,
}

/// What the queue knows of sessions that are, or were, workers.
#[derive(Debug, Default)]
pub(super) struct Workers {
    /// Something else is in front in these.
    occupied: HashSet<(String, Lane)>,
    /// Their programs have ended; since when that is known.
    gone: HashMap<String, Instant>,
    /// Opened by the queue, for which submission.
    opened: HashMap<String, u64>,
    /// Being opened, by submission.
    opening: HashMap<u64, u32>,
    /// Why the last one could not be opened.
    cannot_open: Option<String>,
}

impl Workers {
    /// Something else is in front in a session.
    pub(super) fn is_occupied(&mut self, session: &str, lane: Lane) {
        self.occupied.insert((session.to_owned(), lane));
    }

    /// A session may be looked at again.
    pub(super) fn is_free(&mut self, session: &str, lane: Lane) {
        self.occupied.remove(&(session.to_owned(), lane));
    }

    /// A session's program has ended. Whether it was the queue's own.
    pub(super) fn is_gone(&mut self, session: &str) -> bool {
        (self.gone.entry(session.to_owned())).or_insert_with(Instant::now);
        self.opened.remove(session).is_some()
    }

    /// Forgets sessions that have left the registry.
    pub(super) fn keep_only(&mut self, is_there: impl Fn(&str) -> bool) {
        self.gone.retain(|session, _| is_there(session));
        self.opened.retain(|session, _| is_there(session));
        self.occupied.retain(|(session, _)| is_there(session));
    }

    /// A session has left the registry, or is about to.
    pub(super) fn forget(&mut self, session: &str) {
        self.gone.remove(session);
        self.opened.remove(session);
        self.occupied.retain(|(occupied, _)| occupied != session);
    }

    /// A session is being opened.
    pub(super) fn opens(&mut self, submission: u64) {
        *self.opening.entry(submission).or_default() += 1;
    }

    /// It is open, or could not be.
    pub(super) fn opened(&mut self, submission: u64, session: Option<&str>) {
        if let Entry::Occupied(mut opening) = self.opening.entry(submission) {
            *opening.get_mut() -= 1;
            if *opening.get() == 0 {
                opening.remove();
            }
        }
        if let Some(session) = session {
            self.opened.insert(session.to_owned(), submission);
            self.cannot_open = None;
        }
    }

    /// No session can be opened for now.
    pub(super) fn cannot_open(&mut self, error: String) {
        self.cannot_open = Some(error);
    }

    /// Why a submission has no workers.
    pub(super) fn why_none(&self, submission: u64) -> String {
        match &self.cannot_open {
            Some(error) => error.clone(),
            None if self.opened_for(submission) > 0 => {
                "a session is being opened for it".to_owned()
            }
            None => "there is no session that could do it: open one, or let some be opened for it"
                .to_owned(),
        }
    }

    /// How many sessions were opened for a submission or are about to be.
    pub(super) fn opened_for(&self, submission: u64) -> u32 {
        let open = self.opened.values().filter(|it| **it == submission).count();
        u32::try_from(open).unwrap_or(u32::MAX)
            + self.opening.get(&submission).copied().unwrap_or(0)
    }

    /// Whether this session was opened by the queue.
    pub(super) fn is_own(&self, session: &str) -> bool {
        self.opened.contains_key(session)
    }

    /// All sessions that the queue has opened.
    pub(super) fn own(&self) -> Vec<String> {
        self.opened.keys().cloned().collect()
    }

    /// Whether the program of any of these may live, or come back.
    pub(super) fn life_of(&self, sessions: &[Arc<Session>], now: Instant) -> LifeOfWorkers {
        let mut latest = None;
        for session in sessions {
            match self.gone.get(session.id.as_str()) {
                None => return LifeOfWorkers::Lives,
                since => latest = latest.max(since),
            }
        }
        match latest.map(|since| *since + MENDED_WITHIN) {
            Some(until) if now < until => LifeOfWorkers::MayBeMended { until },
            _ => LifeOfWorkers::Over,
        }
    }

    /// What a distributor is told of `sessions`, those left out in which
    /// something else is in front. Those that are `busy` have a task.
    pub(super) fn facts(
        &self,
        sessions: &[Arc<Session>],
        lane: Lane,
        busy: &HashSet<&str>,
    ) -> Vec<WorkerFacts> {
        sessions
            .iter()
            .filter(|session| {
                let id = session.id.as_str();
                !self.gone.contains_key(id) && !self.occupied.contains(&(id.to_owned(), lane))
            })
            .map(|session| {
                let busy = busy.contains(session.id.as_str());
                WorkerFacts {
                    session_id: session.id.to_string(),
                    running: u32::from(busy),
                    capacity: 1,
                    load: f64::from(u8::from(busy)),
                    tags: session.tags.list(),
                    attributes: Vec::new(),
                }
            })
            .collect()
    }
}

/// The tags of a session that is opened for this choice of workers.
pub(super) fn tags_when_opened(choice: &WorkerChoice) -> Vec<String> {
    let mut tags = choice.tags.clone();
    if !tags.iter().any(|tag| tag == OPENED_TAG) {
        tags.push(OPENED_TAG.to_owned());
    }
    tags
}

impl Host {
    /// The sessions that `choice` speaks of, oldest first.
    pub(super) async fn chosen_workers(&self, choice: &WorkerChoice) -> Vec<Arc<Session>> {
        let defaults = match choice.is_explicit() {
            true => HashSet::new(),
            false => self.defaults.all(),
        };
        let mut sessions = self.registry.all();
        let of_team = choice
            .team
            .as_deref()
            .map(|team| self.agents.sessions_of(team));
        sessions.retain(|session| {
            let id = session.id.as_str();
            let in_team = of_team.as_ref().is_none_or(|ids| ids.contains(id));
            let in_role = (choice.role.map(Role::as_str)).is_none_or(|wanted| {
                let (role, _) = self.agents.facts_of(&session.id);
                role.as_deref() == Some(wanted)
            });
            let named = choice.sessions.is_empty()
                || choice
                    .sessions
                    .iter()
                    .any(|it| *it == id || *it == session.name);
            let tags = session.tags.list();
            let tagged = choice.tags.iter().all(|tag| tags.contains(tag));
            let common =
                choice.is_explicit() || !(session.remote_host.is_some() || defaults.contains(id));
            named && tagged && common && in_team && in_role
        });
        sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_opened_counts() {
        let mut workers = Workers::default();
        workers.opens(1);
        workers.opens(1);
        workers.opens(2);
        workers.opened(1, Some("a"));
        workers.opened(1, None);
        assert_eq!((workers.opened_for(1), workers.opened_for(2)), (1, 1));
        assert!(workers.is_gone("a"), "its own");
        assert!(!workers.is_gone("b"), "a person's");
        assert_eq!(workers.opened_for(1), 0);
        workers.opened(2, None);
        assert!(
            workers.opening.is_empty(),
            "nothing is kept of what is over"
        );
        workers.keep_only(|session| session != "b");
        assert_eq!(workers.gone.keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn what_is_opened_can_be_found_by_the_tags_that_were_asked_for() {
        let choice = WorkerChoice {
            tags: vec!["gpu".into()],
            ..WorkerChoice::default()
        };
        assert_eq!(tags_when_opened(&choice), ["gpu", OPENED_TAG]);
    }
}
