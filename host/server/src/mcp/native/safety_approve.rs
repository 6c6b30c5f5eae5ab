//! `safety_approve`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::shapes::tier_name;

pub(super) struct SafetyApprove;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    command: String,
    session_id: String,
    /// Force it through, as far as the configuration allows
    #[serde(default, rename = "override")]
    forced: bool,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// Whether the command would run now
    approved: bool,
    /// safe, review or dangerous
    tier: String,
    reason: String,
    requires_confirmation: bool,
    rule: Option<String>,
    policy: String,
    generation: u64,
    /// For a person: quarterdeck approve ID
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

impl NativeTool for SafetyApprove {
    const NAME: &'static str = "safety_approve";
    const TITLE: &'static str = "Ask about a command";
    const DESCRIPTION: &'static str = "Tells whether a command may run in a session, and why, without running it.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let opinion = host
            .opinion(
                &arguments.session_id,
                &arguments.command,
                arguments.forced,
                &caller,
            )
            .await?;
        Ok(Output {
            approved: opinion.approved,
            tier: tier_name(opinion.verdict.tier),
            reason: opinion.verdict.reason,
            requires_confirmation: opinion.confirmation.is_some(),
            rule: opinion.verdict.rule,
            policy: opinion.verdict.policy,
            generation: opinion.verdict.generation,
            confirmation_id: opinion.confirmation.map(|pending| pending.confirmation_id),
            suggestion: opinion.verdict.suggestion,
        })
    }

    fn text(output: &Output) -> String {
        let mut text = format!("{}: {}", output.tier, output.reason);
        if let Some(id) = &output.confirmation_id {
            text.push_str(&format!(
                "\na person can approve it once: quarterdeck approve {id}"
            ));
        }
        if let Some(suggestion) = &output.suggestion {
            text.push_str(&format!("\ninstead: {suggestion}"));
        }
        text
    }
}
