//! Teams: who belongs together, and the colours that show it.

use quarterdeck_policy::TRACE_TARGET;

use super::kept::Change;
use super::profile::{self, TeamProfile};
use super::roster::Team;
use super::state::State;
use super::{Agents, AgentsChanged, AgentsError, colours, import};
use crate::clock::{now_ms, rfc3339_of_ms};
use crate::error::HostError;

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

impl Agents {
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

    /// Writes the teams' profiles where iTerm2 finds them. That a Mac's folder
    /// cannot be written takes no team back.
    pub(super) async fn write_profiles(&self) {
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

/// A team that begins now.
pub(super) fn new_team(name: &str, description: &str, parent: Option<&str>) -> Team {
    Team {
        name: name.to_owned(),
        description: description.to_owned(),
        parent_team: parent.map(str::to_owned),
        created_at: rfc3339_of_ms(now_ms()),
    }
}

/// Adds a team, or changes the one of this name; it keeps its colour.
pub(super) fn add_team(
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
