//! What each agent was told already, so that it is not told twice by mistake.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use super::Agents;
use super::kept::keep_delivery;
use crate::error::HostError;
use crate::session::SessionId;

/// So many messages are remembered for each agent.
pub(super) const REMEMBERED: usize = 1_000;

/// What a message comes down to.
pub(super) type MessageDigest = [u8; 32];

/// A message's digest.
pub(super) fn digest(message: &str) -> MessageDigest {
    Sha256::digest(message.as_bytes()).into()
}

/// The newest messages of each agent.
#[derive(Clone, Debug, Default)]
pub(super) struct Deliveries {
    by_agent: HashMap<String, VecDeque<MessageDigest>>,
}

impl Deliveries {
    /// Those of an earlier host, oldest first.
    pub(super) fn restore(kept: impl IntoIterator<Item = (String, MessageDigest)>) -> Self {
        let mut deliveries = Self::default();
        for (agent, digest) in kept {
            deliveries.remember(&agent, digest);
        }
        deliveries
    }

    /// Whether `agent` is known to have had this message.
    pub(super) fn had(&self, agent: &str, digest: &MessageDigest) -> bool {
        (self.by_agent.get(agent)).is_some_and(|known| known.contains(digest))
    }

    /// Remembers that `agent` has had it; returns what is forgotten in its place.
    pub(super) fn remember(&mut self, agent: &str, digest: MessageDigest) -> Option<MessageDigest> {
        let known = self.by_agent.entry(agent.to_owned()).or_default();
        if let Some(at) = known.iter().position(|it| *it == digest) {
            known.remove(at);
        }
        known.push_back(digest);
        (known.len() > REMEMBERED)
            .then(|| known.pop_front())
            .flatten()
    }

    /// Takes one back: it was not delivered after all.
    pub(super) fn forget(&mut self, agent: &str, digest: &MessageDigest) {
        if let Some(known) = self.by_agent.get_mut(agent) {
            known.retain(|it| it != digest);
        }
    }
}

impl Agents {
    /// Claims a message for an agent: `false` if it had it already.
    pub(crate) fn claim(&self, agent: &str, message: &str) -> bool {
        let digest = digest(message);
        let mut known = self.deliveries();
        if known.had(agent, &digest) {
            return false;
        }
        let forgotten = known.remember(agent, digest);
        drop(known);
        if let Some(forgotten) = forgotten {
            let agent = agent.to_owned();
            self.store
                .write_later("which message was forgotten", move |kept| {
                    kept.execute(
                        "DELETE FROM deliveries WHERE agent = ?1 AND digest = ?2",
                        rusqlite::params![agent, forgotten],
                    )
                    .map(drop)
                });
        }
        true
    }

    /// The claimed message was not delivered.
    pub(crate) fn unclaim(&self, agent: &str, message: &str) {
        self.deliveries().forget(agent, &digest(message));
    }

    /// Whether the agent of a session is known to have had this message.
    pub(crate) fn was_told(&self, session: &SessionId, message: &str) -> bool {
        let digest = digest(message);
        let agent = self.agent_of(session.as_str());
        agent.is_some_and(|agent| self.deliveries().had(&agent.name, &digest))
    }

    /// The message was delivered; told it is also where it was not claimed.
    pub(crate) async fn delivered(&self, agent: &str, message: &str) -> Result<(), HostError> {
        let digest = digest(message);
        let forgotten = self.deliveries().remember(agent, digest);
        let agent = agent.to_owned();
        (self.store)
            .write(move |kept| keep_delivery(kept, &agent, &digest, forgotten.as_ref()))
            .await
            .map_err(|error| {
                HostError::Internal(format!(
                    "{error}; the message was typed, and may be sent twice"
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_thousand_are_remembered() {
        let mut deliveries = Deliveries::default();
        for number in 0..REMEMBERED {
            assert_eq!(deliveries.remember("a", digest(&number.to_string())), None);
        }
        // Said again: the newest now.
        assert_eq!(deliveries.remember("a", digest("0")), None);
        assert_eq!(deliveries.remember("a", digest("new")), Some(digest("1")));
        assert!(deliveries.had("a", &digest("0")));
        assert!(!deliveries.had("a", &digest("1")));
        assert!(!deliveries.had("b", &digest("0")));
    }
}
