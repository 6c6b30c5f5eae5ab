//! MCP progress notifications while a call lasts.
//!
//! A client that puts a progress token into a call is told how far the program is
//! that the call waits for, as often as that changes: what the progress parsers read
//! off its output.

use std::future::Future;
use std::sync::Arc;

use quarterdeck_core::events::{Event, Happening, ProgressUpdate};
use quarterdeck_core::{Host, SessionId};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::RequestContext;
use rmcp::{Peer, RoleServer};
use tokio::sync::broadcast;

/// The way to tell one call's client how far it is.
#[derive(Clone)]
pub(super) struct Notices {
    peer: Peer<RoleServer>,
    token: ProgressToken,
}

impl Notices {
    /// `None` where the client does not want to be told.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Option<Self> {
        Some(Self {
            token: context.meta.get_progress_token()?,
            peer: context.peer.clone(),
        })
    }

    /// Does `work` and meanwhile tells of the session's progress.
    pub(super) async fn during<T>(
        &self,
        host: &Host,
        session: &SessionId,
        work: impl Future<Output = T>,
    ) -> T {
        let events = host.events().subscribe();
        tokio::select! {
            done = work => done,
            never = self.tell(events, session.as_str()) => match never {},
        }
    }

    async fn tell(
        &self,
        mut events: broadcast::Receiver<Arc<Event>>,
        session: &str,
    ) -> std::convert::Infallible {
        let mut told = -1.0;
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // What was missed is older than what comes.
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            };
            let Happening::ProgressUpdate(ProgressUpdate {
                session_id,
                progress,
                milestone,
            }) = &event.what
            else {
                continue;
            };
            // MCP wants every notification of a call to be further than the last.
            if session_id != session || *progress <= told {
                continue;
            }
            told = *progress;
            let mut notice = ProgressNotificationParam::new(self.token.clone(), told);
            notice.total = Some(100.0);
            notice.message.clone_from(milestone);
            if let Err(error) = self.peer.notify_progress(notice).await {
                tracing::debug!(%error, "the client could not be told of progress");
            }
        }
    }
}
