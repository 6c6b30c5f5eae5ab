//! What is known of sessions without measuring them.

use std::path::PathBuf;
use std::time::SystemTime;

use quarterdeck_terminal::{Cursor, ShellState, Size, Status};
use serde::{Deserialize, Serialize};

use crate::error::HostError;
use crate::host::Host;
use crate::session::{BackendKind, Session, SessionId};

/// A session at one moment, in the host's own words. What doors show of one, each in its
/// clients' dialect, is made of this.
#[derive(Clone, Debug)]
pub struct SessionDescription {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
    /// What carries it.
    pub backend: BackendKind,
    /// What the backend calls it, where that has names of its own.
    pub backend_handle: Option<String>,
    /// The tmux session that shows it and no other, or was the last that did.
    pub shown_by: Option<String>,
    /// The program that it was opened with, in words.
    pub opened_with: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it was opened.
    pub created_at: SystemTime,
    /// When something was last typed or printed.
    pub last_activity: SystemTime,
    /// What it does.
    pub state: SessionState,
    /// Whether a command runs.
    pub runs_command: bool,
    /// The command that runs, where the shell tells.
    pub command: Option<String>,
    /// Since when it runs.
    pub since: Option<SystemTime>,
    /// The command line that was accepted last.
    pub last_command: Option<String>,
    /// How the last command ended.
    pub last_exit_status: Option<i32>,
    /// The program in front.
    pub program: Option<String>,
    /// The shell's folder, where known.
    pub cwd: Option<PathBuf>,
    /// Whether the shell reports prompts and exit statuses.
    pub integrated: bool,
    /// Whether its own program has ended.
    pub ended: bool,
    /// The exit status of its own program, once that has ended.
    pub exit_status: Option<i32>,
    /// The screen's size.
    pub size: Size,
    /// Whether a program fills the whole screen.
    pub full_screen: bool,
    /// The title that its program gave the terminal.
    pub title: Option<String>,
    /// The end of its output.
    pub cursor: Cursor,
}

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

impl SessionState {
    /// The state's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Error => "error",
        }
    }
}

impl Host {
    /// Describes one session.
    pub async fn describe_session(&self, id: &str) -> Result<SessionDescription, HostError> {
        Ok(SessionDescription::now(&*self.registry.get(id)?).await)
    }

    /// The session of this id, or the one that its backend calls so, and what carries it,
    /// without asking its terminal.
    pub fn session_on(&self, name: &str) -> Option<(SessionId, BackendKind)> {
        let is_called_so = |session: &Session| match session.backend {
            BackendKind::Pty => false,
            BackendKind::Tmux => session.shown_by.name().as_deref() == Some(name),
            BackendKind::Iterm2 => session.terminal.backend_handle().as_deref() == Some(name),
        };
        let by_its_backend = || self.registry.all().into_iter().find(|it| is_called_so(it));
        let session = self.registry.get(name).ok().or_else(by_its_backend)?;
        Some((session.id.clone(), session.backend))
    }

    /// Describes all sessions, oldest first.
    pub async fn describe_sessions(&self) -> Vec<SessionDescription> {
        let sessions = self.registry.all();
        let described = sessions.iter().map(|it| SessionDescription::now(it));
        futures_util::future::join_all(described).await
    }
}

impl SessionDescription {
    /// Of a session as it is now.
    pub(crate) async fn now(session: &Session) -> Self {
        Self::of(session, session.terminal.status().await)
    }

    /// Of a session whose terminal has just been looked at.
    pub(crate) fn of(session: &Session, status: Status) -> Self {
        let ended = status.has_ended();
        let runs_command = status.is_running();
        let exit = match &status.shell {
            ShellState::Exited(exit) => *exit,
            _ => None,
        };
        let (command, since) = match status.shell {
            ShellState::Running { command, since } => (command, Some(since)),
            _ => (None, None),
        };
        Self {
            id: session.id.clone(),
            name: session.name.clone(),
            backend: session.backend,
            backend_handle: session.terminal.backend_handle(),
            shown_by: session.shown_by.name(),
            opened_with: session.program.clone(),
            tags: session.tags.list(),
            created_at: session.created_at,
            last_activity: status.last_activity,
            state: match exit {
                Some(exit) if !exit.success() => SessionState::Error,
                // Nobody can tell how: what carried it has gone.
                None if ended => SessionState::Error,
                None if runs_command => SessionState::Active,
                _ => SessionState::Idle,
            },
            runs_command,
            command,
            since,
            last_command: session.door.last_command(),
            last_exit_status: status.last_exit_status,
            program: status.foreground.map(|program| program.name),
            cwd: status.cwd,
            integrated: status.integrated,
            ended,
            exit_status: exit.and_then(|exit| exit.code()),
            size: status.size,
            full_screen: status.full_screen,
            title: status.title,
            cursor: status.cursor,
        }
    }
}
