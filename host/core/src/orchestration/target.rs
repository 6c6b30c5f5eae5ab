//! Which sessions are meant.

use std::fmt;
use std::sync::Arc;

use crate::agents::roster::{Agent, Roster};
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};

/// Sessions, by what a caller calls them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// The one that the caller has made active.
    #[default]
    Active,
    /// The one that has this id, or this [UUID](SessionId::uuid).
    Session(String),
    /// Those that have this name.
    Named(String),
    /// The one in which this agent works.
    Agent(String),
    /// Those of a team's agents.
    Team {
        /// The team.
        team: String,
        /// Only of this one among them.
        agent: Option<String>,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("the active session (none is set)"),
            Self::Session(id) => write!(f, "the id {id:?}"),
            Self::Named(name) => write!(f, "the name {name:?}"),
            Self::Agent(agent) => write!(f, "agent {agent:?}"),
            Self::Team { team, agent: None } => write!(f, "team {team:?}"),
            Self::Team {
                team,
                agent: Some(agent),
            } => write!(f, "agent {agent:?} of team {team:?}"),
        }
    }
}

/// A session that can be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    id: SessionId,
    name: String,
}

impl Candidate {
    fn goes_by(&self, id: &str) -> bool {
        self.id.goes_by(id)
    }
}

impl Target {
    /// The sessions meant, among `sessions`, in no other order than theirs is given
    /// by the roster or the list. Names may be shared: all that have one are meant.
    fn resolve(
        &self,
        roster: &Roster,
        sessions: &[Candidate],
        active: Option<&str>,
    ) -> Vec<SessionId> {
        let all = |fits: &dyn Fn(&Candidate) -> bool| -> Vec<SessionId> {
            let found = sessions.iter().filter(|session| fits(session));
            found.map(|session| session.id.clone()).collect()
        };
        let of_agent = |agent: &Agent| all(&|session| session.id.as_str() == agent.session_id);
        match self {
            Self::Active => active.map_or_else(Vec::new, |id| all(&|session| session.goes_by(id))),
            Self::Session(id) => all(&|session| session.goes_by(id)),
            Self::Named(name) => all(&|session| session.name == *name),
            Self::Agent(agent) => roster.agent(agent).map_or_else(Vec::new, of_agent),
            Self::Team { team, agent } => (roster.members(team).into_iter())
                .filter(|member| agent.as_ref().is_none_or(|agent| member.name == *agent))
                .flat_map(of_agent)
                .collect(),
        }
    }
}

impl Target {
    /// What of it means no session: the target itself, or the members of a team that have
    /// lost theirs.
    fn absent(&self, roster: &Roster, sessions: &[Candidate], active: Option<&str>) -> Vec<Target> {
        let is_there = |target: &Self| !target.resolve(roster, sessions, active).is_empty();
        let members = match self {
            Self::Team { team, agent: None } => (roster.members(team).into_iter())
                .map(|member| Self::Team {
                    team: team.clone(),
                    agent: Some(member.name.clone()),
                })
                .collect(),
            _ => Vec::new(),
        };
        let asked = match members.is_empty() {
            true => vec![self.clone()],
            false => members,
        };
        asked.into_iter().filter(|it| !is_there(it)).collect()
    }
}

/// One word for a session: an id, a name, a UUID or an agent, in this order. Several
/// where they share that name.
fn by_identifier(word: &str, roster: &Roster, sessions: &[Candidate]) -> Vec<SessionId> {
    let said = || word.to_owned();
    [
        Target::Session(said()),
        Target::Named(said()),
        Target::Agent(said()),
    ]
    .iter()
    .map(|target| target.resolve(roster, sessions, None))
    .find(|found| !found.is_empty())
    .unwrap_or_default()
}

impl Host {
    /// What of a target means no session for a caller.
    pub(super) fn absent(&self, target: &Target, caller: &Caller) -> Vec<Target> {
        target.absent(
            &self.agents.state().roster,
            &candidates(&self.registry.all()),
            self.active(caller).as_deref(),
        )
    }

    fn active(&self, caller: &Caller) -> Option<String> {
        let desk = self.agents.desk();
        desk.active(&caller.connection).map(str::to_owned)
    }

    /// The sessions that a target means for a caller.
    pub(crate) fn resolve(&self, target: &Target, caller: &Caller) -> Vec<Arc<Session>> {
        let sessions = self.registry.all();
        let active = self.active(caller);
        let ids = target.resolve(
            &self.agents.state().roster,
            &candidates(&sessions),
            active.as_deref(),
        );
        (ids.iter())
            .filter_map(|id| sessions.iter().find(|it| it.id == *id))
            .cloned()
            .collect()
    }

    /// The one session that a target means, or what to do about there being none, or
    /// several of one name. Of a team it is the first.
    pub fn one_session(&self, target: &Target, caller: &Caller) -> Result<SessionId, HostError> {
        let found = self.resolve(target, caller);
        match found.as_slice() {
            [] => Err(HostError::NoSessionMeant(target.to_string())),
            [_, _, ..] if !matches!(target, Target::Team { .. }) => {
                let ids = found.iter().map(|session| session.id.clone());
                Err(HostError::SeveralMeant {
                    what: target.to_string(),
                    sessions: ids.collect(),
                })
            }
            [session, ..] => Ok(session.id.clone()),
        }
    }

