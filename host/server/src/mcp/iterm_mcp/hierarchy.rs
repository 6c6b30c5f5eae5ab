//! `select_panes_by_hierarchy`, `send_hierarchical_message`.

use std::sync::Arc;

use quarterdeck_core::orchestration::{self, NotThere, Resolved};
use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::persons::{Person, nobody};
use super::super::tool::{Effect, ForeignTool, Outcome};
use super::cascade::Cascaded;
use super::{JsonText, answer, yes};

/// A place in the hierarchy, and what is said there.
#[derive(Deserialize, JsonSchema)]
struct HierarchyTarget {
    /// The team
    #[serde(default)]
    team: Option<String>,
    /// The agent, a member of the team if one is named
    #[serde(default)]
    agent: Option<String>,
    /// What is said; the broadcast if nothing is given
    #[serde(default)]
    message: Option<String>,
}

/// Places, as the host takes them.
fn places(targets: Vec<HierarchyTarget>) -> Vec<orchestration::HierarchyTarget> {
    let place = |target: HierarchyTarget| orchestration::HierarchyTarget {
        team: target.team,
        agent: target.agent,
        message: target.message,
    };
    targets.into_iter().map(place).collect()
}

/// What one place came to, as clients are told of it.
#[derive(Serialize)]
struct ToldPlace {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl From<Resolved> for ToldPlace {
    fn from(resolved: Resolved) -> Self {
        let (session, error) = match resolved.session {
            Ok(session) => (Some(session), None),
            Err(why) => (None, Some(why_not_there(why))),
        };
        Self {
            agent: resolved.agent,
            team: resolved.team,
            session_id: session.as_ref().map(|session| session.id.to_string()),
            session_name: session.map(|session| session.name),
            error,
        }
    }
}

fn why_not_there(why: NotThere) -> &'static str {
    match why {
        NotThere::UnknownAgent => "unknown_agent",
        NotThere::AgentNotInTeam => "agent_not_in_team",
        NotThere::TeamHasNoAgents => "team_has_no_agents",
        NotThere::SessionGone => "session_not_found",
    }
}

/// All of them.
fn told_places(resolved: Vec<Resolved>) -> Vec<ToldPlace> {
    resolved.into_iter().map(ToldPlace::from).collect()
}

pub(super) struct SelectPanesByHierarchy;

#[derive(Deserialize, JsonSchema)]
pub(super) struct SelectArguments {
    /// Places in the hierarchy
    targets: Vec<HierarchyTarget>,
    /// Whether the first session found becomes the active one
    #[serde(default = "yes")]
    set_active: bool,
}

impl ForeignTool for SelectPanesByHierarchy {
    const NAME: &'static str = "select_panes_by_hierarchy";
    const DESCRIPTION: &'static str = "Find sessions by team and agent.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = SelectArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: SelectArguments) -> Outcome {
        let places = places(arguments.targets);
        let selected = host.select_panes(&places, arguments.set_active, &caller);
        answer(&json!({
            "resolved": told_places(selected.resolved),
            "active_session": selected.active,
        }))
    }
}

pub(super) struct SendHierarchicalMessage;

#[derive(Deserialize, JsonSchema)]
pub(super) struct HierarchicalArguments {
    /// Places in the hierarchy, and what is said there
    targets: Vec<HierarchyTarget>,
    /// For every agent that has nothing more specific
    #[serde(default)]
    broadcast: Option<String>,
    /// Whether an agent is spared what it was told before
    #[serde(default = "yes")]
    skip_duplicates: bool,
    /// Whether Enter follows
    #[serde(default = "yes")]
    execute: bool,
}

impl ForeignTool for SendHierarchicalMessage {
    const NAME: &'static str = "send_hierarchical_message";
    const DESCRIPTION: &'static str =
        "Tell agents something by their place in the hierarchy; the most specific message wins.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = HierarchicalArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: HierarchicalArguments) -> Outcome {
        Self::call_asking(host, caller, arguments, nobody()).await
    }

    async fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        arguments: HierarchicalArguments,
        person: Person,
    ) -> Outcome {
        let places = places(arguments.targets);
        let sent = host.send_hierarchical(
            &places,
            arguments.broadcast.as_deref(),
            arguments.skip_duplicates,
            arguments.execute,
            &person,
            &caller,
        );
        let sent = sent.await?;
        let cascaded = Cascaded::from(sent.results);
        answer(&json!({
            "results": cascaded.results,
            "delivered": cascaded.delivered_count,
            "skipped": cascaded.skipped_count,
            "delivered_count": cascaded.delivered_count,
            "skipped_count": cascaded.skipped_count,
            "errors": told_places(sent.refused),
        }))
    }
}
