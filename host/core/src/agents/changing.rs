//! Changing what is known of agents: one change at a time, kept before it is seen.

use std::sync::{Arc, PoisonError};

use super::kept::Change;
use super::state::State;
use super::{Agents, AgentsChanged, not_kept};
use crate::caller::ConnectionId;
use crate::error::HostError;

impl Agents {
    /// Tries `work` on a copy, keeps what it reports, shows the copy.
    pub(super) async fn change<T>(
        &self,
        work: impl FnOnce(&mut State, &mut Vec<Change>) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let _turn = self.turn.lock().await;
        let mut next = self.state().clone();
        let mut changes = Vec::new();
        let value = work(&mut next, &mut changes)?;
        let changes_teams =
            (changes.iter()).any(|change| matches!(change, Change::Team(..) | Change::TeamGone(_)));
        if !changes.is_empty() {
            let kept = self.store.write(move |kept| {
                for change in &changes {
                    change.keep(kept)?;
                }
                Ok(())
            });
            kept.await.map_err(not_kept)?;
            *self.state.write().unwrap_or_else(PoisonError::into_inner) = next;
        }
        if changes_teams {
            self.write_profiles().await;
        }
        Ok(value)
    }

    /// Keeps a session's tags.
    pub(super) async fn keep_tags(&self, session: &str, tags: &[String]) -> Result<(), HostError> {
        self.change(|_, changes| {
            changes.push(Change::Tags(session.to_owned(), tags.to_vec()));
            Ok(())
        })
        .await?;
        self.tell(AgentsChanged::Sessions);
        Ok(())
    }

    /// A connection that has ended has no active session.
    pub(crate) fn connection_ended(&self, connection: &ConnectionId) {
        self.desk().connection_ended(connection);
    }

    /// Tells of the agents that are there again with a session of an earlier host.
    pub(crate) fn session_begins(&self, session: &str) {
        if !self.registered_for(|id| id == session).is_empty() {
            self.tell(AgentsChanged::Sessions);
        }
    }

    /// Frees what concerns a session that is over. Its agent stays on the roster.
    pub(crate) fn session_ended(self: &Arc<Self>, session: &str) {
        self.desk().forget(session);
        self.tell(AgentsChanged::Sessions);
        let concerned = {
            let state = self.state();
            state.leases.on(session, 0).is_some() || state.roles.contains_key(session)
        };
        // Without a runtime the whole host is ending.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if concerned {
            let agents = Arc::clone(self);
            let session = session.to_owned();
            runtime.spawn(async move {
                let forgotten = agents.change(|state, changes| {
                    if state.leases.forget(&session) {
                        changes.push(Change::LeaseGone(session.clone()));
                    }
                    if state.roles.remove(&session).is_some() {
                        changes.push(Change::RoleGone(session.clone()));
                    }
                    Ok(())
                });
                match forgotten.await {
                    Ok(()) => agents.tell(AgentsChanged::Sessions),
                    Err(error) => {
                        tracing::warn!(%error, "the lock and role of a closed session stay on record");
                    }
                }
            });
        }
    }
}