    /// All sessions that a target means.
    pub fn sessions_meant(
        &self,
        target: &Target,
        caller: &Caller,
    ) -> Result<Vec<(SessionId, String)>, HostError> {
        let found = self.resolve(target, caller);
        if found.is_empty() {
            return Err(HostError::NoSessionMeant(target.to_string()));
        }
        Ok(found
            .iter()
            .map(|it| (it.id.clone(), it.name.clone()))
            .collect())
    }

    /// The session that one word means: an id, a name, a UUID or an agent.
    pub fn session_by_identifier(&self, word: &str) -> Result<SessionId, HostError> {
        let sessions = self.registry.all();
        let state = self.agents.state();
        let what = || format!("identifier {word:?}");
        let mut found = by_identifier(word, &state.roster, &candidates(&sessions));
        match (found.pop(), found.is_empty()) {
            (Some(session), true) => Ok(session),
            (Some(session), false) => {
                found.push(session);
                Err(HostError::SeveralMeant {
                    what: what(),
                    sessions: found,
                })
            }
            (None, _) => Err(HostError::NoSessionMeant(what())),
        }
    }
}

fn candidates(sessions: &[Arc<Session>]) -> Vec<Candidate> {
    (sessions.iter())
        .map(|session| Candidate {
            id: session.id.clone(),
            name: session.name.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::roster::tests::agent;

    fn scene() -> (Roster, Vec<Candidate>) {
        let mut roster = Roster::default();
        for (name, session, teams) in [
            ("alice", "session1", &["web"][..]),
            ("bob", "session2", &["web", "ops"]),
            ("gone", "session9", &["web"]),
        ] {
            roster.register(agent(name, session, teams)).expect(name);
        }
        let sessions = [
            ("session1", "One"),
            ("session2", "Two"),
            ("session3", "Two"),
            ("session4", "alice"),
        ];
        let sessions = sessions.map(|(id, name)| Candidate {
            id: SessionId::found(id).expect("an id"),
            name: name.to_owned(),
        });
        (roster, sessions.to_vec())
    }

    fn texts(ids: &[SessionId]) -> Vec<&str> {
        ids.iter().map(SessionId::as_str).collect()
    }

    #[test]
    fn sessions_are_meant_by_each_of_their_names() {
        let (roster, sessions) = scene();
        let of_team = |team: &str, agent: Option<&str>| Target::Team {
            team: team.to_owned(),
            agent: agent.map(str::to_owned),
        };
        let uuid = sessions[2].id.uuid().to_string();
        for (target, expected) in [
            (of_team("web", None), &["session1", "session2"][..]),
            (of_team("web", Some("bob")), &["session2"]),
            (of_team("ops", Some("alice")), &[]),
            (Target::Agent("alice".to_owned()), &["session1"]),
            (Target::Agent("gone".to_owned()), &[]),
            (Target::Session("session3".to_owned()), &["session3"]),
            (Target::Session(uuid), &["session3"]),
            (Target::Session("session9".to_owned()), &[]),
            (Target::Named("Two".to_owned()), &["session2", "session3"]),
            (Target::Active, &["session4"]),
        ] {
            let resolved = target.resolve(&roster, &sessions, Some("session4"));
            assert_eq!(texts(&resolved), expected, "{target}");
        }
        assert!(Target::Active.resolve(&roster, &sessions, None).is_empty());
    }

    #[test]
    fn who_has_lost_a_session_is_absent() {
        let (roster, sessions) = scene();
        let of_team = |team: &str, agent: Option<&str>| Target::Team {
            team: team.to_owned(),
            agent: agent.map(str::to_owned),
        };
        for (target, expected) in [
            (of_team("web", None), vec![of_team("web", Some("gone"))]),
            (of_team("ops", None), vec![]),
            (of_team("nobody", None), vec![of_team("nobody", None)]),
            (
                Target::Agent("gone".to_owned()),
                vec![Target::Agent("gone".to_owned())],
            ),
            (Target::Named("Two".to_owned()), vec![]),
            (Target::Active, vec![Target::Active]),
        ] {
            assert_eq!(
                target.absent(&roster, &sessions, None),
                expected,
                "{target}"
            );
        }
    }

    #[test]
    fn an_identifier_is_an_id_then_a_name_then_an_agent() {
        let (roster, sessions) = scene();
        let uuid = sessions[0].id.uuid().to_string();
        for (word, expected) in [
            ("session2", &["session2"][..]),
            ("alice", &["session4"]),
            ("bob", &["session2"]),
            ("Two", &["session2", "session3"]),
            (&uuid, &["session1"]),
            ("x", &[]),
        ] {
            let found = by_identifier(word, &roster, &sessions);
            assert_eq!(texts(&found), expected, "{word}");
        }
    }
}
