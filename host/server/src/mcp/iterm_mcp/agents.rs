//! `register_agent`, `list_agents`, `remove_agent`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use quarterdeck_core::agents::RegisteredAgent;
use quarterdeck_core::agents::roster::Agent;
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer, list};

pub(super) struct RegisterAgent;

#[derive(Deserialize, JsonSchema)]
pub(super) struct RegisterArguments {
    /// The agent's name
    name: String,
    /// The session in which it works
    session_id: String,
    /// The teams that it belongs to
    #[serde(default)]
    teams: Vec<String>,
    /// Whatever you want kept with it
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl ForeignTool for RegisterAgent {
    const NAME: &'static str = "register_agent";
    const DESCRIPTION: &'static str = "Register a named agent bound to a session. A session has one agent: who was registered for it before is not any more, and named as displaced_agent.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = RegisterArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: RegisterArguments) -> Outcome {
        let session = host.describe_session(&arguments.session_id).await?;
        let agent = Agent {
            name: arguments.name,
            session_id: session.id.to_string(),
            teams: arguments.teams,
            metadata: arguments.metadata,
            created_at: rfc3339(SystemTime::now()),
            depth: 1,
        };
        let RegisteredAgent { agent, displaced } = host.agents().register(agent, &caller).await?;
        let mut registered = json!({
            "agent": agent.name,
            "session_id": agent.session_id,
            "session_name": session.name,
            "teams": agent.teams,
            "metadata": agent.metadata,
        });
        if let Some(displaced) = displaced {
            registered["displaced_agent"] = displaced.into();
        }
        answer(&registered)
    }
}

pub(super) struct ListAgents;

#[derive(Deserialize, JsonSchema)]
pub(super) struct ListArguments {
    /// Only the agents of this team and those below it
    #[serde(default)]
    team: Option<String>,
}

impl ForeignTool for ListAgents {
    const NAME: &'static str = "list_agents";
    const DESCRIPTION: &'static str = "List registered agents, of one team or all.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = ListArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: ListArguments) -> Outcome {
        list(
            "agents",
            told(host.agents().agents(arguments.team.as_deref())),
        )
    }
}

/// Agents as this family lists them.
pub(crate) fn told(agents: Vec<Agent>) -> Vec<Value> {
    (agents.into_iter())
        .map(|agent| {
            json!({
                "name": agent.name,
                "session_id": agent.session_id,
                "teams": agent.teams,
                "metadata": agent.metadata,
                "created_at": agent.created_at,
            })
        })
        .collect()
}

pub(super) struct RemoveAgent;

#[derive(Deserialize, JsonSchema)]
pub(super) struct RemoveArguments {
    /// The agent's name
    agent_name: String,
}

impl ForeignTool for RemoveAgent {
    const NAME: &'static str = "remove_agent";
    const DESCRIPTION: &'static str =
        "Remove an agent's registration, and free what it has locked. Its session stays.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = RemoveArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: RemoveArguments) -> Outcome {
        let name = arguments.agent_name;
        match host.agents().remove_agent(&name).await? {
            true => answer(&json!({
                "agent": name,
                "removed": true,
                "message": format!("Agent '{name}' removed successfully"),
            })),
            false => Err(unknown(&name)),
        }
    }
}

pub(super) fn unknown(agent: &str) -> HostError {
    HostError::InvalidParameters(format!(
        "Agent '{agent}' not found; list_agents shows those that are registered"
    ))
}
