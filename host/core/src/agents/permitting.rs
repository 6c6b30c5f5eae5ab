//! Changing who may do what: locks and roles.

use std::sync::PoisonError;
use std::time::Duration;

use super::kept::Change;
use super::lease::{Acquired, Released};
use super::role::{Role, RoleAssignment, RoleConfig};
use super::{Agents, AgentsChanged};
use crate::clock::{now_ms, rfc3339_of_ms};
use crate::error::HostError;

impl Agents {
    /// Locks a session for an agent, or renews its lock.
    pub(super) async fn acquire(
        &self,
        session: &str,
        agent: &str,
        lasts: Duration,
    ) -> Result<Acquired, HostError> {
        let acquired = self
            .change(|state, changes| {
                let acquired = state.leases.acquire(session, agent, lasts, now_ms());
                if let Acquired::Yes(lease) = &acquired {
                    changes.push(Change::Lease(session.to_owned(), lease.clone()));
                }
                Ok(acquired)
            })
            .await?;
        self.tell(AgentsChanged::Sessions);
        Ok(acquired)
    }

    /// Gives a lock back.
    pub(super) async fn release(
        &self,
        session: &str,
        agent: Option<&str>,
        force: bool,
    ) -> Result<Released, HostError> {
        let released = self
            .change(|state, changes| {
                let released = state.leases.release(session, agent, force, now_ms());
                if !matches!(released, Released::No(_)) {
                    changes.push(Change::LeaseGone(session.to_owned()));
                }
                Ok(released)
            })
            .await?;
        self.tell(AgentsChanged::Sessions);
        Ok(released)
    }

    /// Notes that an agent wants a session; the owner if somebody else holds it.
    pub(super) async fn ask_for(
        &self,
        session: &str,
        agent: &str,
    ) -> Result<Option<String>, HostError> {
        let asked = self.change(|state, changes| {
            let lease = state.leases.ask_for(session, agent, now_ms()).cloned();
            if let Some(lease) = &lease {
                changes.push(Change::Lease(session.to_owned(), lease.clone()));
            }
            Ok(lease.map(|lease| lease.owner))
        });
        asked.await
    }

    /// The heartbeat that typing is. In memory only: at worst a later host sees the
    /// lock end earlier.
    pub(super) fn renew_lease(&self, session: &str, now_ms: u64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.leases.renew(session, now_ms);
    }

    /// Gives a session a role.
    pub async fn assign_role(
        &self,
        session: &str,
        role: Role,
        config: Option<RoleConfig>,
        by: Option<&str>,
    ) -> Result<RoleAssignment, HostError> {
        config.as_ref().map_or(Ok(()), RoleConfig::check)?;
        let assigned = self
            .change(|state, changes| {
                let assigned = RoleAssignment {
                    session_id: session.to_owned(),
                    config: config.unwrap_or_else(|| state.config_of(role)),
                    assigned_at: rfc3339_of_ms(now_ms()),
                    assigned_by: by.map(str::to_owned),
                };
                state.roles.insert(session.to_owned(), assigned.clone());
                changes.push(Change::Role(assigned.clone()));
                Ok(assigned)
            })
            .await?;
        self.tell(AgentsChanged::Sessions);
        Ok(assigned)
    }

    /// Takes a session's role away; `false` if it has none.
    pub async fn remove_role(&self, session: &str) -> Result<bool, HostError> {
        let removed = self
            .change(|state, changes| {
                let removed = state.roles.remove(session).is_some();
                if removed {
                    changes.push(Change::RoleGone(session.to_owned()));
                }
                Ok(removed)
            })
            .await?;
        self.tell(AgentsChanged::Sessions);
        Ok(removed)
    }

    /// Says what a role means on this host from now on.
    pub async fn configure_role(&self, config: RoleConfig) -> Result<(), HostError> {
        let configured = self.change(|state, changes| {
            changes.push(Change::RoleConfig(config.clone()));
            state.role_configs.insert(config.role, config);
            Ok(())
        });
        configured.await
    }

    /// The role of a session.
    pub fn role_of(&self, session: &str) -> Option<RoleAssignment> {
        self.state().roles.get(session).cloned()
    }

    /// All roles that sessions have.
    pub fn roles(&self) -> Vec<RoleAssignment> {
        self.state().roles.values().cloned().collect()
    }

    /// What each role means on this host.
    pub fn role_configs(&self) -> Vec<RoleConfig> {
        let state = self.state();
        Role::ALL.map(|role| state.config_of(role)).to_vec()
    }
}
