//! What sessions are opened on, and those that are found there.

use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use quarterdeck_terminal::tmux::{FoundPane, Server, Socket};
use quarterdeck_terminal::{OpenError, OpenRequest, Opened, pty};
use tokio::sync::Mutex;

use crate::error::HostError;
use crate::gate::Door;
use crate::host::Host;
use crate::seen::Seen;
use crate::session::{BackendKind, Session, SessionId, Tags};

/// Which backend to open a session on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// The best that is there; `pty` for now.
    #[default]
    Auto,
    /// This one.
    Only(BackendKind),
}

/// A backend that cannot be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendChoiceError {
    /// It is to come.
    #[error("the backend {0} is not there yet: choose auto, pty or tmux")]
    ToCome(String),
    /// Nobody knows it.
    #[error("there is no backend {0:?}: choose auto, pty or tmux")]
    Unknown(String),
}

impl FromStr for BackendChoice {
    type Err = BackendChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "pty" => Ok(Self::Only(BackendKind::Pty)),
            "tmux" => Ok(Self::Only(BackendKind::Tmux)),
            "iterm" | "iterm2" | "api" => Err(BackendChoiceError::ToCome(text.to_owned())),
            _ => Err(BackendChoiceError::Unknown(text.to_owned())),
        }
    }
}

impl BackendChoice {
    /// The backend to open on.
    pub(crate) fn kind(self) -> BackendKind {
        match self {
            Self::Auto => BackendKind::Pty,
            Self::Only(kind) => kind,
        }
    }
}

/// The tmux server of the host, connected to when it is first needed and again
/// after it has gone.
pub(crate) struct Tmux {
    socket: Socket,
    /// Locked while connecting, so that there is one connection.
    server: Mutex<Option<Server>>,
}

impl Tmux {
    pub(crate) fn new(socket: Socket) -> Self {
        Self {
            socket,
            server: Mutex::default(),
        }
    }
}

impl Host {
    /// Opens a session's terminal on a backend.
    pub(crate) async fn open_on(
        &self,
        backend: BackendKind,
        request: OpenRequest,
    ) -> Result<Opened, HostError> {
        match backend {
            BackendKind::Pty => pty::open(request).await,
            BackendKind::Tmux => self.tmux().await?.open(request).await,
        }
        .map_err(cannot_open)
    }

    /// Takes over the sessions that are on tmux already, if that is where the
    /// host's sessions are.
    pub(crate) async fn find_sessions(&self) -> Result<(), HostError> {
        match self.sessions.backend.kind() {
            BackendKind::Pty => Ok(()),
            BackendKind::Tmux => self.tmux().await.map(drop),
        }
    }

    /// The tmux server. What is found there on connecting becomes sessions.
    async fn tmux(&self) -> Result<Server, HostError> {
        let mut server = self.tmux.server.lock().await;
        if let Some(server) = server.as_ref().filter(|server| server.is_connected()) {
            return Ok(server.clone());
        }
        let connected = Server::connect(self.tmux.socket.clone())
            .await
            .map_err(|error| cannot_open(error.into()))?;
        self.take_over(&connected).await?;
        *server = Some(connected.clone());
        Ok(connected)
    }

    /// Makes sessions of what no living host has, the pane of the host's own agent
    /// excepted.
    async fn take_over(&self, server: &Server) -> Result<(), HostError> {
        let found = server
            .panes()
            .await
            .map_err(|error| cannot_open(error.into()))?;
        for pane in found {
            if pane.is_own || pane.host.is_some() {
                continue;
            }
            // One that ends meanwhile must not hide the others.
            if let Err(error) = self.attach(server, &pane).await {
                tracing::warn!(pane = %pane.pane, %error, "cannot attach to a tmux pane");
            }
        }
        Ok(())
    }

    async fn attach(&self, server: &Server, found: &FoundPane) -> Result<(), HostError> {
        let free = self.registry.free_id()?;
        let id = found
            .session_id
            .as_deref()
            .and_then(SessionId::found)
            .filter(|id| self.registry.get(id.as_str()).is_err())
            .unwrap_or(free);
        let kept = OpenRequest {
            scrollback_lines: self.sessions.scrollback_lines,
            transcript_bytes: self.sessions.transcript_bytes,
            session_id: id.to_string(),
            ..OpenRequest::default()
        };
        let Opened { terminal, keyboard } = server
            .attach(found.pane, &kept)
            .await
            .map_err(cannot_open)?;
        let session = Arc::new(Session {
            id,
            name: found.place.clone(),
            backend: BackendKind::Tmux,
            program: "a pane of tmux".to_owned(),
            remote_shell: false,
            tags: Tags::new(Vec::new()),
            created_at: SystemTime::now(),
            terminal,
            door: Door::new(keyboard),
            run_turn: tokio::sync::Mutex::default(),
            seen: Seen::default(),
        });
        self.session_begins(&session, None);
        Ok(())
    }
}

fn cannot_open(error: OpenError) -> HostError {
    HostError::CannotOpen(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_chosen_by_name() {
        assert_eq!("auto".parse(), Ok(BackendChoice::Auto));
        assert_eq!("tmux".parse(), Ok(BackendChoice::Only(BackendKind::Tmux)));
        let error = |text: &str| text.parse::<BackendChoice>().expect_err("refused");
        assert!(error("iterm2").to_string().contains("not there yet"));
        assert!(error("screen").to_string().contains("no backend"));
        assert_eq!(BackendChoice::Auto.kind(), BackendKind::Pty);
    }
}
