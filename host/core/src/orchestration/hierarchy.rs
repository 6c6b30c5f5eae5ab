//! Sessions by their place in the hierarchy of teams and agents.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asking::AsksPerson;
use super::cascade::Cascade;
use super::{CascadeReport, CascadeRequest};
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;

/// A place in the hierarchy, and what is said there.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HierarchyTarget {
    /// The team
    #[serde(default)]
    pub team: Option<String>,
    /// The agent, a member of the team if one is named
    #[serde(default)]
    pub agent: Option<String>,
    /// What is said; the broadcast if nothing is given
    #[serde(default)]
    pub message: Option<String>,
}

/// What one place came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The team that was named.
    pub team: Option<String>,
    /// The agent's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// `unknown_agent`, `agent_not_in_team`, `session_not_found` or
    /// `team_has_no_agents`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

/// What all places came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelectedPanes {
    /// By target.
    pub resolved: Vec<Resolved>,
    /// The session that became active.
    pub active_session: Option<String>,
}

impl Host {
    /// Finds the sessions at places of the hierarchy; the first becomes the active
    /// session if `set_active` says so.
    pub fn select_panes(
        &self,
        targets: &[HierarchyTarget],
        set_active: bool,
        caller: &Caller,
    ) -> SelectedPanes {
        let resolved: Vec<Resolved> = targets.iter().flat_map(|it| self.place(it)).collect();
        let first = resolved.iter().find_map(|it| it.session_id.as_deref());
        let active = (first.filter(|_| set_active)).and_then(|id| self.registry.get(id).ok());
        if let Some(session) = &active {
            self.set_active_session(&session.id, caller);
        }
        SelectedPanes {
            active_session: active.map(|session| session.id.to_string()),
            resolved,
        }
    }

    fn place(&self, target: &HierarchyTarget) -> Vec<Resolved> {
        let failed = |error| {
            vec![Resolved {
                agent: target.agent.clone(),
                team: target.team.clone(),
                error: Some(error),
                ..Resolved::default()
            }]
        };
        let found = |agent: &crate::agents::roster::Agent| {
            let session = self.registry.get(&agent.session_id).ok();
            Resolved {
                agent: Some(agent.name.clone()),
                team: target.team.clone(),
                error: session.is_none().then_some("session_not_found"),
                session_name: session.as_ref().map(|session| session.name.clone()),
                session_id: session.map(|session| session.id.to_string()),
            }
        };
        let state = self.agents.state();
        match (&target.agent, &target.team) {
            (Some(name), team) => match state.roster.agent(name) {
                None => failed("unknown_agent"),
                Some(agent) => {
                    let members = team.as_deref().map(|team| state.roster.members(team));
                    let outside = |members: Vec<_>| !members.contains(&agent);
                    match members.is_some_and(outside) {
                        true => failed("agent_not_in_team"),
                        false => vec![found(agent)],
                    }
                }
            },
            (None, Some(team)) => match state.roster.members(team) {
                members if members.is_empty() => failed("team_has_no_agents"),
                members => members.into_iter().map(found).collect(),
            },
            (None, None) => failed("unknown_agent"),
        }
    }

    /// Sends each place its message; every agent that is named or in a named team
    /// gets one, the most specific.
    pub async fn send_hierarchical(
        self: &Arc<Self>,
        targets: &[HierarchyTarget],
        broadcast: Option<&str>,
        skip_duplicates: bool,
        execute: bool,
        asks: &dyn AsksPerson,
        caller: &Caller,
    ) -> Result<(CascadeReport, Vec<Resolved>), HostError> {
        let mut cascade = Cascade {
            broadcast: broadcast.map(str::to_owned),
            ..Cascade::default()
        };
        let mut refused = Vec::new();
        for target in targets {
            let message = (target.message.as_deref().or(broadcast)).ok_or_else(|| {
                HostError::InvalidParameters(
                    "a target without a message needs a broadcast to fall back on".to_owned(),
                )
            })?;
            let wrong = self
                .place(target)
                .into_iter()
                .filter(|it| it.error.is_some());
            let wrong: Vec<Resolved> = wrong.collect();
            let whole = wrong.iter().any(|it| it.error != Some("session_not_found"));
            refused.extend(wrong);
            if whole {
                continue;
            }
            match (&target.agent, &target.team) {
                (Some(agent), _) => cascade.agents.insert(agent.clone(), message.to_owned()),
                (None, Some(team)) => cascade.teams.insert(team.clone(), message.to_owned()),
                (None, None) => None,
            };
        }
        let request = CascadeRequest {
            cascade,
            skip_duplicates,
            execute,
        };
        Ok((self.send_cascade(&request, asks, caller).await?, refused))
    }
}
