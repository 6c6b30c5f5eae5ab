//! Names of streams and subjects, and what goes over each. Pure.
//!
//! | subject | kept | from → to | what |
//! | --- | --- | --- | --- |
//! | `quarterdeck.errand.TAGS.OWNER.TASK.SENDING` | until done | owner → one machine | [`Errand`](quarterdeck_core::tasks::Errand) |
//! | `quarterdeck.news.OWNER` | until taken | machine → owner | [`Letter`] |
//! | `quarterdeck.progress.OWNER` | no | machine → owner | [`Letter`] |
//! | `quarterdeck.held.OWNER` | no | machine → owner | [`StillHeld`]: what nobody waits for any more is called off |
//! | `quarterdeck.claim.OWNER` | no | machine → owner | [`StillHeld`], answered with a [`Claim`]: whether to begin it |
//! | `quarterdeck.machines` | no | machine → owners | [`Announcement`] |
//! | `quarterdeck.roll-call` | no | owner → machines | nothing: all announce themselves |
//! | `quarterdeck.tags` | no | owner → machines | nothing: there is a new set of tags |
//! | `quarterdeck.machine.NAME.recall` | no | owner → machine | [`ErrandKey`] |
//!
//! TAGS is a digest of the tags that an errand asks for. Each set of tags has a consumer
//! of its own, whose description lists them, so that machines find those that they have.

use std::collections::BTreeSet;

