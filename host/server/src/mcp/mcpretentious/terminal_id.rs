//! Terminal ids: the backend, a colon, and the session's id; on tmux the name of the tmux
//! session that shows the terminal, if one shows no other; on iTerm2 the UUID of its session.

use quarterdeck_core::operations::{SessionDescription, SessionWindow};
use quarterdeck_core::{BackendKind, Caller, Host, HostError, SessionId};
use schemars::JsonSchema;
use serde::Deserialize;

/// A terminal's id as a client gave it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct TerminalId(String);

impl TerminalId {
    /// The id of a session. It stays the same when the session's program ends.
    pub(super) fn of(session: &SessionDescription) -> Self {
        let name = match session.backend {
            BackendKind::Pty => None,
            BackendKind::Tmux => session.shown_by.as_deref(),
            BackendKind::Iterm2 => session.backend_handle.as_deref(),
        };
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

    /// The session of this id. A session's bare id will do, too, and the document's older
    /// form for iTerm2: the window and the number of the tab. One that nobody has listed
    /// yet is looked for where the caller's terminals are, which tells if there is no such
    /// backend.
    pub(super) async fn session(
        &self,
        host: &Host,
        caller: &Caller,
    ) -> Result<SessionDescription, HostError> {
        if let Some(session) = self.known(host).await {
            return Ok(session);
        }
        host.find_sessions_of(caller).await?;
        let found = self.known(host).await;
        found.ok_or_else(|| HostError::SessionNotFound(self.0.clone()))
    }

    async fn known(&self, host: &Host) -> Option<SessionDescription> {
        let (backend, id) = match self.0.split_once([':', '-']) {
            Some((backend, id)) => (Some(backend), id),
            None => (None, self.0.as_str()),
        };
        if let Ok(session) = host.describe_session(id).await {
            let right = backend.is_none_or(|it| goes_by(session.backend, it));
            return right.then_some(session);
        }
        let windows = host.windows().await;
        let sessions = host.describe_sessions().await;
        let is_meant = |session: &SessionDescription| {
            let older_form = match windows.get(&session.id) {
                Some(SessionWindow::Iterm2 { window, tab }) => {
                    Some(format!("iterm-{window}-{tab}"))
                }
                _ => None,
            };
            older_form.as_ref() == Some(&self.0) || Self::of(session).0 == self.0
        };
        sessions.into_iter().find(is_meant)
    }

    /// The same for what types: the terminal is not asked for anything first, so that what
    /// one call after the other types keeps its order.
    pub(super) async fn session_to_type_into(
        &self,
        host: &Host,
        caller: &Caller,
    ) -> Result<SessionId, HostError> {
        if let Some((backend, id)) = self.0.split_once(':')
            && let Some((id, carries)) = host.session_on(id)
            && goes_by(carries, backend)
        {
            return Ok(id);
        }
        self.session(host, caller).await.map(|session| session.id)
    }

    /// In `error`, the id that the client gave in place of the session's.
    pub(super) fn name_in(&self, error: HostError) -> HostError {
        match error {
            HostError::SessionNotFound(_) => HostError::SessionNotFound(self.0.clone()),
            other => other,
        }
    }
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
