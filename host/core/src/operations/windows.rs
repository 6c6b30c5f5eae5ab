//! The windows that sessions are in, where what carries them has windows.

use std::collections::HashMap;

use quarterdeck_terminal::tmux::PaneWindow;

use crate::host::Host;
use crate::session::{BackendKind, SessionId};

impl Host {
    /// The windows of the sessions on tmux; nothing of those that are on something else,
    /// nor while tmux does not answer.
    pub async fn windows(&self) -> HashMap<SessionId, PaneWindow> {
        let Some(server) = self.connected_tmux().await else {
            return HashMap::new();
        };
        let windows = server.windows().await.unwrap_or_default();
        (self.registry.all().iter())
            .filter(|session| session.backend == BackendKind::Tmux)
            .filter_map(|session| {
                let handle = session.terminal.backend_handle()?;
                let window = windows.iter().find(|window| window.pane == handle)?;
                Some((session.id.clone(), window.clone()))
            })
            .collect()
    }
}
