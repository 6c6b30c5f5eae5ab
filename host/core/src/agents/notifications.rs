//! What agents have to say for themselves: the newest notifications. Pure.

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So many are kept; the oldest makes room.
pub const KEPT: usize = 200;

/// The longest summary, in characters.
pub const LONGEST_SUMMARY: usize = 100;

/// How a notification is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the record.
    Info,
    /// Something may go wrong.
    Warning,
    /// Something went wrong.
    Error,
    /// Something is done.
    Success,
    /// The agent waits for somebody.
    Blocked,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Info,
        Self::Warning,
        Self::Error,
        Self::Success,
        Self::Blocked,
    ];

    /// The word that clients use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Success => "success",
            Self::Blocked => "blocked",
        }
    }

    /// The one of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }

    /// One character for a line of a list.
    pub fn sign(self) -> char {
        match self {
            Self::Info => 'ℹ',
            Self::Warning => '⚠',
            Self::Error => '✗',
            Self::Success => '✓',
            Self::Blocked => '⏸',
        }
    }
}

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Whose.
    pub agent: String,
    /// RFC 3339.
    pub timestamp: String,
    /// How it is meant.
    pub level: Level,
    /// One line, up to [`LONGEST_SUMMARY`] characters.
    pub summary: String,
    /// More about it.
    pub context: Option<String>,
    /// What could be done.
    pub action_hint: Option<String>,
    /// Milliseconds since 1970, for comparing.
    pub at_ms: u64,
}

/// Which notifications are asked for.
#[derive(Clone, Debug)]
pub struct NotificationFilter {
    /// How many at most.
    pub limit: usize,
    /// Only these.
    pub level: Option<Level>,
    /// Only of this agent.
    pub agent: Option<String>,
    /// Only from then on; milliseconds since 1970.
    pub since_ms: Option<u64>,
}

/// The newest notifications.
#[derive(Clone, Debug, Default)]
pub struct Notifications {
    newest_last: VecDeque<Notification>,
}

impl Notifications {
    /// Those of an earlier host, oldest first.
    pub fn restore(kept: impl IntoIterator<Item = Notification>) -> Self {
        let mut notifications = Self::default();
        for notification in kept {
            notifications.add(notification);
        }
        notifications
    }

    /// Keeps one.
    pub fn add(&mut self, notification: Notification) {
        if self.newest_last.len() == KEPT {
            self.newest_last.pop_front();
        }
        self.newest_last.push_back(notification);
    }

    /// Those asked for, newest first, and how many fit in all.
    pub fn find(&self, filter: &NotificationFilter) -> (Vec<Notification>, usize) {
        let fits = |it: &&Notification| {
            filter.level.is_none_or(|level| it.level == level)
                && filter.agent.as_ref().is_none_or(|agent| it.agent == *agent)
                && filter.since_ms.is_none_or(|since| it.at_ms >= since)
        };
        let all: Vec<&Notification> = self.newest_last.iter().rev().filter(fits).collect();
        let total = all.len();
        (all.into_iter().take(filter.limit).cloned().collect(), total)
    }

    /// The newest of each agent.
    pub fn latest(&self) -> BTreeMap<&str, &Notification> {
        (self.newest_last.iter())
            .map(|it| (it.agent.as_str(), it))
            .collect()
    }
}

/// A summary cut to its length.
pub fn summary(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(LONGEST_SUMMARY) {
        None => line.to_owned(),
        Some(_) => line
            .chars()
            .take(LONGEST_SUMMARY - 1)
            .chain(['…'])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(number: usize, agent: &str, level: Level) -> Notification {
        Notification {
            agent: agent.to_owned(),
            timestamp: String::new(),
            level,
            summary: number.to_string(),
            context: None,
            action_hint: None,
            at_ms: number as u64,
        }
    }

    fn all() -> NotificationFilter {
        NotificationFilter {
            limit: 10,
            level: None,
            agent: None,
            since_ms: None,
        }
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_make_room() {
        let ring = Notifications::restore((0..250).map(|n| notification(n, "a", Level::Info)));
        let (found, total) = ring.find(&all());
        assert_eq!((found.len(), total), (10, KEPT));
        assert_eq!(found[0].summary, "249");
    }

    #[test]
    fn they_are_found_by_agent_level_and_time() {
        let kept = [
            ("a", Level::Info),
            ("b", Level::Error),
            ("a", Level::Error),
            ("a", Level::Error),
        ];
        let ring = Notifications::restore(
            (kept.iter().enumerate()).map(|(n, (agent, level))| notification(n, agent, *level)),
        );
        let filter = NotificationFilter {
            level: Some(Level::Error),
            agent: Some("a".to_owned()),
            since_ms: Some(3),
            ..all()
        };
        let (found, total) = ring.find(&filter);
        assert_eq!((found[0].summary.as_str(), total), ("3", 1));
        assert_eq!(ring.latest()["a"].summary, "3");
    }

    #[test]
    fn a_long_summary_is_cut_where_it_shows() {
        assert_eq!(summary("done\nmore"), "done");
        let cut = summary(&"é".repeat(101));
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (100, true));
        assert_eq!(summary(&"é".repeat(100)), "é".repeat(100));
    }
}
