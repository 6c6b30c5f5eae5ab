//! Everything that is known of one session.

use std::time::SystemTime;

use quarterdeck_terminal::{Cursor, ShellState};

use super::list::{SessionSummary, summary};
use crate::error::HostError;
use crate::host::Host;

/// A session at one moment.
#[derive(Clone, Debug)]
pub struct SessionStatus {
    /// As in the list.
    pub summary: SessionSummary,
    /// The command that runs, where the shell tells.
    pub command: Option<String>,
    /// Since when it runs.
    pub since: Option<SystemTime>,
    /// How the last command ended.
    pub last_exit_status: Option<i32>,
    /// Whether a program fills the whole screen.
    pub full_screen: bool,
    /// The title that its program gave the terminal.
    pub title: Option<String>,
    /// The end of its output.
    pub cursor: Cursor,
}

impl Host {
    /// Looks at one session closely.
    pub async fn session_status(&self, id: &str) -> Result<SessionStatus, HostError> {
        let session = self.registry.get(id)?;
        let measured = self.monitor.look(self.monitor.settings.interval).await?;
        let usage = (measured.sessions.iter())
            .find(|it| it.session.id == session.id)
            .map(|it| it.usage)
            .unwrap_or_default();
        let status = session.terminal.status().await;
        let (command, since) = match &status.shell {
            ShellState::Running { command, since } => (command.clone(), Some(*since)),
            _ => (None, None),
        };
        Ok(SessionStatus {
            command,
            since,
            last_exit_status: status.last_exit_status,
            full_screen: status.full_screen,
            title: status.title.clone(),
            cursor: status.cursor,
            summary: summary(&session, status, usage),
        })
    }
}
