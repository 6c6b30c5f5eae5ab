//! What belongs to a session moves to another one: its agent, its lock, its role and
//! its tags, in one change that is kept before anybody sees it.

use super::kept::Change;
use super::lease::Lease;
use super::role::Role;
use super::roster::Agent;
use super::state::State;
use super::{Agents, AgentsChanged, AgentsError};
use crate::clock::now_ms;
use crate::error::HostError;
use crate::session::Session;

/// The tag of a session that stands ready to take over. One that has taken over has
/// lost it.
pub(crate) const BACKUP_TAG: &str = "backup";

/// What belonged to one session and belongs to another now, save tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    /// The agent that works in the other session now.
    pub agent: Option<Agent>,
    /// The lock, with its new token.
    pub lock: Option<Lease>,
    /// The role of the other session now.
    pub role: Option<Role>,
    /// Tags that the other session had not.
    pub tags: Vec<String>,
}

/// Why a session cannot take over from another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeOverRefusal {
    /// It is the place of another agent.
    #[error("agent {0} works in it")]
    AnothersWorkplace(String),
    /// Somebody else has locked it.
    #[error("it is locked by {0}")]
    Locked(String),
    /// It has a role of its own.
    #[error("it is set apart for the role {}", .0.as_str())]
    AnotherRole(Role),
}

impl State {
    /// A session takes over if it is nobody else's.
    fn may_take_over(&self, from: &str, to: &str, now_ms: u64) -> Result<(), TakeOverRefusal> {
        if let Some(agent) = self.roster.agent_of(to) {
            return Err(TakeOverRefusal::AnothersWorkplace(agent.name.clone()));
        }
        let holder = |session| self.leases.on(session, now_ms).map(|lease| &lease.owner);
        if let Some(owner) = holder(to).filter(|owner| holder(from) != Some(owner)) {
            return Err(TakeOverRefusal::Locked(owner.clone()));
        }
        let role = |session| self.roles.get(session).map(|assigned| assigned.config.role);
        match role(to).filter(|held| role(from) != Some(*held)) {
            Some(other) => Err(TakeOverRefusal::AnotherRole(other)),
            None => Ok(()),
        }
    }

    fn move_belongings(
        &mut self,
        from: &str,
        to: &str,
        now_ms: u64,
        changes: &mut Vec<Change>,
    ) -> Result<Belongings, HostError> {
        let mut moved = Belongings::default();
        if let Some(agent) = self.roster.agent_of(from).cloned() {
            let agent = Agent {
                session_id: to.to_owned(),
                ..agent
            };
            (self.roster.register(agent.clone())).map_err(AgentsError::from)?;
            changes.push(Change::Agent(agent.clone()));
            moved.agent = Some(agent);
        }
        if let Some(lease) = self.leases.move_to(from, to, now_ms) {
            changes.push(Change::LeaseGone(from.to_owned()));
            changes.push(Change::Lease(to.to_owned(), lease.clone()));
            moved.lock = Some(lease);
        }
        if let Some(mut assigned) = self.roles.remove(from) {
            to.clone_into(&mut assigned.session_id);
            moved.role = Some(assigned.config.role);
            changes.push(Change::RoleGone(from.to_owned()));
            changes.push(Change::Role(assigned.clone()));
            self.roles.insert(to.to_owned(), assigned);
        }
        Ok(moved)
    }
}

impl Agents {
    /// Whether `to` could have what belongs to `from`.
    pub(crate) fn may_take_over(&self, from: &str, to: &str) -> Result<(), TakeOverRefusal> {
        self.state().may_take_over(from, to, now_ms())
    }

