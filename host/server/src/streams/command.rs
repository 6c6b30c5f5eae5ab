//! What clients say.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// Channels in one subscription.
const MOST_CHANNELS: usize = 100;
/// Events in one answer.
const MOST_EVENTS: usize = 1_000;
/// Events in one answer, where the client does not say.
const USUAL_EVENTS: usize = 100;
/// Updates do not come faster than this, whatever a client wishes.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Shows the token.
    ShowToken,
    /// From now on tells of these channels, and of no others.
    Subscribe {
        /// Names and patterns; none leaves the choice as it is.
        channels: Option<Vec<String>>,
        /// Tells first what came after this number.
        since: Option<u64>,
        /// The shortest time between two updates of what is measured.
        interval: Option<Duration>,
    },
    /// Asks for `system.status`.
    GetStatus,
    /// Asks for events of the past.
    GetHistory {
        /// Names and patterns; every event where there are none.
        types: Option<Vec<String>>,
        /// How many at most, the newest.
        limit: usize,
        /// Only those after this number.
        since: u64,
    },
}

/// A message with what it says, and the token that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) token: Option<String>,
    pub(super) command: Command,
}

/// A message that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misunderstood {
    #[error("Invalid JSON")]
    NotJson,
    #[error(
        "a message is one JSON object, as in {{\"command\": \"subscribe\", \"channels\": [\"*\"]}}; this is {0}"
    )]
    NotAnObject(&'static str),
    #[error(
        "there is no command {0:?}; the commands are subscribe, get_status, get_history and authenticate"
    )]
    UnknownCommand(String),
    #[error(
        "the message names neither a command nor what to subscribe to, as in {{\"command\": \"get_status\"}}"
    )]
    NoCommand,
    #[error("the command {command} cannot be read: {reason}")]
    Unreadable {
        command: &'static str,
        reason: String,
    },
    #[error("{count} channels are more than the {MOST_CHANNELS} that one subscription may name")]
    TooManyChannels { count: usize },
}

/// Both documents' messages in one: `command` is that of claude-mpm, `subscribe`
/// and `interval` are those of enhanced-iterm-mcp.
#[derive(Deserialize)]
struct Message {
    command: Option<Value>,
    token: Option<String>,
    channels: Option<Vec<String>>,
    subscribe: Option<Vec<String>>,
    since: Option<u64>,
    /// Milliseconds.
    interval: Option<f64>,
    event_types: Option<Vec<String>>,
    limit: Option<usize>,
    /// Where claude-mpm's document has `event_types` and `limit`; they count beside the
    /// command, too.
    params: Option<HistoryParams>,
}

#[derive(Default, Deserialize)]
struct HistoryParams {
    event_types: Option<Vec<String>>,
    limit: Option<usize>,
    since: Option<u64>,
}

impl Said {
    pub(super) fn parse(text: &str) -> Result<Self, Misunderstood> {
        let value: Value = serde_json::from_str(text).map_err(|_| Misunderstood::NotJson)?;
        let Value::Object(object) = &value else {
            return Err(Misunderstood::NotAnObject(kind(&value)));
        };
        let command = match object.get("command") {
            None if object.contains_key("subscribe") => "subscribe",
            None if object.contains_key("token") => "authenticate",
            None => return Err(Misunderstood::NoCommand),
            Some(Value::String(name)) => match name.as_str() {
                "subscribe" => "subscribe",
                "get_status" => "get_status",
                "get_history" => "get_history",
                "authenticate" => "authenticate",
                _ => return Err(Misunderstood::UnknownCommand(clipped(name))),
            },
            Some(other) => return Err(Misunderstood::UnknownCommand(clipped(&other.to_string()))),
        };
        let message: Message =
            serde_path_to_error::deserialize(value).map_err(|error| Misunderstood::Unreadable {
                command,
                reason: clipped(&error.to_string()),
            })?;
        Ok(Self {
            token: message.token.clone(),
            command: message.command(command)?,
        })
    }
}

impl Message {
    fn command(self, name: &'static str) -> Result<Command, Misunderstood> {
        debug_assert!(self.command.is_none_or(|named| named == name));
        Ok(match name {
            "subscribe" => Command::Subscribe {
                channels: bounded(self.channels.or(self.subscribe))?,
                since: self.since,
                interval: self.interval.map(interval),
            },
            "get_status" => Command::GetStatus,
            "get_history" => {
                let params = self.params.unwrap_or_default();
                let types = params.event_types.or(self.event_types);
                let limit = params.limit.or(self.limit).unwrap_or(USUAL_EVENTS);
                Command::GetHistory {
                    // Who names no type means every one.
                    types: bounded(types)?.filter(|types| !types.is_empty()),
                    limit: limit.min(MOST_EVENTS),
                    since: params.since.or(self.since).unwrap_or(0),
                }
            }
            _ => Command::ShowToken,
        })
    }
}

