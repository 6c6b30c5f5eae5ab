//! Changing what is known of agents: one change at a time, kept before it is seen.

use std::sync::{Arc, PoisonError};

use quarterdeck_policy::TRACE_TARGET;

use super::kept::{Change, keep_delivery};
use super::notifications::{Level, Notification, NotificationFilter, summary};
use super::profile::{self, TeamProfile};
use super::roster::{Agent, Team};
use super::state::State;
use super::{Agents, AgentsChanged, AgentsError, colours, deliveries, import, not_kept};
use crate::caller::{Caller, ConnectionId};
use crate::clock::{now_ms, rfc3339_of_ms};
use crate::error::HostError;
use crate::session::SessionId;

/// A team that was to be created.
#[derive(Clone, Debug)]
pub struct CreatedTeam {
    /// As it is now.
    pub team: Team,
    /// Its colour.
    pub profile: TeamProfile,
    /// Whether there was one of this name, which has been changed instead.
    pub existed: bool,
}

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

    /// Creates a team, with a colour of its own; one that exists gets the new
    /// description and parent, as far as they are given.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "agent_registry.create_team",
        skip_all,
        fields(team.name = %name)
    )]
    pub async fn create_team(
        &self,
        name: &str,
        description: &str,
        parent: Option<&str>,
    ) -> Result<CreatedTeam, HostError> {
        let mut team = new_team(name, description, parent.filter(|it| !it.is_empty()));
        let created = self
            .change(|state, changes| {
                let known = state.roster.team(name);
                let existed = known.is_some();
                if let Some(known) = known {
                    if team.description.is_empty() {
                        team.description.clone_from(&known.description);
                    }
                    team.parent_team = team.parent_team.or_else(|| known.parent_team.clone());
                }
                let (team, profile) = add_team(state, changes, team)?;
                Ok(CreatedTeam {
                    team,
                    profile,
                    existed,
                })
            })
            .await?;
        self.tell(AgentsChanged::Teams);
        Ok(created)
    }

    /// Removes a team, and its profile; `false` if there is none.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "agent_registry.remove_team",
        skip_all,
        fields(team.name = %name)
    )]
    pub async fn remove_team(&self, name: &str) -> Result<bool, HostError> {
        let removed = self
            .change(|state, changes| {
                let Some((agents, teams)) = state.roster.remove_team(name) else {
                    return Ok(false);
                };
                state.profiles.remove(name);
                changes.push(Change::TeamGone(name.to_owned()));
                changes.extend(agents.into_iter().map(Change::Agent));
                for team in teams {
                    if let Some(profile) = state.profiles.get(&team.name) {
                        changes.push(Change::Team(team, profile.clone()));
                    }
                }
                Ok(true)
            })
            .await?;
        if removed {
            self.tell(AgentsChanged::Teams);
            self.tell(AgentsChanged::Agents);
        }
        Ok(removed)
    }

    /// How a team's sessions look.
    pub(crate) fn profile_of(&self, team: &str) -> Option<TeamProfile> {
        self.state().profiles.get(team).cloned()
    }

    /// The teams, each with its profile and the number of its own members.
    pub fn teams(&self) -> Vec<(Team, TeamProfile, usize)> {
        let state = self.state();
        (state.roster.teams())
            .filter_map(|team| {
                let profile = state.profiles.get(&team.name)?.clone();
                let members = state
                    .roster
                    .agents()
                    .filter(|agent| agent.is_in(&team.name));
                Some((team.clone(), profile, members.count()))
            })
            .collect()
    }

    /// Lets an agent join a team; `false` if it does not exist or is in already.
    pub async fn join(&self, agent: &str, team: &str) -> Result<bool, HostError> {
        let joined = self
            .change(|state, changes| {
                let Some(joined) = state.roster.join(agent, team).cloned() else {
                    return Ok(false);
                };
                if state.roster.team(team).is_none() {
                    add_team(state, changes, new_team(team, "", None))?;
                }
                changes.push(Change::Agent(joined));
                Ok(true)
            })
            .await?;
        self.tell(AgentsChanged::Agents);
        self.tell(AgentsChanged::Teams);
        Ok(joined)
    }

    /// Lets an agent leave a team; `false` if it was not in it.
    pub async fn leave(&self, agent: &str, team: &str) -> Result<bool, HostError> {
        let left = self
            .change(|state, changes| {
                let left = state.roster.leave(agent, team).cloned();
                changes.extend(left.clone().map(Change::Agent));
                Ok(left.is_some())
            })
            .await?;
        self.tell(AgentsChanged::Agents);
        self.tell(AgentsChanged::Teams);
        Ok(left)
    }

    /// Takes over what iterm-mcp has kept in a folder; names that exist stay as they
    /// are. Returns how many agents and teams are new.
    pub async fn import(&self, from: import::Imported) -> Result<(usize, usize), HostError> {
        let counts = self
            .change(|state, changes| {
                let (mut agents, mut teams) = (0, 0);
                for team in from.teams {
                    if state.roster.team(&team.name).is_none() {
                        add_team(state, changes, team)?;
                        teams += 1;
                    }
                }
                for agent in from.agents {
                    if state.roster.agent(&agent.name).is_none() {
                        state
                            .roster
                            .register(agent.clone())
                            .map_err(AgentsError::from)?;
                        changes.push(Change::Agent(agent));
                        agents += 1;
                    }
                }
                Ok((agents, teams))
            })
            .await?;
        self.tell(AgentsChanged::Agents);
        self.tell(AgentsChanged::Teams);
        Ok(counts)
    }

    /// Keeps a notification.
    pub async fn notify(
        &self,
        agent: &str,
        level: Level,
        text: &str,
        context: Option<String>,
        action_hint: Option<String>,
    ) -> Result<Notification, HostError> {
        let at_ms = now_ms();
        let notification = Notification {
            agent: agent.to_owned(),
            timestamp: rfc3339_of_ms(at_ms),
            level,
            summary: summary(text),
            context,
            action_hint,
            at_ms,
        };
        let kept = self
            .change(|state, changes| {
                state.notifications.add(notification.clone());
                changes.push(Change::Notification(notification.clone()));
                Ok(notification)
            })
            .await?;
        self.tell(AgentsChanged::Notifications);
        Ok(kept)
    }

    /// Notifications, newest first, and how many there are of this kind.
    pub fn notifications(&self, filter: &NotificationFilter) -> (Vec<Notification>, usize) {
        self.state().notifications.find(filter)
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

    /// Claims a message for an agent: `false` if it had it already.
    pub(crate) fn claim(&self, agent: &str, message: &str) -> bool {
        let digest = deliveries::digest(message);
        let mut known = self.deliveries();
        if known.had(agent, &digest) {
            return false;
        }
        let forgotten = known.remember(agent, digest);
        drop(known);
        if let Some(forgotten) = forgotten {
            let agent = agent.to_owned();
            self.store
                .write_later("which message was forgotten", move |kept| {
                    kept.execute(
                        "DELETE FROM deliveries WHERE agent = ?1 AND digest = ?2",
                        rusqlite::params![agent, forgotten],
                    )
                    .map(drop)
                });
        }
        true
    }

    /// The claimed message was not delivered.
    pub(crate) fn unclaim(&self, agent: &str, message: &str) {
        self.deliveries()
            .forget(agent, &deliveries::digest(message));
    }

    /// Whether the agent of a session is known to have had this message.
    pub(crate) fn was_told(&self, session: &SessionId, message: &str) -> bool {
        let digest = deliveries::digest(message);
        let agent = self.agent_of(session.as_str());
        agent.is_some_and(|agent| self.deliveries().had(&agent.name, &digest))
    }

    /// The message was delivered; told it is also where it was not claimed.
    pub(crate) async fn delivered(&self, agent: &str, message: &str) -> Result<(), HostError> {
        let digest = deliveries::digest(message);
        let forgotten = self.deliveries().remember(agent, digest);
        let agent = agent.to_owned();
        (self.store)
            .write(move |kept| keep_delivery(kept, &agent, &digest, forgotten.as_ref()))
            .await
            .map_err(|error| {
                HostError::Internal(format!(
                    "{error}; the message was typed, and may be sent twice"
                ))
            })
    }

    /// Writes the teams' profiles where iTerm2 finds them. That a Mac's folder
    /// cannot be written takes no team back.
    async fn write_profiles(&self) {
        let Some(folder) = self.profiles_folder.clone() else {
            return;
        };
        let text = profile::dynamic_profiles(self.state().profiles.values(), None);
        let shown = folder.display().to_string();
        match tokio::task::spawn_blocking(move || profile::write(&folder, &text)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot write teams' profiles to {shown}"),
            Err(error) => tracing::warn!(%error, "writing teams' profiles was cut short"),
        }
    }
}

