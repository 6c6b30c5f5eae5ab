//! What sessions are opened on, and those that are found there.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use quarterdeck_terminal::iterm2::Iterm2Error;
use quarterdeck_terminal::tmux::{FoundPane, Server, Socket, TmuxError};
use quarterdeck_terminal::{OpenError, OpenRequest, pty};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::Guarded;
use crate::host::Host;
use crate::monitor::BackendHealth;
use crate::session::{BackendKind, Identity, Session, SessionId};

/// Which backend to open a session on; written as the word that chooses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BackendChoice {
    /// The best that is there: `iterm2` where it answers, else `pty`.
    #[default]
    Auto,
    /// This one.
    Only(BackendKind),
}

/// A backend that cannot be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendChoiceError {
    /// Nobody knows it.
    #[error("there is no backend {0:?}: choose auto, pty, tmux or iterm2")]
    Unknown(String),
}

impl FromStr for BackendChoice {
    type Err = BackendChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "pty" => Ok(Self::Only(BackendKind::Pty)),
            "tmux" => Ok(Self::Only(BackendKind::Tmux)),
            // By the name of its API, as other servers' clients have it.
            "iterm" | "iterm2" | "api" => Ok(Self::Only(BackendKind::Iterm2)),
            _ => Err(BackendChoiceError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for BackendChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Only(kind) => kind.as_str(),
        })
    }
}

impl TryFrom<String> for BackendChoice {
    type Error = BackendChoiceError;

    fn try_from(name: String) -> Result<Self, BackendChoiceError> {
        name.parse()
    }
}

impl From<BackendChoice> for String {
    fn from(choice: BackendChoice) -> Self {
        choice.to_string()
    }
}

