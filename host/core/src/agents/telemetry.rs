//! Agents and their sessions in numbers, for a dashboard.

use std::sync::LazyLock;
use std::time::SystemTime;

use regex::Regex;

use super::notifications::{Notification, NotificationFilter};
use super::roster::Team;
use crate::host::Host;
use crate::operations::View;
use crate::session::{Session, SessionId};

/// How much of a session's end is looked through for errors, in lines.
const LOOKED_THROUGH: usize = 200;

/// Errors and messages that are shown.
const SHOWN: usize = 10;

/// One session in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneTelemetry {
    /// The session.
    pub session: SessionId,
    /// Its name.
    pub name: String,
    /// The agent that works there.
    pub agent: Option<String>,
    /// How often it was told something.
    pub messages: u64,
    /// When it was told something last, in milliseconds since 1970.
    pub last_message_ms: Option<u64>,
    /// Messages that are being typed or wait for it.
    pub under_way: usize,
    /// Lines that it has printed and are kept.
    pub output_lines: usize,
    /// Its last lines that speak of an error.
    pub recent_errors: Vec<String>,
    /// When it printed something last.
    pub last_output: SystemTime,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// The sessions.
    pub panes: Vec<PaneTelemetry>,
    /// The newest notifications.
    pub notifications: Vec<Notification>,
    /// The teams and how many members they have.
    pub teams: Vec<(Team, usize)>,
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
        let teams = self.agents.teams().into_iter();
        Telemetry {
            panes,
            notifications: self.agents.notifications(&newest).0,
            teams: teams.map(|(team, _, members)| (team, members)).collect(),
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
            session: session.id.clone(),
            name: session.name.clone(),
            agent: self.agents.agent_of(id).map(|agent| agent.name),
            messages: on_desk.messages,
            last_message_ms: on_desk.last_message_ms,
            under_way: on_desk.under_way,
            output_lines,
            recent_errors: errors(&text),
            last_output: status.last_activity,
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
