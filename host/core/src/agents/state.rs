//! What is known of agents at one moment: one value, changed as a whole.

use std::collections::BTreeMap;

use super::lease::Leases;
use super::notifications::Notifications;
use super::profile::TeamProfile;
use super::role::{Role, RoleAssignment, RoleConfig};
use super::roster::Roster;

/// Everything about agents that outlives the host, save what they were told.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) roster: Roster,
    /// By team.
    pub(super) profiles: BTreeMap<String, TeamProfile>,
    pub(super) leases: Leases,
    /// By session.
    pub(crate) roles: BTreeMap<String, RoleAssignment>,
    /// In place of the defaults.
    pub(super) role_configs: BTreeMap<Role, RoleConfig>,
    pub(super) notifications: Notifications,
}

impl State {
    /// What a role means on this host.
    pub(crate) fn config_of(&self, role: Role) -> RoleConfig {
        (self.role_configs.get(&role).cloned()).unwrap_or_else(|| RoleConfig::default_of(role))
    }
}
