//! Sessions by their place in the hierarchy of teams and agents.

use std::sync::Arc;

use super::asking::AsksPerson;
use super::cascade::Cascade;
use super::{BadRequest, CascadeRequest, CascadeResult};
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::session::SessionId;

/// A place in the hierarchy, and what is said there.
#[derive(Clone, Debug, Default)]
pub struct HierarchyTarget {
    /// The team.
    pub team: Option<String>,
    /// The agent, a member of the team if one is named.
    pub agent: Option<String>,
    /// What is said; the broadcast if nothing is given.
    pub message: Option<String>,
}

/// What one place came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The agent.
    pub agent: Option<String>,
    /// The team that was named.
    pub team: Option<String>,
    /// The agent's session.
    pub session: Result<PlacedSession, NotThere>,
}

/// A session at a place of the hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedSession {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
}

/// Why there is no session at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotThere {
    /// No agent of this name is registered, or none was named.
    UnknownAgent,
    /// The agent is in other teams.
    AgentNotInTeam,
    /// Nobody is in the team.
    TeamHasNoAgents,
    /// The agent's session is gone.
    SessionGone,
}

/// What all places came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedPanes {
    /// By target.
    pub resolved: Vec<Resolved>,
    /// The session that became active.
    pub active: Option<SessionId>,
}

/// What came of messages for places of the hierarchy.
#[derive(Debug)]
pub struct HierarchySent {
    /// By agent.
    pub results: Vec<CascadeResult>,
    /// The places where there is nobody.
    pub refused: Vec<Resolved>,
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
        let mut found = resolved.iter().filter_map(|it| it.session.as_ref().ok());
        let active = (found.next().filter(|_| set_active))
            .and_then(|found| self.registry.get(found.id.as_str()).ok());
        if let Some(session) = &active {
            self.set_active_session(&session.id, caller);
        }
        SelectedPanes {
            active: active.map(|session| session.id.clone()),
            resolved,
        }
    }

    fn place(&self, target: &HierarchyTarget) -> Vec<Resolved> {
        let failed = |why| {
            vec![Resolved {
                agent: target.agent.clone(),
                team: target.team.clone(),
                session: Err(why),
            }]
        };
        let found = |agent: &crate::agents::roster::Agent| {
            let session = self.registry.get(&agent.session_id);
            Resolved {
                agent: Some(agent.name.clone()),
                team: target.team.clone(),
                session: session
                    .map_err(|_| NotThere::SessionGone)
                    .map(|session| PlacedSession {
                        id: session.id.clone(),
                        name: session.name.clone(),
                    }),
            }
        };
        let state = self.agents.state();
        match (&target.agent, &target.team) {
            (Some(name), team) => match state.roster.agent(name) {
                None => failed(NotThere::UnknownAgent),
                Some(agent) => {
                    let members = team.as_deref().map(|team| state.roster.members(team));
                    let outside = |members: Vec<_>| !members.contains(&agent);
                    match members.is_some_and(outside) {
                        true => failed(NotThere::AgentNotInTeam),
                        false => vec![found(agent)],
                    }
                }
            },
            (None, Some(team)) => match state.roster.members(team) {
                members if members.is_empty() => failed(NotThere::TeamHasNoAgents),
                members => members.into_iter().map(found).collect(),
            },
            (None, None) => failed(NotThere::UnknownAgent),
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
    ) -> Result<HierarchySent, HostError> {
        let mut cascade = Cascade {
            broadcast: broadcast.map(str::to_owned),
            ..Cascade::default()
        };
        let mut refused = Vec::new();
        for target in targets {
            let message =
                (target.message.as_deref().or(broadcast)).ok_or(BadRequest::NothingToSay)?;
            let nobody = (self.place(target).into_iter()).filter(|it| it.session.is_err());
            let nobody: Vec<Resolved> = nobody.collect();
            let whole = (nobody.iter()).any(|it| it.session != Err(NotThere::SessionGone));
            refused.extend(nobody);
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
        Ok(HierarchySent {
            results: self.send_cascade(&request, asks, caller).await?,
            refused,
        })
    }
}
