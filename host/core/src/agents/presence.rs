//! Who is there: the agents that are registered for a session of this host.

use std::sync::{PoisonError, Weak};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::AgentsChanged;
use crate::hooks;
use crate::host::Host;

/// Tells who is there, whenever that has changed.
pub(crate) async fn tell_who_is_present(
    host: Weak<Host>,
    mut changes: broadcast::Receiver<AgentsChanged>,
) {
    loop {
        match changes.recv().await {
            Ok(AgentsChanged::Agents | AgentsChanged::Sessions) | Err(RecvError::Lagged(_)) => {}
            Ok(AgentsChanged::Teams | AgentsChanged::Notifications) => continue,
            Err(RecvError::Closed) => return,
        }
        let Some(host) = host.upgrade() else {
            return;
        };
        let there = |session: &str| host.registry.get(session).is_ok();
        let present = host.agents.registered_for(there);
        let mut delegations = (host.delegations.lock()).unwrap_or_else(PoisonError::into_inner);
        if delegations.are_present(present) {
            // Under the lock: whoever changes them next tells after this.
            host.events.publish(hooks::agents(&delegations));
        }
    }
}
