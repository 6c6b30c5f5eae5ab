//! `lock_session`, `unlock_session`, `request_session_access`.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::agents::lease::DEFAULT_LEASE;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer, speaking_as};

pub(super) struct LockSession;

#[derive(Deserialize, JsonSchema)]
pub(super) struct LockArguments {
    /// The session's id
    session_id: String,
    /// The agent that alone may type there
    agent: String,
    /// Seconds until the lock runs out unless it is renewed, by locking again or by typing (default: 900)
    #[serde(default)]
    ttl_seconds: Option<u64>,
}

impl ForeignTool for LockSession {
    const NAME: &'static str = "lock_session";
    const DESCRIPTION: &'static str = "Lock a session for an agent: nobody else may type there. The lock runs out in time; lock again to renew it.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = LockArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: LockArguments) -> Outcome {
        let agent = &arguments.agent;
        speaking_as(&host, caller, Some(agent), Self::NAME)?;
        let lasts = arguments
            .ttl_seconds
            .map_or(DEFAULT_LEASE, Duration::from_secs);
        let lock = host
            .lock_session(&arguments.session_id, agent, lasts)
            .await?;
        let mut told = json!({
            "session_id": arguments.session_id,
            "locked": lock.acquired,
            "locked_by": lock.owner,
            "status": if lock.acquired { "acquired" } else { "locked" },
            "expires_at": lock.expires_at,
        });
        if lock.acquired {
            told["fencing_token"] = lock.fencing_token.into();
        }
        answer(&told)
    }
}

pub(super) struct UnlockSession;

#[derive(Deserialize, JsonSchema)]
pub(super) struct UnlockArguments {
    /// The session's id
    session_id: String,
    /// The agent that holds the lock
    #[serde(default)]
    agent: Option<String>,
    /// Whether to take away a lock that another agent holds
    #[serde(default)]
    force: bool,
}

impl ForeignTool for UnlockSession {
    const NAME: &'static str = "unlock_session";
    const DESCRIPTION: &'static str = "Release a session's lock. Only its owner can, or force.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = UnlockArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: UnlockArguments) -> Outcome {
        let caller = speaking_as(&host, caller, arguments.agent.as_deref(), Self::NAME)?;
        let agent = caller.agent.as_deref();
        let unlock = host
            .unlock_session(&arguments.session_id, agent, arguments.force)
            .await?;
        answer(&json!({
            "session_id": arguments.session_id,
            "unlocked": unlock.unlocked,
            "previous_owner": unlock.previous_owner,
            "locked_by": unlock.locked_by,
        }))
    }
}

pub(super) struct RequestSessionAccess;

#[derive(Deserialize, JsonSchema)]
pub(super) struct AccessArguments {
    /// The session's id
    session_id: String,
    /// The agent that wants to type there
    agent: String,
}

impl ForeignTool for RequestSessionAccess {
    const NAME: &'static str = "request_session_access";
    const DESCRIPTION: &'static str =
        "Ask the agent that has locked a session to let another in: it is notified.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = AccessArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: AccessArguments) -> Outcome {
        speaking_as(&host, caller, Some(&arguments.agent), Self::NAME)?;
        if arguments.agent.trim().is_empty() {
            return Err(HostError::InvalidParameters(
                "agent is empty: name the agent that asks".to_owned(),
            ));
        }
        let asked = host
            .request_session_access(&arguments.session_id, &arguments.agent)
            .await?;
        let mut told = json!({ "session_id": arguments.session_id, "allowed": asked.allowed });
        if let Some(owner) = asked.locked_by {
            told["locked_by"] = owner.into();
        }
        answer(&told)
    }
}
