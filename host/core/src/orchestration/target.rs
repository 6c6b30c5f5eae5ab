//! Which sessions are meant.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agents::roster::Roster;
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};

/// Sessions by one of the names that they go by. Looked at in this order: team (with
/// or without agent), agent, session id, name; none of them is the active session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The session's id
    #[serde(default)]
    pub session_id: Option<String>,
    /// The session's name
    #[serde(default)]
    pub name: Option<String>,
    /// The agent that works there
    #[serde(default)]
    pub agent: Option<String>,
    /// A team: the sessions of all its agents, or of the one named besides
    #[serde(default)]
    pub team: Option<String>,
}

/// A session that can be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Target {
    /// The sessions meant, among `sessions`, in no other order than theirs is given
    /// by the roster or the list. Names may be shared: all that have one are meant.
    pub fn resolve(
        &self,
        roster: &Roster,
        sessions: &[Candidate],
        active: Option<&str>,
    ) -> Vec<String> {
        let lives = |id: &str| sessions.iter().any(|session| session.id == id);
        let alive = |ids: Vec<&str>| -> Vec<String> {
            (ids.into_iter())
                .filter(|id| lives(id))
                .map(str::to_owned)
                .collect()
        };
        if let Some(team) = given(&self.team) {
            let agent = given(&self.agent);
            let members = (roster.members(team).into_iter())
                .filter(|member| agent.is_none_or(|agent| member.name == agent));
            return alive(members.map(|member| member.session_id.as_str()).collect());
        }
        if let Some(agent) = given(&self.agent) {
            let agent = roster.agent(agent);
            return alive(
                agent
                    .map(|agent| agent.session_id.as_str())
                    .into_iter()
                    .collect(),
            );
        }
        if let Some(id) = given(&self.session_id) {
            return alive(vec![id]);
        }
        if let Some(name) = given(&self.name) {
            return (sessions.iter())
                .filter(|session| session.name == name)
                .map(|session| session.id.clone())
                .collect();
        }
        alive(active.into_iter().collect())
    }

    /// Whether it names a team, of which there may be several sessions.
    pub fn is_of_a_team(&self) -> bool {
        given(&self.team).is_some()
    }

    /// In words, for an error.
    pub fn describe(&self) -> String {
        let parts = [
            ("team", &self.team),
            ("agent", &self.agent),
            ("session_id", &self.session_id),
            ("name", &self.name),
        ];
        let parts: Vec<String> = (parts.iter())
            .filter_map(|(what, value)| given(value).map(|value| format!("{what} {value:?}")))
            .collect();
        match parts.is_empty() {
            true => "the active session (none is set)".to_owned(),
            false => parts.join(" and "),
        }
    }
}

/// An empty name is none: gRPC's clients send what they leave out as empty.
fn given(name: &Option<String>) -> Option<&str> {
    name.as_deref().filter(|name| !name.is_empty())
}

/// One word for a session, as gRPC's clients give it: an id, a name or an agent, in
/// this order. Several where they share that name.
pub fn by_identifier(word: &str, roster: &Roster, sessions: &[Candidate]) -> Vec<String> {
    let ids = |fits: &dyn Fn(&Candidate) -> bool| -> Vec<String> {
        let found = sessions.iter().filter(|session| fits(session));
        found.map(|session| session.id.clone()).collect()
    };
    let of_agent = || {
        let agent = roster.agent(word);
        ids(&|session| agent.is_some_and(|agent| session.id == agent.session_id))
    };
    [
        ids(&|session| session.id == word),
        ids(&|session| session.name == word),
    ]
    .into_iter()
    .find(|found| !found.is_empty())
    .unwrap_or_else(of_agent)
}

