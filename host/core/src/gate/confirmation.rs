//! Commands that wait for a person's yes.
//!
//! A confirmation is bound to one command in one session and to one use. The
//! caller is refused with its id; once a person has approved it, the same call
//! made again goes through and uses it up.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::VerdictReport;
use crate::error::HostError;
use crate::session::SessionId;

/// More than these wait at once only if a caller floods the gate; the oldest
/// make room.
const MOST_WAITING: usize = 1000;

/// A command that a person has to approve.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingConfirmation {
    /// What `quarterdeck approve` takes.
    pub confirmation_id: String,
    /// The command line as the gate judged it.
    pub command: String,
    /// Where it would run.
    pub session_id: SessionId,
    /// Why it needs a yes.
    pub verdict: VerdictReport,
    /// Seconds from now until the id is void.
    pub expires_in_seconds: u64,
}

impl fmt::Display for PendingConfirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a person has to confirm this command: {}. Ask for `quarterdeck approve {}` (valid for {} s), then make the same call again",
            self.verdict.reason.trim_end_matches('.'), self.confirmation_id, self.expires_in_seconds
        )
    }
}

#[derive(Clone, Debug)]
struct Entry {
    command: String,
    session: SessionId,
    verdict: VerdictReport,
    expires: Instant,
    approved_by: Option<String>,
}

/// All confirmations of one host.
pub(crate) struct Confirmations {
    lifetime: Duration,
    entries: Mutex<HashMap<String, Entry>>,
}

impl Confirmations {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            entries: Mutex::default(),
        }
    }

    /// Puts a command on the list, or finds it there.
    pub(crate) fn request(
        &self,
        session: &SessionId,
        command: &str,
        verdict: VerdictReport,
    ) -> PendingConfirmation {
        let mut entries = self.live_entries();
        let known = entries
            .iter()
            .find(|(_, entry)| entry.is_for(session, command))
            .map(|(id, _)| id.clone());
        let id = known.unwrap_or_else(|| {
            make_room(&mut entries);
            let id = format!("{:08x}", rand::random::<u32>());
            entries.insert(
                id.clone(),
                Entry {
                    command: command.to_owned(),
                    session: session.clone(),
                    verdict,
                    expires: Instant::now() + self.lifetime,
                    approved_by: None,
                },
            );
            id
        });
        entries[&id].pending(&id)
    }

    /// Uses up an approval for this command in this session; returns who gave
    /// it.
    pub(crate) fn redeem(&self, session: &SessionId, command: &str) -> Option<String> {
        let mut entries = self.live_entries();
        let id = entries.iter().find_map(|(id, entry)| {
            (entry.is_for(session, command) && entry.approved_by.is_some()).then(|| id.clone())
        })?;
        entries.remove(&id).and_then(|entry| entry.approved_by)
    }

    /// Records a person's yes.
    pub(crate) fn approve(&self, id: &str, by: &str) -> Result<PendingConfirmation, HostError> {
        let mut entries = self.live_entries();
        let entry = entries
            .get_mut(id)
            .filter(|entry| entry.approved_by.is_none())
            .ok_or_else(|| HostError::ConfirmationNotFound(id.to_owned()))?;
        entry.approved_by = Some(by.to_owned());
        Ok(entry.pending(id))
    }

    /// Records a person's no.
    pub(crate) fn deny(&self, id: &str) -> Result<PendingConfirmation, HostError> {
        self.live_entries()
            .remove(id)
            .map(|entry| entry.pending(id))
            .ok_or_else(|| HostError::ConfirmationNotFound(id.to_owned()))
    }

    /// What waits for an answer.
    pub(crate) fn waiting(&self) -> Vec<PendingConfirmation> {
        let mut waiting: Vec<_> = self
            .live_entries()
            .iter()
            .filter(|(_, entry)| entry.approved_by.is_none())
            .map(|(id, entry)| entry.pending(id))
            .collect();
        waiting.sort_by_key(|pending| pending.expires_in_seconds);
        waiting
    }

    fn live_entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        let mut entries = self
            .entries
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = Instant::now();
        entries.retain(|_, entry| entry.expires > now);
        entries
    }
}

impl Entry {
    fn is_for(&self, session: &SessionId, command: &str) -> bool {
        self.session == *session && self.command == command
    }

    fn pending(&self, id: &str) -> PendingConfirmation {
        PendingConfirmation {
            confirmation_id: id.to_owned(),
            command: self.command.clone(),
            session_id: self.session.clone(),
            verdict: self.verdict.clone(),
            expires_in_seconds: self
                .expires
                .saturating_duration_since(Instant::now())
                .as_secs(),
        }
    }
}

fn make_room(entries: &mut HashMap<String, Entry>) {
    while entries.len() >= MOST_WAITING {
        let oldest = entries
            .iter()
            .min_by_key(|(_, entry)| entry.expires)
            .map(|(id, _)| id.clone());
        match oldest {
            Some(id) => entries.remove(&id),
            None => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_lifetime(lifetime: Duration) -> (Confirmations, SessionId) {
        (Confirmations::new(lifetime), SessionId::random())
    }

    fn verdict() -> VerdictReport {
        VerdictReport::gate_off()
    }

    #[test]
    fn an_approval_is_good_once_for_one_command_in_one_session() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let pending = confirmations.request(&session, "git push", verdict());
        assert_eq!(confirmations.redeem(&session, "git push"), None);
        confirmations
            .approve(&pending.confirmation_id, "ada")
            .expect("approve");
        assert_eq!(confirmations.redeem(&session, "git push -f"), None);
        assert_eq!(
            confirmations.redeem(&SessionId::random(), "git push"),
            None
        );
        assert_eq!(
            confirmations.redeem(&session, "git push").as_deref(),
            Some("ada")
        );
        assert_eq!(confirmations.redeem(&session, "git push"), None);
    }

    #[test]
    fn asking_again_gives_the_same_id() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let first = confirmations.request(&session, "git push", verdict());
        let second = confirmations.request(&session, "git push", verdict());
        assert_eq!(first.confirmation_id, second.confirmation_id);
    }

    #[test]
    fn an_id_cannot_be_approved_twice_or_after_a_no_or_too_late() {
        let (confirmations, session) = with_lifetime(Duration::from_secs(60));
        let id = confirmations
            .request(&session, "git push", verdict())
            .confirmation_id;
        confirmations.approve(&id, "ada").expect("first");
        assert!(confirmations.approve(&id, "ada").is_err());

        let id = confirmations
            .request(&session, "npm publish", verdict())
            .confirmation_id;
        confirmations.deny(&id).expect("deny");
        assert!(confirmations.approve(&id, "ada").is_err());

        let (confirmations, session) = with_lifetime(Duration::ZERO);
        let id = confirmations
            .request(&session, "git push", verdict())
            .confirmation_id;
        assert!(confirmations.approve(&id, "ada").is_err());
    }
}
