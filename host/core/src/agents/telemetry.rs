//! Agents and their sessions in numbers, for a dashboard.

use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use serde_json::{Value, json};

use super::notifications::NotificationFilter;
use crate::clock::{rfc3339, rfc3339_of_ms};
use crate::host::Host;
use crate::operations::View;
use crate::session::Session;

/// How much of a session's end is looked through for errors, in lines.
const LOOKED_THROUGH: usize = 200;

/// Errors and messages that are shown.
const SHOWN: usize = 10;

/// One session in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaneTelemetry {
    /// The session.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Names the session for good: here the same as `id`.
    pub persistent_id: String,
    /// The agent that works there.
    pub agent: Option<String>,
    /// How often it was told something.
    pub command_count: u64,
    /// Lines that it has printed and are kept.
    pub output_lines: usize,
    /// Its last lines that speak of an error.
    pub recent_errors: Vec<String>,
    /// RFC 3339.
    pub last_command_at: Option<String>,
    /// RFC 3339.
    pub last_output_at: Option<String>,
    /// Messages that are being typed or wait for it.
    pub queue_depth: usize,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Telemetry {
    /// Agents whose session lives.
    pub agents_online: usize,
    /// How many sessions there are.
    pub pane_count: usize,
    /// The sessions.
    pub panes: Vec<PaneTelemetry>,
    /// The newest notifications.
    pub recent_messages: Value,
    /// The teams and how many members they have.
    pub teams: Value,
    /// The session that anybody made active last.
    pub active_session: Option<String>,
}

impl Host {
    /// Agents and their sessions in numbers.
    pub async fn telemetry(&self) -> Telemetry {
        let sessions = self.registry.all();
        let panes = sessions.iter().map(|session| self.pane(session));
        let panes = futures_util::future::join_all(panes).await;
        let newest = NotificationFilter {
            limit: SHOWN,
            level: None,
            agent: None,
            since_ms: None,
        };
        let teams = self.agents.teams().into_iter().map(|(team, _, members)| {
            json!({ "name": team.name, "parent_team": team.parent_team, "member_count": members })
        });
        Telemetry {
            agents_online: panes.iter().filter(|pane| pane.agent.is_some()).count(),
            pane_count: panes.len(),
            panes,
            recent_messages: json!(self.agents.notifications(&newest).0),
            teams: teams.collect(),
            active_session: self.agents.desk().last_active().map(str::to_owned),
        }
    }

    async fn pane(&self, session: &Session) -> PaneTelemetry {
        let id = session.id.as_str();
        let on_desk = self.agents.desk().session(id);
        let status = session.terminal.status().await;
        let end = View::Scrollback {
            start: None,
            lines: LOOKED_THROUGH,
        };
        // A session that goes in this moment has printed nothing.
        let (text, output_lines) = match self.read_session(id, end).await {
            Ok(reading) => (reading.text, reading.total_lines.unwrap_or(0)),
            Err(_) => (String::new(), 0),
        };
        PaneTelemetry {
            id: id.to_owned(),
            name: session.name.clone(),
            persistent_id: id.to_owned(),
            agent: self.agents.agent_of(id).map(|agent| agent.name),
            command_count: on_desk.messages,
            output_lines,
            recent_errors: errors(&text),
            last_command_at: on_desk.last_message_ms.map(rfc3339_of_ms),
            last_output_at: Some(rfc3339(status.last_activity)),
            queue_depth: on_desk.under_way,
        }
    }
}

fn errors(text: &str) -> Vec<String> {
    static SPEAKS_OF_ERRORS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)\b(error|exception|traceback|panicked|fatal)\b").ok());
    let Some(pattern) = SPEAKS_OF_ERRORS.as_ref() else {
        return Vec::new();
    };
    let found: Vec<&str> = text.lines().filter(|line| pattern.is_match(line)).collect();
    let last = &found[found.len().saturating_sub(SHOWN)..];
    last.iter().map(|line| line.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::errors;

    #[test]
    fn lines_that_speak_of_errors_are_found() {
        let found = errors("fine\nError: no disk\nterror\nthread 'main' panicked at x\n");
        assert_eq!(found, ["Error: no disk", "thread 'main' panicked at x"]);
    }
}
