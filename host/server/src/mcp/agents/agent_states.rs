//! `agent_states`.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::try_join_all;
use quarterdeck_core::coding_agents::{Activity, Evidence};
use quarterdeck_core::operations::SessionActivity;
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::session_named;

pub(super) struct AgentStates;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Session ids, names or agents; all with an agent if none is given
    #[serde(default)]
    sessions: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    agents: Vec<StateShape>,
}

/// One session's state.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StateShape {
    pub(super) session_id: String,
    session_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// The agent's program; none where a shell is in front
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    pub(super) activity: Activity,
    /// What says so, the best first: hook, mark, screen, silence
    evidence: Evidence,
    why: String,
    since: String,
    /// When its usage limit is lifted
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<String>,
    /// How often it has gone to work
    turns: u64,
}

impl From<SessionActivity> for StateShape {
    fn from(state: SessionActivity) -> Self {
        let time = |ms| rfc3339(UNIX_EPOCH + Duration::from_millis(ms));
        Self {
            session_id: state.session_id,
            session_name: state.session_name,
            agent: state.agent,
            program: state.now.program,
            activity: state.now.activity,
            evidence: state.now.evidence,
            why: state.now.why,
            since: time(state.now.since_ms),
            resets_at: state.now.resets_at_ms.map(time),
            turns: state.now.turns,
        }
    }
}

impl StateShape {
    /// A line for the text form.
    pub(super) fn line(&self) -> String {
        let who = self.agent.as_deref().unwrap_or(&self.session_name);
        let limit = match &self.resets_at {
            Some(at) => format!(" until {at}"),
            None => String::new(),
        };
        format!(
            "{who} ({}): {}{limit}, {}",
            self.session_id,
            self.activity.as_str(),
            self.why
        )
    }
}

impl NativeTool for AgentStates {
    const NAME: &'static str = "agent_states";
    const TITLE: &'static str = "What agents do";
    const DESCRIPTION: &'static str = "Tells of each coding agent in a session whether it is idle, works, asks for permission or something else, has reached a usage limit, or has ended, and what says so.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let states = match arguments.sessions.is_empty() {
            true => host.agent_activities(),
            false => {
                let states = (arguments.sessions.iter()).map(|name| async {
                    let session = session_named(&host, name, &caller)?;
                    host.session_activity(&session).await
                });
                try_join_all(states).await?
            }
        };
        Ok(Output {
            agents: states.into_iter().map(StateShape::from).collect(),
        })
    }

    fn text(output: &Output) -> String {
        match output.agents.is_empty() {
            true => "no agent runs in a session".to_owned(),
            false => (output.agents.iter())
                .map(StateShape::line)
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }
}