    /// Gives `to` what belongs to `from`. A lock gets a new fencing token, so that
    /// whoever shows the old one is refused.
    pub(crate) async fn move_belongings(
        &self,
        from: &Session,
        to: &Session,
    ) -> Result<Belongings, HostError> {
        let (kept_by, tags) = (to.tags.list(), from.tags.list());
        let new: Vec<String> = (tags.into_iter())
            .filter(|tag| tag != BACKUP_TAG && !kept_by.contains(tag))
            .collect();
        let mut all: Vec<String> = (kept_by.into_iter())
            .filter(|tag| tag != BACKUP_TAG)
            .chain(new.iter().cloned())
            .collect();
        all.sort();
        let (left, taken) = (from.id.as_str(), to.id.as_str());
        let moved = self
            .change(|state, changes| {
                let now = now_ms();
                (state.may_take_over(left, taken, now)).map_err(|why| {
                    AgentsError::CannotTakeOver {
                        session: to.id.clone(),
                        why,
                    }
                })?;
                let moved = state.move_belongings(left, taken, now, changes)?;
                changes.push(Change::Tags(left.to_owned(), Vec::new()));
                changes.push(Change::Tags(taken.to_owned(), all.clone()));
                Ok(moved)
            })
            .await?;
        from.tags.set(Vec::new());
        to.tags.set(all);
        self.desk().moves(left, taken);
        self.tell(AgentsChanged::Agents);
        self.tell(AgentsChanged::Sessions);
        Ok(Belongings { tags: new, ..moved })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::agents::role::{RoleAssignment, RoleConfig};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn agent(name: &str, session: &str) -> Agent {
        Agent {
            depth: 1,
            name: name.to_owned(),
            session_id: session.to_owned(),
            teams: vec!["night".to_owned()],
            metadata: Default::default(),
            created_at: String::new(),
        }
    }

    fn assigned(session: &str, role: Role) -> RoleAssignment {
        RoleAssignment {
            session_id: session.to_owned(),
            config: RoleConfig::default_of(role),
            assigned_at: String::new(),
            assigned_by: None,
        }
    }

    /// `broken` has everything, `spare` nothing.
    fn state() -> State {
        let mut state = State::default();
        state.roster.register(agent("ada", "broken")).expect("new");
        state.leases.acquire("broken", "ada", HOUR, 1_000);
        let role = assigned("broken", Role::Builder);
        state.roles.insert("broken".to_owned(), role);
        state
    }

    #[test]
    fn all_of_it_moves_and_the_old_token_is_worth_nothing() {
        let mut state = state();
        let old = state.leases.on("broken", 2_000).expect("held").clone();
        state.leases.ask_for("broken", "bob", 2_000);
        let mut changes = Vec::new();
        let moved = state
            .move_belongings("broken", "spare", 2_000, &mut changes)
            .expect("moves");
        let agent = moved.agent.expect("an agent");
        assert_eq!((agent.session_id.as_str(), agent.teams.len()), ("spare", 1));
        assert_eq!(moved.role, Some(Role::Builder));
        let lease = state.leases.on("spare", 2_000).expect("held there");
        assert!(lease.fencing_token > old.fencing_token);
        assert_eq!(lease.expires_ms, old.expires_ms, "it lasts no longer");
        assert!(lease.waiting.contains("bob"), "who waits goes on waiting");
        assert_eq!(state.leases.on("broken", 2_000), None);
        assert!(!state.roles.contains_key("broken"));
        assert_eq!(state.roles["spare"].session_id, "spare");
        assert_eq!(changes.len(), 5, "{changes:?}");
    }

    #[test]
    fn what_is_somebody_elses_takes_nothing_over() {
        let mut state = state();
        let refusal = |state: &State| state.may_take_over("broken", "spare", 2_000).err();
        assert_eq!(refusal(&state), None);
        state.leases.acquire("spare", "ada", HOUR, 1_000);
        assert_eq!(refusal(&state), None, "one agent may hold both");
        state.leases.release("spare", None, true, 1_000);
        state.leases.acquire("spare", "bob", HOUR, 1_000);
        assert_eq!(refusal(&state), Some(TakeOverRefusal::Locked("bob".into())));
        state.leases.release("spare", None, true, 1_000);
        let role = assigned("spare", Role::Tester);
        state.roles.insert("spare".to_owned(), role);
        assert_eq!(
            refusal(&state),
            Some(TakeOverRefusal::AnotherRole(Role::Tester))
        );
        state.roster.register(agent("bob", "spare")).expect("new");
        let workplace = TakeOverRefusal::AnothersWorkplace("bob".into());
        assert_eq!(refusal(&state), Some(workplace));
    }
}
