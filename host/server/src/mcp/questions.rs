//! Questions that a client was told to put to its person and to answer by making its
//! call again (2026-07-28).
//!
//! The client brings back a ticket, which nobody can guess and which is good once, for
//! the connection that was asked. So an answer is to a question that was put, and a
//! confirmation's id, which many can see, answers nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quarterdeck_core::ConnectionId;
use quarterdeck_core::gate::PendingConfirmation;

/// Questions that wait at once; the oldest make room.
const MOST_WAITING: usize = 1_000;

/// Those that wait. Shared by the doors of one transport, because a client without a
/// protocol session answers through another door than it was asked at.
#[derive(Default)]
pub(crate) struct Questions(Mutex<HashMap<String, Question>>);

struct Question {
    /// Who was asked.
    connection: ConnectionId,
    confirmation: String,
    expires: Instant,
}

impl Questions {
    /// Remembers that a connection was asked about a confirmation; returns the ticket
    /// that its answer has to bring.
    pub(super) fn put(&self, connection: &ConnectionId, pending: &PendingConfirmation) -> String {
        let ticket = format!("{:032x}", rand::random::<u128>());
        let lifetime = Duration::from_secs(pending.expires_in_seconds.max(1));
        let question = Question {
            connection: connection.clone(),
            confirmation: pending.confirmation_id.clone(),
            expires: Instant::now() + lifetime,
        };
        let mut waiting = self.waiting();
        if waiting.len() >= MOST_WAITING {
            let oldest = waiting
                .iter()
                .min_by_key(|(_, question)| question.expires)
                .map(|(ticket, _)| ticket.clone());
            oldest.map(|ticket| waiting.remove(&ticket));
        }
        waiting.insert(ticket.clone(), question);
        ticket
    }

    /// The confirmation that a connection answers with this ticket, which is used up;
    /// `None` if it was not asked.
    pub(super) fn take(&self, connection: &ConnectionId, ticket: &str) -> Option<String> {
        let mut waiting = self.waiting();
        if waiting.get(ticket)?.connection != *connection {
            return None;
        }
        waiting.remove(ticket).map(|question| question.confirmation)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Question>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        waiting.retain(|_, question| question.expires > now);
        waiting
    }
}
