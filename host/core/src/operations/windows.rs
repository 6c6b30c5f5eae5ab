//! The windows that sessions are in, where what carries them has windows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_terminal::tmux::PaneWindow;

use crate::host::Host;
use crate::session::{BackendKind, Session, SessionId};

/// How long iTerm2 may take to say what its windows show.
const PATIENCE: Duration = Duration::from_secs(2);

/// The window that a session is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionWindow {
    /// On tmux.
    Tmux(PaneWindow),
    /// On iTerm2.
    Iterm2 {
        /// What iTerm2 calls the window.
        window: String,
        /// Which of its tabs the session is in, from 1.
        tab: usize,
    },
}

impl SessionWindow {
    /// What the backend calls the window.
    pub fn id(&self) -> &str {
        match self {
            Self::Tmux(pane) => &pane.window,
            Self::Iterm2 { window, .. } => window,
        }
    }
}

impl Host {
    /// The windows of the sessions on tmux and iTerm2; nothing of those that are on something
    /// else or have ended, nor while the backend does not answer. Sessions on tmux are
    /// described by what shows them from now on.
    pub async fn windows(&self) -> HashMap<SessionId, SessionWindow> {
        let mut windows = self.windows_on_tmux().await;
        windows.extend(self.windows_on_iterm2().await);
        windows
    }

    async fn windows_on_tmux(&self) -> HashMap<SessionId, SessionWindow> {
        let Some(server) = self.connected_tmux().await else {
            return HashMap::new();
        };
        let panes = server.windows().await.unwrap_or_default();
        let sessions = self.sessions_on(BackendKind::Tmux);
        let found: Vec<_> = (sessions.iter())
            .filter_map(|session| {
                let handle = session.terminal.backend_handle()?;
                let pane = panes.iter().find(|pane| pane.pane == handle)?;
                Some((session, pane))
            })
            .collect();
        for (session, pane) in &found {
            let Some(name) = &pane.own_session else {
                continue;
            };
            let former = (sessions.iter())
                .find(|it| it.id != session.id && it.shown_by.name().as_ref() == Some(name));
            if let Some(former) = former {
                former.shown_by.set(None);
            }
            session.shown_by.set(Some(name.clone()));
        }
        (found.into_iter())
            .map(|(session, pane)| (session.id.clone(), SessionWindow::Tmux(pane.clone())))
            .collect()
    }

    async fn windows_on_iterm2(&self) -> HashMap<SessionId, SessionWindow> {
        let sessions = self.sessions_on(BackendKind::Iterm2);
        if sessions.is_empty() {
            return HashMap::new();
        }
        let panes = match self.iterm2_within(PATIENCE).await {
            Ok(application) => application.shown_panes().await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        (sessions.iter())
            .filter_map(|session| {
                let handle = session.terminal.backend_handle()?;
                let pane = panes.iter().find(|pane| pane.handle == handle)?;
                let window = SessionWindow::Iterm2 {
                    window: pane.window.clone(),
                    tab: pane.tab,
                };
                Some((session.id.clone(), window))
            })
            .collect()
    }

    fn sessions_on(&self, backend: BackendKind) -> Vec<Arc<Session>> {
        let mut sessions = self.registry.all();
        sessions.retain(|session| session.backend == backend);
        sessions
    }
}