fn bounded(channels: Option<Vec<String>>) -> Result<Option<Vec<String>>, Misunderstood> {
    match channels {
        Some(channels) if channels.len() > MOST_CHANNELS => Err(Misunderstood::TooManyChannels {
            count: channels.len(),
        }),
        channels => Ok(channels),
    }
}

fn interval(milliseconds: f64) -> Duration {
    let seconds = (milliseconds / 1_000.0).clamp(0.0, 86_400.0);
    Duration::from_secs_f64(seconds).max(SHORTEST_INTERVAL)
}

/// What a client said is repeated to it, but not at any length.
fn clipped(text: &str) -> String {
    text.chars().take(200).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Result<Command, Misunderstood> {
        Said::parse(text).map(|said| said.command)
    }

    #[test]
    fn the_documents_messages_are_understood() {
        assert_eq!(
            command(r#"{"command": "subscribe", "channels": ["claude.output", "agent.*"]}"#),
            Ok(Command::Subscribe {
                channels: Some(vec!["claude.output".to_owned(), "agent.*".to_owned()]),
                since: None,
                interval: None,
            })
        );
        assert_eq!(
            command(r#"{"subscribe": ["performance", "health", "progress"], "interval": 1000}"#),
            Ok(Command::Subscribe {
                channels: Some(
                    ["performance", "health", "progress"]
                        .map(str::to_owned)
                        .into()
                ),
                since: None,
                interval: Some(Duration::from_secs(1)),
            })
        );
        assert_eq!(
            command(r#"{"command": "get_status"}"#),
            Ok(Command::GetStatus)
        );
        assert_eq!(
            command(
                r#"{"command": "get_history", "params": {"event_types": ["agent.delegation"], "limit": 100}}"#
            ),
            Ok(Command::GetHistory {
                types: Some(vec!["agent.delegation".to_owned()]),
                limit: 100,
                since: 0,
            })
        );
    }

    #[test]
    fn what_a_history_is_asked_for_may_stand_beside_the_command() {
        assert_eq!(
            command(r#"{"command": "get_history", "event_types": ["gate.*"], "limit": 1}"#),
            command(
                r#"{"command": "get_history", "params": {"event_types": ["gate.*"], "limit": 1}}"#
            )
        );
        assert_eq!(
            command(r#"{"command": "get_history", "since": 7}"#),
            Ok(Command::GetHistory {
                types: None,
                limit: USUAL_EVENTS,
                since: 7
            })
        );
    }

    #[test]
    fn a_token_can_come_alone_or_with_a_command() {
        for text in [
            r#"{"token": "t"}"#,
            r#"{"command": "authenticate", "token": "t"}"#,
            r#"{"subscribe": ["health"], "token": "t"}"#,
        ] {
            let said = Said::parse(text).expect(text);
            assert_eq!(said.token.as_deref(), Some("t"));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for (text, told) in [
            ("{", "Invalid JSON"),
            ("", "Invalid JSON"),
            ("[1, 2]", "an array"),
            ("42", "a number"),
            ("{}", "neither a command"),
            (r#"{"command": "dance"}"#, "\"dance\""),
            (r#"{"command": 7}"#, "\"7\""),
            (r#"{"command": "subscribe", "channels": "all"}"#, "channels"),
            (
                r#"{"command": "get_history", "params": {"limit": -1}}"#,
                "limit",
            ),
        ] {
            let error = command(text).expect_err(text).to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn wishes_are_bounded() {
        let Ok(Command::GetHistory { limit, .. }) =
            command(r#"{"command": "get_history", "params": {"limit": 1000000}}"#)
        else {
            panic!("a history");
        };
        assert_eq!(limit, MOST_EVENTS);
        for (wish, interval) in [("0", 100), ("-5", 100), ("1e300", 86_400_000)] {
            let text = format!(r#"{{"subscribe": ["health"], "interval": {wish}}}"#);
            let Ok(Command::Subscribe { interval: got, .. }) = command(&text) else {
                panic!("a subscription");
            };
            assert_eq!(got, Some(Duration::from_millis(interval)));
        }
        let many = serde_json::json!({ "subscribe": vec!["health"; 101] }).to_string();
        assert!(matches!(
            command(&many),
            Err(Misunderstood::TooManyChannels { count: 101 })
        ));
    }
}
