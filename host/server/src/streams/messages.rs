//! What a stream says beside events. Each has the shape of an event, without a
//! number.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use quarterdeck_core::events::KeptEvent;
use quarterdeck_core::{ErrorCode, rfc3339};
use serde::Serialize;
use serde_json::json;

use super::Streams;

fn message(kind: &str, data: &impl Serialize) -> String {
    json!({ "type": kind, "timestamp": rfc3339(SystemTime::now()), "data": data }).to_string()
}

/// `system.status`, which greets whoever connects.
pub(super) fn status(streams: &Streams) -> String {
    let overview = streams.host.overview();
    let agent = overview.coding_agents.first();
    let data = json!({
        "session_id": streams.run,
        "session_start": rfc3339(overview.started_at),
        "claude_status": if agent.is_some() { "running" } else { "stopped" },
        "claude_pid": agent.and_then(|agent| agent.pid),
        "connected_clients": streams.subscribers(),
        "sessions": overview.sessions,
        "waiting_confirmations": overview.waiting,
        "sequence": streams.host.events().last(),
    });
    message("system.status", &data)
}

/// The answer to `subscribe`.
pub(super) fn subscribed(
    channels: &[String],
    unknown: &[&str],
    interval: Option<Duration>,
) -> String {
    let mut data = json!({ "channels": channels });
    if !unknown.is_empty() {
        data["unknown"] = json!(unknown);
    }
    if let Some(interval) = interval {
        data["interval"] = json!(interval.as_millis());
    }
    message("subscribed", &data)
}

/// The answer to the token.
pub(super) fn authenticated() -> String {
    message("authenticated", &json!({}))
}

/// The answer to `get_history`. The events are JSON already. `unknown` are names of types
/// that there are none of.
pub(super) fn history(events: &[KeptEvent], unknown: &[&str]) -> String {
    let texts: Vec<&str> = events.iter().map(|event| &*event.text).collect();
    let unknown = match unknown {
        [] => String::new(),
        unknown => format!(r#","unknown":{}"#, json!(unknown)),
    };
    format!(
        r#"{{"type":"history","timestamp":"{}","data":{{"events":[{}]{unknown}}}}}"#,
        rfc3339(SystemTime::now()),
        texts.join(",")
    )
}

/// In place of events that came faster than the client has read.
pub(super) fn missed(first: u64, last: u64) -> String {
    let data = json!({
        "missed": last - first + 1,
        "first": first,
        "last": last,
        "message": "read faster, or subscribe to less; get_history and subscribe with since bring them back",
    });
    message("events.missed", &data)
}

/// What went wrong.
pub(super) fn error(code: ErrorCode, what: &impl Display) -> String {
    message(
        "error",
        &json!({ "code": code, "message": what.to_string() }),
    )
}

/// A command too many.
pub(super) fn too_often(retry_in: Duration) -> String {
    let data = json!({
        "code": ErrorCode::RateLimitExceeded,
        "message": "these commands come too fast; wait before the next",
        "retry_after_ms": retry_in.as_millis(),
    });
    message("error", &data)
}