use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType};
use quarterdeck_core::tasks::{ErrandKey, ErrandNews, Machine, OwnerId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;

use crate::announcing::MachineName;

/// The work queue.
pub(crate) const ERRANDS: &str = "QUARTERDECK_ERRANDS";

/// What became of errands.
pub(crate) const NEWS: &str = "QUARTERDECK_NEWS";

/// Where machines announce themselves.
pub(crate) const MACHINES: &str = "quarterdeck.machines";

/// Where they are asked to.
pub(crate) const ROLL_CALL: &str = "quarterdeck.roll-call";

/// Where they hear that there is a new set of tags.
pub(crate) const NEW_TAGS: &str = "quarterdeck.tags";

/// What nobody asks for any more goes after 30 days.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The same message within this time is taken once.
const DUPLICATES: Duration = Duration::from_secs(10 * 60);

/// The two streams.
pub(crate) fn streams(replicas: usize) -> [Config; 2] {
    let stream = |name: &str, subject: &str, description: &str| Config {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        subjects: vec![subject.to_owned()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        max_age: KEPT_FOR,
        duplicate_window: DUPLICATES,
        num_replicas: replicas,
        ..Config::default()
    };
    [
        stream(ERRANDS, "quarterdeck.errand.>", "Tasks for machines"),
        stream(NEWS, "quarterdeck.news.*", "What became of them"),
    ]
}

/// The tags that errands ask for, in no order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TagSet(BTreeSet<String>);

impl TagSet {
    pub(crate) fn of(tags: &[String]) -> Self {
        Self(tags.iter().cloned().collect())
    }

    /// As a part of a subject.
    pub(crate) fn token(&self) -> String {
        if self.0.is_empty() {
            return "any".to_owned();
        }
        let mut digest = Sha256::new();
        for tag in &self.0 {
            digest.update((tag.len() as u64).to_be_bytes());
            digest.update(tag.as_bytes());
        }
        let digest = digest.finalize();
        digest[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The durable consumer of its errands.
    pub(crate) fn consumer(&self) -> String {
        format!("tags-{}", self.token())
    }

    /// Every errand that asks for it.
    pub(crate) fn subjects(&self) -> String {
        format!("quarterdeck.errand.{}.>", self.token())
    }

    /// How the consumer tells it.
    pub(crate) fn description(&self) -> String {
        serde_json::json!({ "tags": self.0 }).to_string()
    }

    /// What a consumer's description tells.
    pub(crate) fn described(description: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Described {
            tags: BTreeSet<String>,
        }
        let described: Described = serde_json::from_str(description).ok()?;
        Some(Self(described.tags))
    }

    /// Whether a machine with these tags can do what asks for the set.
    pub(crate) fn is_within(&self, tags: &[String]) -> bool {
        self.0.iter().all(|tag| tags.contains(tag))
    }
}

/// Where an errand is sent.
pub(crate) fn errand(tags: &TagSet, key: &ErrandKey) -> String {
    format!(
        "quarterdeck.errand.{}.{}.{}.{}",
        tags.token(),
        key.owner.as_str(),
        key.task,
        key.sending
    )
}

/// Every errand of an owner.
pub(crate) fn errands_of(owner: &OwnerId) -> String {
    format!("quarterdeck.errand.*.{}.>", owner.as_str())
}

/// The task and the sending that an errand's subject names.
pub(crate) fn errand_named(subject: &str) -> Option<(u64, u64)> {
    let mut parts = subject.rsplit('.');
    let sending = parts.next()?.parse().ok()?;
    Some((parts.next()?.parse().ok()?, sending))
}

/// Where an owner's news go.
pub(crate) fn news(owner: &OwnerId) -> String {
    format!("quarterdeck.news.{}", owner.as_str())
}

/// Where an owner hears how far its errands are.
pub(crate) fn progress(owner: &OwnerId) -> String {
    format!("quarterdeck.progress.{}", owner.as_str())
}

/// Where an owner hears which of its errands machines are at.
pub(crate) fn held(owner: &OwnerId) -> String {
    format!("quarterdeck.held.{}", owner.as_str())
}

/// Where an owner is asked whether an errand may begin.
pub(crate) fn claim(owner: &OwnerId) -> String {
    format!("quarterdeck.claim.{}", owner.as_str())
}

/// Where a machine hears what is called off.
pub(crate) fn recall(machine: &MachineName) -> String {
    format!("quarterdeck.machine.{}.recall", machine.as_str())
}

/// News of an errand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// Of which.
    pub(crate) key: ErrandKey,
    /// What became of it.
    pub(crate) news: ErrandNews,
}

/// A machine is at an errand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StillHeld {
    /// Which.
    pub(crate) key: ErrandKey,
    /// The machine's name.
    pub(crate) machine: String,
}

/// What an owner says to a machine that is about to begin an errand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Claim {
    /// Nobody else has.
    Granted,
    /// Another machine has begun it.
    Another,
    /// Nobody waits for it.
    Gone,
}

/// A machine is there, or leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    /// Tells apart two that took the same name.
    pub(crate) instance: String,
    /// The machine.
    pub(crate) machine: Machine,
    /// Whether it takes nothing more.
    pub(crate) leaves: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(tags: &[&str]) -> TagSet {
        TagSet::of(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_set_of_tags_has_one_name_in_whatever_order() {
        assert_eq!(set(&["a", "b"]).token(), set(&["b", "a", "a"]).token());
        assert_ne!(set(&["ab"]).token(), set(&["a", "b"]).token());
        assert_eq!(set(&[]).consumer(), "tags-any");
    }

    #[test]
    fn an_errand_is_found_again_by_its_subject() {
        let owner = OwnerId::try_from("ab12".to_owned()).expect("an id");
        let key = ErrandKey {
            owner,
            task: 7,
            sending: 3,
        };
        let subject = errand(&set(&["x"]), &key);
        assert_eq!(errand_named(&subject), Some((7, 3)));
        assert!(subject.starts_with(set(&["x"]).subjects().trim_end_matches('>')));
        assert_eq!(errand_named("quarterdeck.errand"), None);
    }

    proptest! {
        /// Whatever people call their tags, subjects stay subjects.
        #[test]
        fn any_tags_make_a_token(tags in prop::collection::vec(".*", 0..4)) {
            let set = TagSet::of(&tags);
            prop_assert!(set.token().bytes().all(|it| it.is_ascii_alphanumeric()));
            prop_assert_eq!(TagSet::described(&set.description()), Some(set.clone()));
            prop_assert!(set.is_within(&tags));
        }
    }
}
