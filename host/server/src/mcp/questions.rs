//! Questions that a client was told to put to its person and to answer by making its
//! call again (2026-07-28).
//!
//! The client brings back a ticket, which nobody can guess and which is good once, for
//! the connection that was asked. So an answer is to a question that was put, and a
//! confirmation's id, which many can see, answers nothing. A call that was stopped in the
//! middle lies beside its question; one that nobody comes back to goes no further.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quarterdeck_core::ConnectionId;
use quarterdeck_core::gate::PendingConfirmation;

use super::confirm::StoppedCall;

/// Questions that wait at once; the oldest make room.
const MOST_WAITING: usize = 1_000;

/// Those that wait. Shared by the doors of one transport, because a client without a
/// protocol session answers through another door than it was asked at.
#[derive(Default)]
pub(crate) struct Questions(Mutex<HashMap<String, Kept>>);

struct Kept {
    /// Who was asked.
    connection: ConnectionId,
    question: Question,
    expires: Instant,
}

/// One question.
pub(super) struct Question {
    /// What it is about.
    pub(super) waiting: Vec<PendingConfirmation>,
    /// The call that goes on with the answer; none where it is made again from its
    /// beginning.
    pub(super) stopped: Option<StoppedCall>,
}

impl Questions {
    /// Remembers that a connection was asked; returns the ticket that its answer has to
    /// bring.
    pub(super) fn put(&self, connection: &ConnectionId, question: Question) -> String {
        let ticket = format!("{:032x}", rand::random::<u128>());
        let seconds = question.waiting.iter().map(|it| it.expires_in_seconds);
        let lifetime = Duration::from_secs(seconds.min().unwrap_or_default().max(1));
        let kept = Kept {
            connection: connection.clone(),
            question,
            expires: Instant::now() + lifetime,
        };
        let mut waiting = self.waiting();
        if waiting.len() >= MOST_WAITING {
            let oldest = waiting
                .iter()
                .min_by_key(|(_, kept)| kept.expires)
                .map(|(ticket, _)| ticket.clone());
            oldest.map(|ticket| waiting.remove(&ticket));
        }
        waiting.insert(ticket.clone(), kept);
        ticket
    }

    /// The question that a connection answers with this ticket, which is used up; `None`
    /// if it was not asked.
    pub(super) fn take(&self, connection: &ConnectionId, ticket: &str) -> Option<Question> {
        let mut waiting = self.waiting();
        if waiting.get(ticket)?.connection != *connection {
            return None;
        }
        waiting.remove(ticket).map(|kept| kept.question)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        waiting.retain(|_, kept| kept.expires > now);
        waiting
    }
}
