//! The seam to other machines: attempts as they leave this host, and what is told of
//! them.
//!
//! Sessions of this host do tasks unless a submission asks for machines. What is meant
//! for machines is sent through a [`Machines`], one [`Errand`] for each attempt; this
//! host stays the owner of the task: of its order, its limits, its attempts and its
//! result.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use super::fate::Fate;
use super::task::NewTask;
use crate::caller::Caller;

/// The host that a task belongs to, for as long as its store lives: lower-case
/// hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OwnerId(String);

/// Text that is no [`OwnerId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no owner's id: 1 to 64 hexadecimal digits")]
pub struct BadOwnerId(String);

impl OwnerId {
    /// A new one.
    pub(super) fn by_chance() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OwnerId {
    type Error = BadOwnerId;

    fn try_from(id: String) -> Result<Self, BadOwnerId> {
        let hexadecimal = id.bytes().all(|it| it.is_ascii_hexdigit());
        match hexadecimal && (1..=64).contains(&id.len()) {
            true => Ok(Self(id)),
            false => Err(BadOwnerId(id)),
        }
    }
}

impl From<OwnerId> for String {
    fn from(id: OwnerId) -> Self {
        id.0
    }
}

/// Tells errands apart: one sending of one task of one owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ErrandKey {
    /// Whose task.
    pub owner: OwnerId,
    /// The task's number there.
    pub task: u64,
    /// Which time that it is sent: a number by chance, so that nobody takes it for an
    /// earlier one, whatever its owner has forgotten.
    pub sending: u64,
}

impl fmt::Display for ErrandKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.owner.as_str(), self.task, self.sending)
    }
}

/// One attempt of a task, on its way to a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errand {
    /// Which one.
    pub key: ErrandKey,
    /// What is to be done. Its dependencies have completed.
    pub task: NewTask,
    /// Who handed it in.
    pub caller: Caller,
    /// What a machine has to have announced to take it.
    pub tags: Vec<String>,
    /// The command that starts an agent's program, where the task is a prompt.
    pub agent_command: Option<String>,
}

/// What becomes of an errand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrandNews {
    /// It is on its way for certain, and needs this host no more.
    Sent,
    /// A machine begins: nothing was typed before this was kept.
    Begun {
        /// The machine's name.
        machine: String,
        /// The session there.
        session: String,
    },
    /// How far it is.
    Progress {
        /// Between 0 and 100.
        percent: f64,
        /// What it is doing.
        milestone: Option<String>,
    },
    /// The machine that had it fell silent, or what carried it lost it: nothing more
    /// comes of it.
    FellSilent {
        /// In a few words.
        how: String,
        /// Who may have begun it, where what was told of that may be lost as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        may_have_begun: Option<String>,
    },
    /// It has ended.
    Ended(Fate),
}

/// How far an errand is that an earlier host has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrandSentBefore {
    /// Whether that is certain.
    pub was_sent: bool,
    /// The machine and its session, as `machine/session`, once it has begun.
    pub worker: Option<String>,
}

impl ErrandSentBefore {
    /// The machine that has begun it.
    pub fn machine(&self) -> Option<&str> {
        let (machine, _) = self.worker.as_deref()?.split_once('/')?;
        Some(machine)
    }
}

/// One piece of news. It is told again, also to a later host, until it is settled.
#[derive(Debug)]
pub struct ErrandTold {
    /// The news.
    pub news: ErrandNews,
    /// Sent to once it is kept; nothing where it is not told again anyway.
    pub settled: Option<oneshot::Sender<()>>,
}

impl ErrandTold {
    /// Says that the news is kept.
    pub(super) fn settle(self) {
        if let Some(settled) = self.settled {
            // Nobody listening means that it is told again, which harms nobody.
            let _ = settled.send(());
        }
    }
}

/// A machine that takes errands, as it has announced itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// What it has.
    pub tags: Vec<String>,
    /// How many errands it takes at once.
    pub slots: u32,
}

impl Machine {
    /// Whether it takes errands that ask for these tags.
    pub fn has(&self, tags: &[String]) -> bool {
        tags.iter().all(|tag| self.tags.contains(tag))
    }
}

/// Why no errands can be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

/// A future that is sent between threads.
pub type Pending<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries errands to machines, and news of them back. Behind it is a work queue: an
/// errand goes to one machine that has its tags and room, and is told of as fallen
/// silent where that machine does not come back to it.
pub trait Machines: Send + Sync {
    /// Whether errands can be sent, as far as can be told within `patience`. It need
    /// not ask again once they could be.
    fn reach(&self, patience: Duration) -> Pending<'_, Result<(), Unreachable>>;

    /// Takes news from now on. Called once, when every errand that an earlier host has
    /// sent was asked after: news of errands that nobody knows are dropped.
    fn listen(&self, owner: OwnerId);

    /// Sends an errand, or only asks after it where an earlier host has sent it (`way`).
    /// The channel closes where this host goes.
    fn send(&self, errand: Errand, way: Option<&ErrandSentBefore>) -> mpsc::Receiver<ErrandTold>;

    /// Calls an errand off. Its end is told as of any other.
    fn recall(&self, key: &ErrandKey);

    /// Why nothing comes or goes just now, where that is so.
    fn trouble(&self) -> Option<Unreachable>;

    /// The machines that there are, as it changes.
    fn roster(&self) -> watch::Receiver<Arc<[Machine]>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_s_id_fits_into_any_name() {
        let id = OwnerId::by_chance();
        assert_eq!(OwnerId::try_from(id.as_str().to_owned()), Ok(id));
        for bad in ["", "x", "a.b", "ab ", &"0".repeat(65)] {
            assert!(OwnerId::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_machine_has_to_have_every_tag() {
        let machine = Machine {
            name: "m".into(),
            tags: vec!["gpu".into(), "linux".into()],
            slots: 1,
        };
        let tags = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        assert!(machine.has(&[]) && machine.has(&tags("linux gpu")));
        assert!(!machine.has(&tags("gpu big")));
    }
}
