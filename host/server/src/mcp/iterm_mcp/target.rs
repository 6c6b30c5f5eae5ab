//! Which sessions are meant, as this family's clients say it.

use quarterdeck_core::orchestration::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sessions by one of the names that they go by. Looked at in this order: team (with
/// or without agent), agent, session id, name; none of them is the active session.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TargetFields {
    /// The session's id
    #[serde(default)]
    pub(crate) session_id: Option<String>,
    /// The session's name
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// The agent that works there
    #[serde(default)]
    pub(crate) agent: Option<String>,
    /// A team: the sessions of all its agents, or of the one named besides
    #[serde(default)]
    pub(crate) team: Option<String>,
}

impl From<TargetFields> for Target {
    fn from(fields: TargetFields) -> Self {
        let agent = given(fields.agent);
        if let Some(team) = given(fields.team) {
            return Self::Team { team, agent };
        }
        (agent.map(Self::Agent))
            .or_else(|| given(fields.session_id).map(Self::Session))
            .or_else(|| given(fields.name).map(Self::Named))
            .unwrap_or_default()
    }
}

/// An empty name is none: gRPC's clients send what they leave out as empty.
pub(crate) fn given(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_name_that_is_given_counts() {
        let of_team = |agent: Option<&str>| Target::Team {
            team: "web".to_owned(),
            agent: agent.map(str::to_owned),
        };
        for (fields, meant) in [
            (json!({ "team": "web", "name": "One" }), of_team(None)),
            (
                json!({ "team": "web", "agent": "bob", "session_id": "s" }),
                of_team(Some("bob")),
            ),
            (
                json!({ "agent": "bob", "session_id": "s" }),
                Target::Agent("bob".to_owned()),
            ),
            (
                json!({ "session_id": "s", "name": "One" }),
                Target::Session("s".to_owned()),
            ),
            (json!({ "name": "One" }), Target::Named("One".to_owned())),
            (json!({ "team": "", "name": "" }), Target::Active),
            (json!({}), Target::Active),
        ] {
            let read: TargetFields = serde_json::from_value(fields.clone()).expect("a target");
            assert_eq!(Target::from(read), meant, "{fields}");
        }
    }
}
