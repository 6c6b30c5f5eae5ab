//! `agent_prompt`.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use quarterdeck_core::coding_agents::Activity;
use quarterdeck_core::prompts::{PromptAgent, PromptReceipt, PromptStage, READY_WITHIN};
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::session_named;

pub(super) struct AgentPrompt;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// A session's id or name, or an agent
    session: String,
    /// May span lines
    prompt: String,
    /// Names the prompt: called again with it, nothing is typed again
    prompt_id: Option<String>,
    /// How long to wait until the agent is idle (30000)
    ready_ms: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    prompt_id: String,
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    /// How far it is known to have come
    stage: PromptStage,
    /// Why it came no further
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    pastes: u32,
    enters: u32,
    typed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_after_ms: Option<u64>,
    activity: Activity,
    /// Whether this is the receipt of an earlier call
    repeated: bool,
}

impl From<PromptReceipt> for Output {
    fn from(receipt: PromptReceipt) -> Self {
        Self {
            prompt_id: receipt.id,
            session_id: receipt.session_id,
            program: receipt.program,
            stage: receipt.stage,
            problem: receipt.problem,
            pastes: receipt.pastes,
            enters: receipt.enters,
            typed_at: rfc3339(UNIX_EPOCH + Duration::from_millis(receipt.typed_at_ms)),
            delivered_after_ms: receipt.delivered_after_ms,
            submitted_after_ms: receipt.submitted_after_ms,
            started_after_ms: receipt.started_after_ms,
            activity: receipt.activity,
            repeated: receipt.repeated,
        }
    }
}

impl NativeTool for AgentPrompt {
    const NAME: &'static str = "agent_prompt";
    const TITLE: &'static str = "Prompt an agent";
    const DESCRIPTION: &'static str = "Hands a prompt to the coding agent that runs in a session: waits until it is idle, pastes, sees it arrive, submits once, and returns a receipt. Never types a prompt twice.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let session = session_named(&host, &arguments.session, &caller)?;
        let request = PromptAgent {
            id: arguments.prompt_id,
            text: arguments.prompt,
            ready_within: arguments
                .ready_ms
                .map_or(READY_WITHIN, Duration::from_millis),
        };
        let receipt = host.prompt_agent(&session, request, &caller).await?;
        Ok(receipt.into())
    }

    fn text(output: &Output) -> String {
        let stage = match output.stage {
            PromptStage::Typing => "is being typed: nobody knows whether it arrived",
            PromptStage::Typed => "was typed",
            PromptStage::Delivered => "stands in the prompt box",
            PromptStage::Submitted => "was submitted",
            PromptStage::Started => "was submitted, and the agent works on it",
        };
        let earlier = if output.repeated {
            " (the receipt of an earlier call; nothing was typed now)"
        } else {
            ""
        };
        let problem = output.problem.as_deref().unwrap_or_default();
        format!("prompt {} {stage}{earlier}. {problem}", output.prompt_id)
            .trim_end()
            .to_owned()
    }
}
