//! A session that was opened and whose caller may have gone meanwhile.

use std::ops::Deref;
use std::sync::Arc;

use crate::host::Host;
use crate::session::Session;

/// A session that has just been opened. It is closed again when this is dropped, unless
/// somebody keeps it: a caller who goes away in the middle leaves nothing behind that
/// nobody knows of.
pub(crate) struct NewSession {
    host: Arc<Host>,
    session: Arc<Session>,
    kept: bool,
}

impl NewSession {
    /// A session that is registered.
    pub(super) fn of(host: Arc<Host>, session: Arc<Session>) -> Self {
        Self {
            host,
            session,
            kept: false,
        }
    }

    /// The session, which stays.
    pub(crate) fn keep(mut self) -> Arc<Session> {
        self.kept = true;
        Arc::clone(&self.session)
    }

    /// Closes it now; returns when it is over.
    pub(super) async fn close(mut self) {
        self.kept = true;
        self.host.session_ends(&self.session.id);
        self.session.terminal.close().await;
    }
}

impl Deref for NewSession {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for NewSession {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        self.host.session_ends(&self.session.id);
        let terminal = self.session.terminal.clone();
        // Without a runtime the whole host is ending, sessions and all.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { terminal.close().await });
        }
    }
}