impl Host {
    /// The sessions that a target means for a caller.
    pub(crate) fn resolve(&self, target: &Target, caller: &Caller) -> Vec<Arc<Session>> {
        let sessions = self.registry.all();
        let active = self
            .agents
            .desk()
            .active(&caller.connection)
            .map(str::to_owned);
        let ids = target.resolve(
            &self.agents.state().roster,
            &candidates(&sessions),
            active.as_deref(),
        );
        (ids.iter())
            .filter_map(|id| sessions.iter().find(|it| it.id.as_str() == id))
            .cloned()
            .collect()
    }

    /// The one session that a target means, or what to do about there being none, or
    /// several of one name. Of a team it is the first.
    pub fn one_session(&self, target: &Target, caller: &Caller) -> Result<SessionId, HostError> {
        let found = self.resolve(target, caller);
        match found.as_slice() {
            [] => Err(HostError::NoSessionMeant(target.describe())),
            [_, _, ..] if !target.is_of_a_team() => {
                let ids = found.iter().map(|session| session.id.clone());
                Err(HostError::SeveralMeant {
                    what: target.describe(),
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
            return Err(HostError::NoSessionMeant(target.describe()));
        }
        Ok(found
            .iter()
            .map(|it| (it.id.clone(), it.name.clone()))
            .collect())
    }

    /// The session that one word means: an id, a name or an agent.
    pub fn session_by_identifier(&self, word: &str) -> Result<SessionId, HostError> {
        let sessions = self.registry.all();
        let state = self.agents.state();
        let what = || format!("identifier {word:?}");
        let meant = by_identifier(word, &state.roster, &candidates(&sessions));
        let mut found: Vec<SessionId> = (sessions.iter())
            .filter(|session| meant.iter().any(|id| session.id.as_str() == id))
            .map(|session| session.id.clone())
            .collect();
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
            id: session.id.to_string(),
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
            ("alice", "s1", &["web"][..]),
            ("bob", "s2", &["web", "ops"]),
            ("gone", "s9", &["web"]),
        ] {
            roster.register(agent(name, session, teams)).expect(name);
        }
        let sessions = [("s1", "One"), ("s2", "Two"), ("s3", "Two"), ("s4", "alice")];
        let sessions = sessions.map(|(id, name)| Candidate {
            id: id.to_owned(),
            name: name.to_owned(),
        });
        (roster, sessions.to_vec())
    }

    fn target(fields: serde_json::Value) -> Target {
        serde_json::from_value(fields).expect("a target")
    }

    #[test]
    fn the_first_name_that_is_given_counts() {
        let (roster, sessions) = scene();
        for (fields, expected) in [
            (serde_json::json!({ "team": "web" }), &["s1", "s2"][..]),
            (
                serde_json::json!({ "team": "web", "agent": "bob" }),
                &["s2"],
            ),
            (serde_json::json!({ "team": "ops", "agent": "alice" }), &[]),
            (
                serde_json::json!({ "agent": "alice", "session_id": "s3" }),
                &["s1"],
            ),
            (serde_json::json!({ "agent": "gone" }), &[]),
            (
                serde_json::json!({ "session_id": "s3", "name": "One" }),
                &["s3"],
            ),
            (serde_json::json!({ "session_id": "s9" }), &[]),
            (serde_json::json!({ "name": "Two" }), &["s2", "s3"]),
            (serde_json::json!({ "team": "", "name": "" }), &["s4"]),
            (serde_json::json!({}), &["s4"]),
        ] {
            let resolved = target(fields.clone()).resolve(&roster, &sessions, Some("s4"));
            assert_eq!(resolved, expected, "{fields}");
        }
        assert!(
            Target::default()
                .resolve(&roster, &sessions, None)
                .is_empty()
        );
    }

    #[test]
    fn an_identifier_is_an_id_then_a_name_then_an_agent() {
        let (roster, sessions) = scene();
        for (word, expected) in [
            ("s2", &["s2"][..]),
            ("alice", &["s4"]),
            ("bob", &["s2"]),
            ("Two", &["s2", "s3"]),
            ("x", &[]),
        ] {
            assert_eq!(by_identifier(word, &roster, &sessions), expected, "{word}");
        }
    }
}
