//! How sessions look to a person, and which is in front: on a backend with windows.

use quarterdeck_terminal::iterm2::{Appearance, Application, Iterm2Error};

use crate::error::HostError;
use crate::host::Host;
use crate::session::{BackendKind, Session};
use crate::text::inert;

impl Host {
    /// Changes a session's name on its tab, its badge and its colours.
    pub async fn set_appearance(
        &self,
        session_id: &str,
        appearance: &Appearance,
    ) -> Result<(), HostError> {
        let (iterm2, pane) = self.pane_of(session_id, "appearance").await?;
        iterm2
            .set_appearance(&pane, appearance)
            .await
            .map_err(failed)
    }

    /// Brings a session before the person: its pane, tab and window, and the application.
    pub async fn focus(&self, session_id: &str) -> Result<(), HostError> {
        let (iterm2, pane) = self
            .pane_of(session_id, "window to bring to the front")
            .await?;
        iterm2.focus(&pane).await.map_err(failed)
    }

    /// Shows a person a text in a session's pane, as if a program had printed it. Control
    /// characters are left out: a terminal answers some of them, which would be typing.
    pub async fn show_text(&self, session_id: &str, text: &str) -> Result<(), HostError> {
        let (iterm2, pane) = self.pane_of(session_id, "pane to show a text in").await?;
        let shown = inert(text).replace('\n', "\r\n");
        iterm2.inject(&pane, shown.as_bytes()).await.map_err(failed)
    }

    /// The names of iTerm2's profiles.
    pub async fn profiles(&self) -> Result<Vec<String>, HostError> {
        self.iterm2().await?.profiles().await.map_err(failed)
    }

    /// Which sessions a person types into together, by session id; panes that are no
    /// sessions of this host are left out.
    pub async fn broadcast_domains(&self) -> Result<Vec<Vec<String>>, HostError> {
        let domains = self.iterm2().await?.broadcast_domains().await;
        let sessions = self.registry.all();
        let id_of = |pane: &String| {
            let has_pane = |it: &Session| it.terminal.backend_handle().as_ref() == Some(pane);
            let session = sessions.iter().find(|session| has_pane(session))?;
            Some(session.id.to_string())
        };
        let domains = domains.map_err(failed)?;
        let ids = |domain: &Vec<String>| domain.iter().filter_map(id_of).collect();
        Ok(domains.iter().map(ids).collect())
    }

    /// Has a person type into several sessions together: groups without a session in common,
    /// each in one window. What goes through the gate goes to its session alone.
    pub async fn set_broadcast_domains(&self, domains: &[Vec<String>]) -> Result<(), HostError> {
        let mut panes = Vec::new();
        for domain in domains {
            let mut group = Vec::new();
            for session_id in domain {
                group.push(self.pane_of(session_id, "broadcast domain").await?.1);
            }
            panes.push(group);
        }
        let iterm2 = self.iterm2().await?;
        iterm2.set_broadcast_domains(&panes).await.map_err(failed)
    }

    /// iTerm2 and what it calls a session, or why the session has no such `thing`.
    async fn pane_of(
        &self,
        session_id: &str,
        thing: &str,
    ) -> Result<(Application, String), HostError> {
        let session = self.registry.get(session_id)?;
        match (session.backend, session.terminal.backend_handle()) {
            (BackendKind::Iterm2, Some(pane)) => Ok((self.iterm2().await?, pane)),
            (backend, _) => Err(HostError::InvalidParameters(format!(
                "session {session_id} is on {}, where it has no {thing}; sessions on iterm2 have one",
                backend.as_str()
            ))),
        }
    }
}

fn failed(error: Iterm2Error) -> HostError {
    HostError::InvalidParameters(error.to_string())
}
