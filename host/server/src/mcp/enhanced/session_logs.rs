//! `session_logs`.

use std::sync::Arc;

use quarterdeck_core::audit::{SessionEntry, SessionEvent};
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct SessionLogs;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// Newest entries
    #[serde(default = "default_limit")]
    limit: usize,
}

fn default_limit() -> usize {
    50
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    session_id: String,
    logs: Vec<Entry>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Entry {
    timestamp: String,
    /// allowed, confirmed, let-through, confirmation-required, refused, only-asked or ended
    event: String,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
}

impl From<SessionEntry> for Entry {
    fn from(entry: SessionEntry) -> Self {
        let timestamp = rfc3339(entry.at);
        let command = entry.command;
        match entry.what {
            SessionEvent::Judged { decision, verdict } => Self {
                timestamp,
                event: decision.as_str().to_owned(),
                command,
                reason: verdict.map(|verdict| verdict.reason),
                exit_status: None,
                duration_ms: None,
            },
            SessionEvent::Ended {
                exit_status,
                duration,
            } => Self {
                timestamp,
                event: "ended".to_owned(),
                command,
                reason: None,
                exit_status,
                duration_ms: u64::try_from(duration.as_millis()).ok(),
            },
        }
    }
}

impl NativeTool for SessionLogs {
    const NAME: &'static str = "session_logs";
    const TITLE: &'static str = "Read a session's log";
    const DESCRIPTION: &'static str =
        "Which commands were judged in a session, also one that has ended, and how they ended.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let entries = host
            .session_log(&arguments.session_id, arguments.limit)
            .await?;
        Ok(Output {
            session_id: arguments.session_id,
            logs: entries.into_iter().map(Into::into).collect(),
        })
    }

    fn text(output: &Output) -> String {
        let line = |entry: &Entry| {
            let how = match (entry.exit_status, &entry.reason) {
                (Some(status), _) => format!(" [exit status {status}]"),
                (None, Some(reason)) => format!(" [{reason}]"),
                (None, None) => String::new(),
            };
            format!(
                "{}  {}  {}{how}",
                entry.timestamp, entry.event, entry.command
            )
        };
        output.logs.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
