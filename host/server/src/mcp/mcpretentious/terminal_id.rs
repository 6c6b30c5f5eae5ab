//! Terminal ids: the backend, a colon, and the session's id; on tmux the name of the tmux
//! session that shows the terminal, if one shows no other.

use quarterdeck_core::operations::SessionDescription;
use quarterdeck_core::{BackendKind, Host, HostError, PaneWindow, SessionId};
use schemars::JsonSchema;
use serde::Deserialize;

/// A terminal's id as a client gave it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct TerminalId(String);

impl TerminalId {
    /// The id of a session, which is in `window` if what carries it has windows.
    pub(super) fn of(session: &SessionDescription, window: Option<&PaneWindow>) -> Self {
        let name = window.and_then(|window| window.own_session.as_deref());
        let name = name.unwrap_or(session.id.as_str());
        Self(format!("{}:{name}", prefix(session.backend)))
    }

    /// What stands behind the backend.
    pub(super) fn session_name(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |(_, name)| name)
    }

    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The session of this id. A session's bare id will do, too, and the document's
    /// older form for iTerm2, with a hyphen.
    pub(super) async fn session(&self, host: &Host) -> Result<SessionDescription, HostError> {
        let not_found = || HostError::SessionNotFound(self.0.clone());
        let (backend, id) = match self.0.split_once([':', '-']) {
            Some((backend, id)) => (Some(backend), id),
            None => (None, self.0.as_str()),
        };
        let session = match (backend, host.describe_session(id).await) {
            (_, Ok(session)) => session,
            (Some("tmux"), Err(_)) => shown_by(host, id).await.ok_or_else(not_found)?,
            (_, Err(_)) => return Err(not_found()),
        };
        match backend.is_none_or(|backend| goes_by(session.backend, backend)) {
            true => Ok(session),
            false => Err(not_found()),
        }
    }

    /// The same for what types: the terminal is not asked for anything first, so that what
    /// one call after the other types keeps its order.
    pub(super) async fn session_to_type_into(&self, host: &Host) -> Result<SessionId, HostError> {
        if let Some((backend, id)) = self.0.split_once(':')
            && let Some((id, carries)) = host.session_on(id)
            && goes_by(carries, backend)
        {
            return Ok(id);
        }
        self.session(host).await.map(|session| session.id)
    }

    /// In `error`, the id that the client gave in place of the session's.
    pub(super) fn name_in(&self, error: HostError) -> HostError {
        match error {
            HostError::SessionNotFound(_) => HostError::SessionNotFound(self.0.clone()),
            other => other,
        }
    }
}

/// The session that the tmux session of this name shows, and no other.
async fn shown_by(host: &Host, name: &str) -> Option<SessionDescription> {
    let windows = host.windows().await;
    let (id, _) = (windows.iter()).find(|(_, it)| it.own_session.as_deref() == Some(name))?;
    host.describe_session(id.as_str()).await.ok()
}

/// Whether an id of a session on this backend may begin so.
fn goes_by(backend: BackendKind, word: &str) -> bool {
    word == prefix(backend) || word == backend.as_str()
}

/// What an id begins with.
fn prefix(backend: BackendKind) -> &'static str {
    match backend {
        BackendKind::Pty => "pty",
        BackendKind::Tmux => "tmux",
        BackendKind::Iterm2 => "iterm",
    }
}

/// What a backend is called in texts.
pub(super) fn backend_name(backend: BackendKind) -> &'static str {
    match backend.as_str() {
        "pty" => "PTY",
        "tmux" => "TMux",
        "iterm2" => "iTerm2",
        other => other,
    }
}
