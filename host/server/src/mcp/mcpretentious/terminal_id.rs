//! Terminal ids: the backend, a colon, and the session's id.

use quarterdeck_core::operations::SessionDescription;
use quarterdeck_core::{BackendKind, Host, HostError};
use schemars::JsonSchema;
use serde::Deserialize;

/// A terminal's id as a client gave it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct TerminalId(String);

impl TerminalId {
    /// The id of a session.
    pub(super) fn of(session: &SessionDescription) -> Self {
        Self(format!("{}:{}", prefix(session.backend), session.id))
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
        let session = host.describe_session(id).await.map_err(|_| not_found())?;
        match backend {
            Some(backend)
                if backend != prefix(session.backend) && backend != session.backend.as_str() =>
            {
                Err(not_found())
            }
            _ => Ok(session),
        }
    }

    /// In `error`, the id that the client gave in place of the session's.
    pub(super) fn name_in(&self, error: HostError) -> HostError {
        match error {
            HostError::SessionNotFound(_) => HostError::SessionNotFound(self.0.clone()),
            other => other,
        }
    }
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
