//! The sessions that there are.

use std::path::PathBuf;
use std::time::SystemTime;

use quarterdeck_terminal::{ShellState, Size, Status};
use serde::{Deserialize, Serialize};

use crate::error::HostError;
use crate::host::Host;
use crate::monitor::Usage;
use crate::session::{BackendKind, Session, SessionId};

/// The states of the enhanced-iterm-mcp document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// A command runs.
    Active,
    /// The shell waits.
    Idle,
    /// The shell ended with something else than success.
    Error,
}

/// One line of the list.
#[derive(Clone, Debug)]
pub struct SessionSummary {
    /// The session's id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: SessionState,
    /// Processor and memory of its process tree.
    pub usage: Usage,
    /// When something was last typed or printed.
    pub last_activity: SystemTime,
    /// When it was opened.
    pub created_at: SystemTime,
    /// What carries it.
    pub backend: BackendKind,
    /// The shell's folder, where known.
    pub cwd: Option<PathBuf>,
    /// The program in front.
    pub program: Option<String>,
    /// The shell's own exit status, once it has ended.
    pub exit_status: Option<i32>,
    /// Whether the shell has ended.
    pub ended: bool,
    /// Whether the shell reports prompts and exit statuses.
    pub integrated: bool,
    /// The screen's size.
    pub size: Size,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The command line that was accepted last.
    pub last_command: Option<String>,
}

impl Host {
    /// All sessions, oldest first.
    pub async fn list_sessions(&self) -> Result<Vec<SessionSummary>, HostError> {
        self.find_sessions().await?;
        let measured = self.monitor.look(self.monitor.settings.interval).await?;
        let mut summaries = Vec::with_capacity(measured.sessions.len());
        for it in measured.sessions {
            let status = match it.status {
                Some(status) => status,
                None => it.session.terminal.status().await,
            };
            summaries.push(summary(&it.session, status, it.usage));
        }
        Ok(summaries)
    }
}

pub(super) fn summary(session: &Session, status: Status, usage: Usage) -> SessionSummary {
    let ended = status.has_ended();
    let exit = match &status.shell {
        ShellState::Exited(exit) => *exit,
        _ => None,
    };
    SessionSummary {
        id: session.id.clone(),
        name: session.name.clone(),
        state: match exit {
            Some(exit) if !exit.success() => SessionState::Error,
            // Nobody can tell how: what carried it has gone.
            None if ended => SessionState::Error,
            None if status.is_running() => SessionState::Active,
            _ => SessionState::Idle,
        },
        usage,
        last_activity: status.last_activity,
        created_at: session.created_at,
        backend: session.backend,
        cwd: status.cwd,
        program: status.foreground.map(|program| program.name),
        exit_status: exit.and_then(|exit| exit.code()),
        ended,
        integrated: status.integrated,
        size: status.size,
        tags: session.tags.list(),
        last_command: session.door.last_command(),
    }
}
