//! Clients that want to be told when a resource changes.
//!
//! Revisions up to 2025-11-25 subscribe to each resource; since 2026-07-28 one request
//! listens to several until it is cancelled. One task follows each resource, and ends
//! with its connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quarterdeck_core::{ConnectionId, Host, HostError};
use rmcp::RoleServer;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, SubscriptionContext};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{AbortHandle, JoinSet};

use super::iterm_mcp::resources::{Followed, ResourceUri};

/// Resources that one connection may follow.
const MOST: usize = 1_000;

/// The resources that one connection follows.
#[derive(Default)]
pub(super) struct Subscriptions {
    followed: Mutex<HashMap<ResourceUri, AbortHandle>>,
}

impl Subscriptions {
    /// Tells `peer` whenever the resource changes.
    pub(super) async fn add(
        &self,
        host: Arc<Host>,
        uri: ResourceUri,
        peer: Peer<RoleServer>,
    ) -> Result<(), HostError> {
        if self.lock().len() >= MOST {
            return Err(HostError::ResourceExhausted(format!(
                "this client has subscribed to {MOST} resources; unsubscribe from some first"
            )));
        }
        let mut followed = Followed::begin(host, uri.clone()).await?;
        let shown = uri.to_string();
        let task = tokio::spawn(async move {
            while followed.changed().await.is_some() {
                let update = ResourceUpdatedNotificationParam::new(shown.clone());
                if peer.notify_resource_updated(update).await.is_err() {
                    return;
                }
            }
        });
        if let Some(before) = self.lock().insert(uri, task.abort_handle()) {
            before.abort();
        }
        Ok(())
    }

    /// Stops telling; nothing if nobody was told.
    pub(super) fn remove(&self, uri: &ResourceUri) {
        if let Some(task) = self.lock().remove(uri) {
            task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ResourceUri, AbortHandle>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        for task in self.lock().values() {
            task.abort();
        }
    }
}

/// Tells a listener of every resource that it was promised, until it has heard enough.
/// A request that stands alone does not say whose it is: it is told of the changes of
/// all of that kind.
pub(super) async fn listen(
    host: &Arc<Host>,
    context: &SubscriptionContext,
    mut choices: Receiver<ConnectionId>,
    connection: &ConnectionId,
) {
    let uris = context
        .accepted()
        .resource_subscriptions
        .clone()
        .unwrap_or_default();
    let mut tasks = JoinSet::new();
    for uri in uris.into_iter().take(MOST) {
        let Ok(resource) = uri.parse() else { continue };
        let Ok(mut followed) = Followed::begin(Arc::clone(host), resource).await else {
            continue;
        };
        let sink = context.sink().clone();
        tasks.spawn(async move {
            while followed.changed().await.is_some() {
                if sink.notify_resource_updated(uri.clone()).await.is_err() {
                    return;
                }
            }
        });
    }
    if context.accepted().tools_list_changed == Some(true) {
        let (sink, own) = (context.sink().clone(), connection.clone());
        tasks.spawn(async move {
            loop {
                let concerns = match choices.recv().await {
                    Ok(changed) => changed == own || changed.stands_alone(),
                    Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return,
                };
                if concerns && sink.notify_tool_list_changed().await.is_err() {
                    return;
                }
            }
        });
    }
    // The tasks end with the set.
    context.cancelled().await;
}