/// How deep an agent is that `caller` starts, and who speaks there.
fn depth_below<'a>(state: &State, caller: &'a Caller) -> (u32, &'a str) {
    let by = caller.agent.as_deref().unwrap_or_default();
    let above = state.roster.agent(by).map_or(0, |agent| agent.depth);
    (above + 1, by)
}

fn new_team(name: &str, description: &str, parent: Option<&str>) -> Team {
    Team {
        name: name.to_owned(),
        description: description.to_owned(),
        parent_team: parent.map(str::to_owned),
        created_at: rfc3339_of_ms(now_ms()),
    }
}

fn add_team(
    state: &mut State,
    changes: &mut Vec<Change>,
    mut team: Team,
) -> Result<(Team, TeamProfile), HostError> {
    if let Some(known) = state.roster.team(&team.name) {
        team.created_at.clone_from(&known.created_at);
    }
    state
        .roster
        .create_team(team.clone())
        .map_err(AgentsError::from)?;
    let taken: Vec<f64> = state.profiles.values().map(|it| it.colour.hue).collect();
    let profile = (state.profiles.entry(team.name.clone()))
        .or_insert_with(|| TeamProfile::new(&team.name, colours::next_hue(&taken)))
        .clone();
    changes.push(Change::Team(team.clone(), profile.clone()));
    Ok((team, profile))
}

fn release_all(state: &mut State, changes: &mut Vec<Change>, agent: &str) {
    let freed = state.leases.release_all_of(agent);
    changes.extend(freed.into_iter().map(Change::LeaseGone));
}
