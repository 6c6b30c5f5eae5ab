//! Which events a listener wants.

use super::EventType;
use crate::glob;

/// A choice of event types, made from the channels that clients name: a type
/// (`todo.update`), a group (`todo`), or a pattern with `*` and `?` (`agent.*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFilter {
    wanted: [bool; EventType::COUNT],
}

impl EventFilter {
    /// Every event.
    pub const EVERYTHING: Self = Self {
        wanted: [true; EventType::COUNT],
    };

    /// No event.
    pub const NOTHING: Self = Self {
        wanted: [false; EventType::COUNT],
    };

    /// The events that any of `channels` names, and the channels that name none.
    pub fn of<'a>(channels: impl IntoIterator<Item = &'a str>) -> (Self, Vec<&'a str>) {
        let mut filter = Self::NOTHING;
        let mut unknown = Vec::new();
        for channel in channels {
            let mut known = false;
            for event_type in EventType::ALL {
                if names(channel, event_type.as_str()) {
                    filter.wanted[*event_type as usize] = true;
                    known = true;
                }
            }
            if !known {
                unknown.push(channel);
            }
        }
        (filter, unknown)
    }

    /// Only these.
    pub fn only(types: &[EventType]) -> Self {
        let mut filter = Self::NOTHING;
        for event_type in types {
            filter.wanted[*event_type as usize] = true;
        }
        filter
    }

    /// What both want.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        Self {
            wanted: std::array::from_fn(|at| self.wanted[at] && other.wanted[at]),
        }
    }

    /// Whether it wants events of this type.
    pub fn wants(&self, event_type: EventType) -> bool {
        self.wanted[event_type as usize]
    }

    /// The types that it wants.
    pub fn types(&self) -> impl Iterator<Item = EventType> + '_ {
        EventType::ALL
            .iter()
            .copied()
            .filter(|event_type| self.wants(*event_type))
    }
}

fn names(channel: &str, event_type: &str) -> bool {
    let group = event_type.split('.').next();
    group == Some(channel) || glob::matches(channel, event_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(channels: &[&str]) -> Vec<&'static str> {
        let (filter, _) = EventFilter::of(channels.iter().copied());
        filter.types().map(EventType::as_str).collect()
    }

    #[test]
    fn channels_are_types_groups_and_patterns() {
        for (channels, types) in [
            (&["claude.output"][..], &["claude.output"][..]),
            (
                &["agent.*"],
                &["agent.delegation", "agent.status", "agent.activity"],
            ),
            (&["health"], &["health.alert"]),
            (
                &["todo.*", "ticket.?reated"],
                &["todo.update", "ticket.created"],
            ),
            (&["*.status"], &["claude.status", "agent.status"]),
            (&["ag*.s*t*s"], &["agent.status"]),
            (&["Agent.*", "agent.", ""], &[]),
        ] {
            assert_eq!(chosen(channels), types, "{channels:?}");
        }
        assert_eq!(chosen(&["*"]).len(), EventType::COUNT);
    }

    #[test]
    fn what_names_no_event_is_told() {
        let (_, unknown) = EventFilter::of(["todo.*", "tudu.*"]);
        assert_eq!(unknown, ["tudu.*"]);
    }
}
