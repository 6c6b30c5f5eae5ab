//! `error_recover`.

use std::sync::Arc;

use quarterdeck_core::recovery::{HandedOver, RecoverSession};
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct ErrorRecover;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// restart, reset, failover, graceful (default), or another recovery policy
    strategy: Option<String>,
    /// Steps at most; default 3
    max_retries: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    recovered: bool,
    session_id: String,
    /// The session in its place
    #[serde(skip_serializing_if = "Option::is_none")]
    new_session_id: Option<String>,
    /// What has become of the session that was broken, where another has its place
    #[serde(skip_serializing_if = "Option::is_none")]
    old_session: Option<String>,
    /// What belongs to the new session now: agent, teams, role, tags, lock, tasks
    #[serde(skip_serializing_if = "Option::is_none")]
    // In words: as a schema it would take three times as much of a model's context.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    moved: Option<Moved>,
    strategy: String,
    attempts: u32,
    /// What was done, and what came of it
    steps: Vec<String>,
}

/// What the new session has from the old one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Moved {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    teams: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<MovedLock>,
    /// Ids: they were begun again, as their reports tell.
    tasks: Vec<String>,
}

/// A lock that goes on under a new number.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MovedLock {
    owner: String,
    /// The one before is refused.
    fencing_token: u64,
}

impl From<HandedOver> for Moved {
    fn from(handed_over: HandedOver) -> Self {
        let belongings = handed_over.belongings;
        let (agent, teams) = belongings
            .agent
            .map_or_else(Default::default, |agent| (Some(agent.name), agent.teams));
        Self {
            agent,
            teams,
            role: belongings.role.map(|role| role.as_str().to_owned()),
            tags: belongings.tags,
            lock: belongings.lock.map(|lock| MovedLock {
                owner: lock.owner,
                fencing_token: lock.fencing_token,
            }),
            tasks: handed_over.tasks.iter().map(ToString::to_string).collect(),
        }
    }
}

impl NativeTool for ErrorRecover {
    const NAME: &'static str = "error_recover";
    const TITLE: &'static str = "Mend a session";
    const DESCRIPTION: &'static str = "Mends a broken or hung session: restarts or resets its shell, or moves its tasks, lock, role and agent to a backup. What runs in it is ended.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let request = RecoverSession {
            session_id: arguments.session_id,
            strategy: arguments.strategy,
            max_retries: arguments.max_retries,
        };
        let outcome = host.recover_session(request, &caller).await?;
        Ok(Output {
            recovered: outcome.recovered,
            session_id: outcome.session_id.to_string(),
            new_session_id: outcome.new_session_id.map(|id| id.to_string()),
            old_session: outcome.left_behind,
            moved: outcome.handed_over.map(Moved::from),
            strategy: outcome.strategy,
            attempts: outcome.attempts,
            steps: outcome.story,
        })
    }

    fn text(output: &Output) -> String {
        let end = match (&output.new_session_id, output.recovered) {
            (_, false) => "not recovered".to_owned(),
            (None, true) => "recovered".to_owned(),
            (Some(new), true) => format!("recovered: go on in session {new}"),
        };
        let mut lines = vec![format!(
            "{end} ({} steps by {})",
            output.attempts, output.strategy
        )];
        lines.extend(output.steps.iter().cloned());
        lines.extend(
            (output.old_session.iter())
                .map(|what| format!("the old session {}: {what}", output.session_id)),
        );
        lines.join("\n")
    }
}
