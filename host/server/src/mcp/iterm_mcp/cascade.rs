//! `send_cascade_message`.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarterdeck_core::orchestration::cascade::{Cascade, Reach};
use quarterdeck_core::orchestration::{CascadeOutcome, CascadeRequest, CascadeResult};
use quarterdeck_core::prompts::PromptReceipt;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::persons::{Person, nobody};
use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{JsonText, answer, not_submitted, yes};

pub(super) struct SendCascadeMessage;

/// A cascade as clients ask for it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CascadeArguments {
    /// For every agent that has nothing more specific
    #[serde(default)]
    broadcast: Option<String>,
    /// Team name to message
    #[serde(default)]
    teams: BTreeMap<String, String>,
    /// Agent name to message
    #[serde(default)]
    agents: BTreeMap<String, String>,
    /// Whether an agent is spared what it was told before
    #[serde(default = "yes")]
    skip_duplicates: bool,
    /// Whether Enter follows
    #[serde(default = "yes")]
    execute: bool,
}

impl From<CascadeArguments> for CascadeRequest {
    fn from(arguments: CascadeArguments) -> Self {
        Self {
            cascade: Cascade {
                broadcast: arguments.broadcast.filter(|message| !message.is_empty()),
                teams: arguments.teams,
                agents: arguments.agents,
            },
            skip_duplicates: arguments.skip_duplicates,
            execute: arguments.execute,
        }
    }
}

/// What came of a cascade for one agent, as clients are told of it.
#[derive(Serialize)]
pub(crate) struct CascadedOne {
    /// Of a team that nobody knows, the team.
    pub(crate) agent: String,
    /// Empty where the agent has none.
    pub(crate) session_id: String,
    /// `agent`, `team` or `broadcast`.
    pub(crate) message_type: &'static str,
    pub(crate) delivered: bool,
    /// `duplicate`, `locked`, `session_not_found`, `team_not_found`, or an error in words.
    pub(crate) skipped_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<PromptReceipt>,
}

impl From<CascadeResult> for CascadedOne {
    fn from(result: CascadeResult) -> Self {
        let skipped_reason = match &result.outcome {
            CascadeOutcome::Typed => None,
            CascadeOutcome::Prompted(receipt) => not_submitted(receipt),
            CascadeOutcome::Duplicate => Some("duplicate".to_owned()),
            CascadeOutcome::SessionGone => Some("session_not_found".to_owned()),
            CascadeOutcome::UnknownTeam => Some("team_not_found".to_owned()),
            CascadeOutcome::Failed(HostError::Locked { .. }) => Some("locked".to_owned()),
            CascadeOutcome::Failed(error) => Some(error.to_string()),
        };
        Self {
            delivered: result.was_delivered(),
            agent: result.agent,
            session_id: result.session.unwrap_or_default(),
            message_type: match result.reach {
                Reach::Agent => "agent",
                Reach::Team => "team",
                Reach::Broadcast => "broadcast",
            },
            skipped_reason,
            receipt: match result.outcome {
                CascadeOutcome::Prompted(receipt) => Some(receipt),
                _ => None,
            },
        }
    }
}

/// What came of it for all.
#[derive(Serialize)]
pub(crate) struct Cascaded {
    pub(crate) results: Vec<CascadedOne>,
    pub(crate) delivered_count: usize,
    pub(crate) skipped_count: usize,
}

impl From<Vec<CascadeResult>> for Cascaded {
    fn from(results: Vec<CascadeResult>) -> Self {
        let delivered = (results.iter()).filter(|result| result.was_delivered());
        let delivered_count = delivered.count();
        Self {
            delivered_count,
            skipped_count: results.len() - delivered_count,
            results: results.into_iter().map(CascadedOne::from).collect(),
        }
    }
}

impl ForeignTool for SendCascadeMessage {
    const NAME: &'static str = "send_cascade_message";
    const DESCRIPTION: &'static str = "Tell agents something: an agent gets the message for it, else the one for its team, else the broadcast. What an agent was told before is skipped, unless skip_duplicates is false.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = CascadeArguments;
    type Dialect = JsonText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: CascadeArguments) -> Outcome {
        Self::call_asking(host, caller, arguments, nobody()).await
    }

    async fn call_asking(
        host: Arc<Host>,
        caller: Caller,
        arguments: CascadeArguments,
        person: Person,
    ) -> Outcome {
        let request = arguments.into();
        let sent = host.send_cascade(&request, &person, &caller).await?;
        answer(&Cascaded::from(sent))
    }
}
