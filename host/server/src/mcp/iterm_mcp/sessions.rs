//! `list_sessions`, `set_active_session`, `check_session_status`.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarterdeck_core::agents::{self, SessionFilter, SharedSession};
use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::target::{TargetFields, given};
use super::told_session::ToldSession;
use super::{JsonText, answer, list, yes};

pub(super) struct ListSessions;

#[derive(Deserialize, JsonSchema)]
pub(super) struct ListArguments {
    /// Only sessions with this tag
    #[serde(default)]
    tag: Option<String>,
    /// Only sessions with these tags
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// Whether any of the tags will do, or all are wanted
    #[serde(default, rename = "match")]
    tag_match: TagMatch,
    /// Only locked sessions, or only those that are not
    #[serde(default)]
    locked: Option<bool>,
    /// Only sessions that this agent has locked
    #[serde(default)]
    locked_by: Option<String>,
    /// full and json: everything; compact: a few fields; grouped: those by group
    #[serde(default)]
    format: Format,
    /// What grouped sessions have in common
    #[serde(default)]
    group_by: GroupBy,
    /// Whether to show what each session was told last
    #[serde(default = "yes")]
    include_message: bool,
    /// Whether the home folder is shortened to ~
    #[serde(default = "yes")]
    shortcuts: bool,
    /// Only sessions in which an agent works
    #[serde(default)]
    agents_only: bool,
}

/// How several tags are meant.
#[derive(Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum TagMatch {
    /// One of them is enough.
    #[default]
    Any,
    /// All of them.
    All,
}

impl From<TagMatch> for agents::TagMatch {
    fn from(tag_match: TagMatch) -> Self {
        match tag_match {
            TagMatch::Any => Self::Any,
            TagMatch::All => Self::All,
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Full,
    Compact,
    #[default]
    Grouped,
    Json,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum GroupBy {
    #[default]
    Directory,
    Team,
    None,
}

impl ForeignTool for ListSessions {
    const NAME: &'static str = "list_sessions";
    const DESCRIPTION: &'static str =
        "List all available terminal sessions, by tag, lock or agent.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = ListArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, _: Caller, arguments: ListArguments) -> Outcome {
        let filter = SessionFilter {
            tags: (arguments.tags.unwrap_or_default().into_iter())
                .chain(arguments.tag)
                .collect(),
            tag_match: arguments.tag_match.into(),
            locked: arguments.locked,
            locked_by: arguments.locked_by,
            agents_only: arguments.agents_only,
        };
        let sessions = host.shared_sessions(&filter).await?;
        let mut sessions: Vec<ToldSession> = sessions.into_iter().map(Into::into).collect();
        for session in &mut sessions {
            if !arguments.include_message {
                session.last_message = None;
            }
            if arguments.shortcuts {
                session.cwd = session.cwd.take().map(|cwd| shortened(&cwd));
            }
        }
        match arguments.format {
            Format::Full | Format::Json => list(
                "sessions",
                sessions.iter().map(|session| json!(session)).collect(),
            ),
            Format::Compact => list(
                "sessions",
                sessions.iter().map(ToldSession::compact).collect(),
            ),
            Format::Grouped => {
                let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
                for session in &sessions {
                    let group = group(session, arguments.group_by);
                    groups.entry(group).or_default().push(session.compact());
                }
                let groups: Vec<Value> = (groups.into_iter())
                    .map(|(name, sessions)| json!({ "group": name, "sessions": sessions }))
                    .collect();
                answer(&json!({ "groups": groups, "total_sessions": sessions.len() }))
            }
        }
    }
}

fn group(session: &ToldSession, by: GroupBy) -> String {
    match by {
        GroupBy::Directory => session.cwd.clone().unwrap_or_else(|| "unknown".to_owned()),
        GroupBy::Team => session.team.clone().unwrap_or_else(|| "no team".to_owned()),
        GroupBy::None => "all".to_owned(),
    }
}

fn shortened(cwd: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    match cwd.strip_prefix(&home) {
        Some(rest) if !home.is_empty() && (rest.is_empty() || rest.starts_with('/')) => {
            format!("~{rest}")
        }
        _ => cwd.to_owned(),
    }
}

/// A session by one of the names that it goes by, at the top level or as `target`.
#[derive(Deserialize, JsonSchema)]
pub(super) struct OneSession {
    /// The session's id
    #[serde(default)]
    session_id: Option<String>,
    /// The agent that works there
    #[serde(default)]
    agent: Option<String>,
    /// The session's name
    #[serde(default)]
    name: Option<String>,
    /// An id, a name or an agent
    #[serde(default)]
    session_identifier: Option<String>,
    /// Where; the active session if nothing is given
    #[serde(default)]
    target: Option<TargetFields>,
}

impl OneSession {
    /// The target that is meant.
    pub(super) fn target(self, host: &Host) -> Result<Target, HostError> {
        let above = Target::from(TargetFields {
            session_id: self.session_id,
            name: self.name,
            agent: self.agent,
            team: None,
        });
        let within = self.target.map(Target::from);
        let within = within.filter(|target| *target != Target::Active);
        let word = given(self.session_identifier);
        match (above == Target::Active, within, word) {
            (true, None, Some(word)) => {
                let id = host.session_by_identifier(&word)?;
                Ok(Target::Session(id.to_string()))
            }
            (true, Some(within), None) => Ok(within),
            (_, None, None) => Ok(above),
            _ => Err(HostError::InvalidParameters(
                "the session is named more than once: give one of session_identifier, target, and session_id, name or agent".to_owned(),
            )),
        }
    }
}

pub(super) struct SetActiveSession;

#[derive(Deserialize, JsonSchema)]
pub(super) struct ActivateArguments {
    #[serde(flatten)]
    session: OneSession,
    /// Whether to bring it to the front, too
    #[serde(default)]
    focus: bool,
}

impl ForeignTool for SetActiveSession {
    const NAME: &'static str = "set_active_session";
    const DESCRIPTION: &'static str =
        "Set the session that your later calls mean when they name none.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = ActivateArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: ActivateArguments) -> Outcome {
        let id = host.one_session(&arguments.session.target(&host)?, &caller)?;
        if arguments.focus {
            let agent = host.agents().agent_of(id.as_str()).map(|agent| agent.name);
            host.focus_session(&id, agent.as_deref())?;
        }
        host.set_active_session(&id, &caller);
        let name = host.describe_session(id.as_str()).await?.name;
        answer(&json!({
            "session_id": id,
            "name": name,
            "active": true,
            "focused": arguments.focus,
            "message": format!("Active session set to: {name} ({id})"),
        }))
    }
}

pub(super) struct CheckSessionStatus;

impl ForeignTool for CheckSessionStatus {
    const NAME: &'static str = "check_session_status";
    const DESCRIPTION: &'static str = "Check whether a session is running a command.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = OneSession;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, session: OneSession) -> Outcome {
        let id = host.one_session(&session.target(&host)?, &caller)?;
        let SharedSession {
            session,
            agent,
            teams,
            is_monitored,
            is_processing,
            ..
        } = host.shared_session(id.as_str()).await?;
        answer(&json!({
            "name": session.name,
            "id": id,
            "persistent_id": id.uuid().to_string(),
            "agent": agent,
            "teams": teams,
            "is_processing": is_processing,
            "is_monitoring": is_monitored,
            "is_active": host.is_active_session(&id, &caller),
        }))
    }
}