/// The tmux server of the host, connected to when it is first needed and again
/// after it has gone.
pub(crate) struct Tmux {
    socket: Socket,
    /// Locked while connecting, so that there is one connection, and while sessions are
    /// looked for, so that each is found once.
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
    ) -> Result<Guarded, HostError> {
        match backend {
            BackendKind::Pty => pty::open(request).await,
            BackendKind::Tmux => match self.tmux().await?.open(request.clone()).await {
                // It went before it could be asked, or with what it had opened.
                Err(OpenError::Tmux(TmuxError::Gone { .. })) => {
                    self.tmux().await?.open(request).await
                }
                opened => opened,
            },
            BackendKind::Iterm2 => self.iterm2().await?.open(request).await,
        }
        .map(Guarded::from)
        .map_err(cannot_open)
    }

    /// Makes sure that sessions of an earlier host can be named before anybody has listed
    /// them. Where they cannot be looked for, whoever names one is told that it is unknown.
    pub async fn find_earlier_sessions(&self) {
        let looking = self.looked_for_sessions.get_or_init(async || {
            if let Err(error) = self.find_sessions().await {
                tracing::warn!(%error, "sessions of an earlier host were not looked for");
            }
        });
        looking.await;
    }

    /// Takes over the sessions that are on tmux or iTerm2 already, if that is where
    /// the host's sessions are.
    pub(crate) async fn find_sessions(&self) -> Result<(), HostError> {
        self.find_sessions_on(self.sessions.backend).await
    }

    /// The same where the caller's new sessions are opened. Fails where there is no such
    /// backend.
    pub async fn find_sessions_of(&self, caller: &Caller) -> Result<(), HostError> {
        let backend = caller.backend.unwrap_or(self.sessions.backend);
        self.find_sessions_on(backend).await
    }

    async fn find_sessions_on(&self, backend: BackendChoice) -> Result<(), HostError> {
        match self.kind_of(backend).await {
            BackendKind::Pty => Ok(()),
            BackendKind::Tmux => self.find_tmux_panes().await,
            BackendKind::Iterm2 => self.find_panes().await,
        }
    }

    /// Makes sessions of the panes that people have opened on tmux since.
    async fn find_tmux_panes(&self) -> Result<(), HostError> {
        let server = self.tmux().await?;
        let _turn = self.tmux.server.lock().await;
        // A server that ends meanwhile takes its panes along, which is no reason to tell
        // nothing of the other sessions.
        if let Err(error) = self.take_over(&server).await {
            tracing::warn!(%error, "panes that have come on tmux were not looked for");
        }
        Ok(())
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

    /// The tmux server, if the host has needed it and it is still there.
    pub(crate) async fn connected_tmux(&self) -> Option<Server> {
        let server = self.tmux.server.lock().await;
        server.clone().filter(Server::is_connected)
    }

    /// How the backends answer: that of new sessions, and those that are in use.
    pub(crate) async fn backends_health(&self, patience: Duration) -> Vec<BackendHealth> {
        let on = |kind: BackendKind| {
            let sessions = self.registry.all();
            sessions.iter().filter(|it| it.backend == kind).count()
        };
        let chosen = self.kind_of(self.sessions.backend).await;
        let mut backends = Vec::new();
        if chosen == BackendKind::Pty || on(BackendKind::Pty) > 0 {
            let began = Instant::now();
            let answer = pty::probe().map_err(|error| {
                format!("the system gives no terminal device ({error}); close some sessions")
            });
            let on = on(BackendKind::Pty);
            backends.push(BackendHealth::new(BackendKind::Pty, answer, began, on));
        }
        if chosen == BackendKind::Tmux || on(BackendKind::Tmux) > 0 {
            let began = Instant::now();
            // Whoever connects to it holds the lock meanwhile.
            let asked = async {
                match self.tmux.server.lock().await.clone() {
                    Some(server) => server.panes().await.map(|_| true),
                    None => Ok(false),
                }
            };
            let answer = match tokio::time::timeout(patience, asked).await {
                Ok(Ok(was_needed)) => was_needed.then_some(Ok(())),
                Ok(Err(error)) => Some(Err(error.to_string())),
                Err(_) => Some(Err(format!("no answer within {} s", patience.as_secs()))),
            };
            let on = on(BackendKind::Tmux);
            backends.extend(
                answer.map(|answer| BackendHealth::new(BackendKind::Tmux, answer, began, on)),
            );
        }
        let on = on(BackendKind::Iterm2);
        if chosen == BackendKind::Iterm2 || on > 0 {
            let began = Instant::now();
            let answer = self.iterm2_within(patience).await;
            let answer = answer.map(drop).map_err(|error| error.to_string());
            backends.push(BackendHealth::new(BackendKind::Iterm2, answer, began, on));
        }
        backends
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
        let found_id = found.session_id.as_deref().and_then(SessionId::found);
        let place = self.registry.reserve_found(found_id, SessionId::random)?;
        let id = place.id().clone();
        // A store that cannot be read costs a session its name and marks, not its life.
        let kept = self.kept_session(&id).await.ok().flatten();
        let mut identity =
            Identity::found(id, found.place.clone(), BackendKind::Tmux, "a pane of tmux");
        let mut marks = None;
        if let Some(kept) = kept {
            identity.name = kept.name;
            identity.tags = kept.tags;
            identity.created_at = kept.created_at;
            marks = kept.marks;
        }
        let request = self.taking_over(&identity.id);
        let attached = server.attach(found, &request, marks).await;
        let Guarded { terminal, door, .. } = attached.map_err(cannot_open)?.into();
        let session = Session::new(identity, terminal, door);
        self.session_begins(&session, None, None);
        Ok(())
    }

    /// How the terminal of a session that was found is kept.
    pub(crate) fn taking_over(&self, id: &SessionId) -> OpenRequest {
        OpenRequest {
            scrollback_lines: self.sessions.scrollback_lines,
            transcript_bytes: self.sessions.transcript_bytes,
            session_id: id.to_string(),
            ..OpenRequest::default()
        }
    }
}

/// Tells what another request would do better from what it would not.
pub(crate) fn cannot_open(error: OpenError) -> HostError {
    let why = error.to_string();
    match error {
        OpenError::Folder { .. }
        | OpenError::Program { .. }
        | OpenError::NoPlaces { .. }
        | OpenError::Tmux(TmuxError::Missing | TmuxError::TooOld { .. })
        | OpenError::Iterm2(Iterm2Error::Absent { .. }) => HostError::CannotOpenSo(why),
        _ => HostError::CannotOpen(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_chosen_by_name() {
        assert_eq!("auto".parse(), Ok(BackendChoice::Auto));
        assert_eq!("tmux".parse(), Ok(BackendChoice::Only(BackendKind::Tmux)));
        for name in ["iterm2", "iterm", "api"] {
            assert_eq!(name.parse(), Ok(BackendChoice::Only(BackendKind::Iterm2)));
        }
        for name in ["auto", "pty", "tmux", "iterm2"] {
            let choice: BackendChoice = name.parse().expect("known");
            assert_eq!(choice.to_string(), name);
        }
        let error = "screen".parse::<BackendChoice>().expect_err("refused");
        assert!(error.to_string().contains("no backend"));
    }
}
