//! Agents on the roster: who comes, who goes, and who is there.

use quarterdeck_policy::TRACE_TARGET;

use super::kept::Change;
use super::notifications::Level;
use super::roster::Agent;
use super::state::State;
use super::teams::{add_team, new_team};
use super::{Agents, AgentsChanged, AgentsError};
use crate::caller::Caller;
use crate::error::HostError;

/// An agent that was registered.
#[derive(Clone, Debug)]
pub struct RegisteredAgent {
    /// As it is now.
    pub agent: Agent,
    /// The one that worked in its session before, which is registered no more: a session
    /// has one agent.
    pub displaced: Option<String>,
}

impl Agents {
    /// Whether `caller` may start agents of these names: there is room for them, and its
    /// own agent was not started too deep.
    pub(crate) fn may_start(&self, names: &[&str], caller: &Caller) -> Result<(), HostError> {
        let state = self.state();
        let new = (names.iter()).filter(|name| state.roster.agent(name).is_none());
        (self.caps).allow_agents(state.roster.agents().count(), new.count())?;
        let (depth, by) = depth_below(&state, caller);
        Ok(self.caps.allow_depth(depth, by)?)
    }

    /// Registers an agent for a session, in the place of one of the same name and of the
    /// one that worked there. Whoever does so is taken for having started it.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "agent_registry.register_agent",
        skip_all,
        fields(agent.name = %agent.name, session.id = %agent.session_id)
    )]
    pub async fn register(
        &self,
        agent: Agent,
        caller: &Caller,
    ) -> Result<RegisteredAgent, HostError> {
        let again = caller.agent.as_deref() == Some(&agent.name);
        if !again {
            self.may_start(&[&agent.name], caller)?;
        }
        let registered = self
            .change(|state, changes| {
                let agent = Agent {
                    depth: match state.roster.agent(&agent.name).filter(|_| again) {
                        Some(known) => known.depth,
                        None => depth_below(state, caller).0,
                    },
                    ..agent
                };
                let displaced = state
                    .roster
                    .register(agent.clone())
                    .map_err(AgentsError::from)?;
                let displaced = displaced.map(|agent| agent.name);
                if let Some(name) = &displaced {
                    release_all(state, changes, name);
                    changes.push(Change::AgentGone(name.clone()));
                }
                // A team that somebody belongs to exists.
                for team in &agent.teams {
                    if state.roster.team(team).is_none() {
                        add_team(state, changes, new_team(team, "", None))?;
                    }
                }
                changes.push(Change::Agent(agent.clone()));
                Ok(RegisteredAgent { agent, displaced })
            })
            .await?;
        self.tell(AgentsChanged::Agents);
        self.tell(AgentsChanged::Teams);
        if let Some(former) = &registered.displaced {
            let agent = &registered.agent;
            let said = format!(
                "{} has taken its place in session {}: it is registered no more",
                agent.name, agent.session_id
            );
            let told = self.notify(former, Level::Warning, &said, None, None);
            if let Err(error) = told.await {
                tracing::warn!(%error, "an agent that was displaced is not told");
            }
        }
        Ok(registered)
    }

    /// Removes an agent and frees what it has locked; `false` if there is none.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "agent_registry.remove_agent",
        skip_all,
        fields(agent.name = %name)
    )]
    pub async fn remove_agent(&self, name: &str) -> Result<bool, HostError> {
        let removed = self
            .change(|state, changes| {
                if state.roster.remove_agent(name).is_none() {
                    return Ok(false);
                }
                changes.push(Change::AgentGone(name.to_owned()));
                release_all(state, changes, name);
                Ok(true)
            })
            .await?;
        self.tell(AgentsChanged::Agents);
        self.tell(AgentsChanged::Sessions);
        Ok(removed)
    }

    /// The agents, of one team and those below it or all.
    pub fn agents(&self, team: Option<&str>) -> Vec<Agent> {
        let state = self.state();
        match team {
            Some(team) => state.roster.members(team).into_iter().cloned().collect(),
            None => state.roster.agents().cloned().collect(),
        }
    }

    /// The agent of this name.
    pub fn agent(&self, name: &str) -> Option<Agent> {
        self.state().roster.agent(name).cloned()
    }

    /// The agent that works in a session.
    pub fn agent_of(&self, session: &str) -> Option<Agent> {
        self.state().roster.agent_of(session).cloned()
    }

    /// Names of those that are registered for sessions of which this is true.
    pub(crate) fn registered_for(&self, session: impl Fn(&str) -> bool) -> Vec<String> {
        let state = self.state();
        let agents = (state.roster.agents()).filter(|agent| session(&agent.session_id));
        agents.map(|agent| agent.name.clone()).collect()
    }
}

/// How deep an agent is that `caller` starts, and who speaks there.
fn depth_below<'a>(state: &State, caller: &'a Caller) -> (u32, &'a str) {
    let by = caller.agent.as_deref().unwrap_or_default();
    let above = state.roster.agent(by).map_or(0, |agent| agent.depth);
    (above + 1, by)
}

fn release_all(state: &mut State, changes: &mut Vec<Change>, agent: &str) {
    let freed = state.leases.release_all_of(agent);
    changes.extend(freed.into_iter().map(Change::LeaseGone));
}
