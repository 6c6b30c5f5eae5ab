//! `create_team`, `list_teams`, `remove_team`, `assign_agent_to_team`,
//! `remove_agent_from_team`.

use std::sync::Arc;

use quarterdeck_core::agents::CreatedTeam;
use quarterdeck_core::agents::profile::TeamProfile;
use quarterdeck_core::agents::roster::Team;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, agents, answer, list};

pub(super) struct CreateTeam;

#[derive(Deserialize, JsonSchema)]
pub(super) struct CreateArguments {
    /// The team's name
    name: String,
    /// For people
    #[serde(default)]
    description: String,
    /// The team above it
    #[serde(default)]
    parent_team: Option<String>,
}

impl ForeignTool for CreateTeam {
    const NAME: &'static str = "create_team";
    const DESCRIPTION: &'static str = "Create a team of agents, with a colour of its own.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = CreateArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: CreateArguments) -> Outcome {
        let parent = arguments.parent_team.as_deref();
        let created = host
            .agents()
            .create_team(&arguments.name, &arguments.description, parent);
        let CreatedTeam {
            team,
            profile,
            existed,
        } = created.await?;
        let mut body = told(team, &profile);
        if existed {
            body["existed"] = true.into();
            body["note"] =
                "there was a team of this name: it has kept its members, and got what was given here"
                    .into();
        }
        answer(&body)
    }
}

pub(super) struct ListTeams;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Nothing {}

impl ForeignTool for ListTeams {
    const NAME: &'static str = "list_teams";
    const DESCRIPTION: &'static str = "List all teams.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Nothing;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, _: Nothing) -> Outcome {
        list("teams", all(&host))
    }
}

/// Teams as this family lists them.
pub(crate) fn all(host: &Host) -> Vec<Value> {
    (host.agents().teams().into_iter())
        .map(|(team, profile, members)| {
            let mut told = told(team, &profile);
            told["member_count"] = members.into();
            told
        })
        .collect()
}

fn told(team: Team, profile: &TeamProfile) -> Value {
    json!({
        "name": team.name,
        "description": team.description,
        "parent_team": team.parent_team,
        "created_at": team.created_at,
        "profile_guid": profile.guid,
        "color_hue": profile.colour.hue,
    })
}

pub(super) struct RemoveTeam;

#[derive(Deserialize, JsonSchema)]
pub(super) struct RemoveArguments {
    /// The team's name
    team_name: String,
}

impl ForeignTool for RemoveTeam {
    const NAME: &'static str = "remove_team";
    const DESCRIPTION: &'static str = "Remove a team. Its agents stay; teams below it move up.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = RemoveArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: RemoveArguments) -> Outcome {
        let name = arguments.team_name;
        match host.agents().remove_team(&name).await? {
            true => answer(&json!({
                "team": name,
                "removed": true,
                "message": format!("Team '{name}' removed successfully"),
            })),
            false => Err(HostError::InvalidParameters(format!(
                "Team '{name}' not found; list_teams shows those that exist"
            ))),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Membership {
    /// The agent's name
    agent_name: String,
    /// The team's name
    team_name: String,
}

pub(super) struct AssignAgentToTeam;

impl ForeignTool for AssignAgentToTeam {
    const NAME: &'static str = "assign_agent_to_team";
    const DESCRIPTION: &'static str = "Add an agent to a team.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Membership;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, membership: Membership) -> Outcome {
        let Membership {
            agent_name,
            team_name,
        } = membership;
        if host.agents().agent(&agent_name).is_none() {
            return Err(agents::unknown(&agent_name));
        }
        let added = host.agents().join(&agent_name, &team_name).await?;
        let message = match added {
            true => format!("Agent '{agent_name}' added to team '{team_name}'"),
            false => format!("Agent '{agent_name}' is in team '{team_name}' already"),
        };
        answer(
            &json!({ "agent": agent_name, "team": team_name, "added": added, "message": message }),
        )
    }
}

pub(super) struct RemoveAgentFromTeam;

impl ForeignTool for RemoveAgentFromTeam {
    const NAME: &'static str = "remove_agent_from_team";
    const DESCRIPTION: &'static str = "Remove an agent from a team.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Membership;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, membership: Membership) -> Outcome {
        let Membership {
            agent_name,
            team_name,
        } = membership;
        if host.agents().agent(&agent_name).is_none() {
            return Err(agents::unknown(&agent_name));
        }
        let removed = host.agents().leave(&agent_name, &team_name).await?;
        let message = match removed {
            true => format!("Agent '{agent_name}' removed from team '{team_name}'"),
            false => format!("Agent '{agent_name}' is not in team '{team_name}'"),
        };
        answer(
            &json!({ "agent": agent_name, "team": team_name, "removed": removed, "message": message }),
        )
    }
}
