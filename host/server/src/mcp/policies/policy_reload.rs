//! `policy_reload`.

use std::sync::Arc;

use quarterdeck_core::operations::PolicyReload as Reload;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct PolicyReload;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// Versions that came into charge
    loaded: Vec<Loaded>,
    /// No longer asked
    removed: Vec<String>,
    /// A former version stays in charge, if there was one
    refused: Vec<Refused>,
    /// How many policies are loaded
    serving: usize,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Loaded {
    name: String,
    /// null if unknown
    kind: Option<String>,
    generation: u64,
    digest: String,
}

#[derive(Serialize, JsonSchema)]
struct Refused {
    name: String,
    reason: String,
}

impl From<Reload> for Output {
    fn from(reload: Reload) -> Self {
        Self {
            loaded: reload
                .loaded
                .into_iter()
                .map(|policy| Loaded {
                    name: policy.name,
                    kind: policy.kind.map(|kind| kind.to_string()),
                    generation: policy.generation,
                    digest: policy.digest,
                })
                .collect(),
            removed: reload.removed,
            refused: reload
                .refused
                .into_iter()
                .map(|(name, reason)| Refused { name, reason })
                .collect(),
            serving: reload.serving,
        }
    }
}

impl NativeTool for PolicyReload {
    const NAME: &'static str = "policy_reload";
    const TITLE: &'static str = "Reload policies";
    const DESCRIPTION: &'static str = "Looks at the plugins folder now and takes over what changed; says what was loaded and what was refused, with the reason. Needs agents_may_change in the configuration.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, caller: Caller, _: Arguments) -> Result<Output, HostError> {
        host.reload_policies(&caller).await.map(Into::into)
    }

    fn text(output: &Output) -> String {
        let loaded = output.loaded.iter().map(|policy| {
            format!(
                "loaded {} as generation {} ({})",
                policy.name,
                policy.generation,
                policy.digest.get(..12).unwrap_or(&policy.digest)
            )
        });
        let removed = output.removed.iter().map(|name| format!("removed {name}"));
        let refused = output
            .refused
            .iter()
            .map(|policy| format!("refused {}: {}", policy.name, policy.reason));
        let mut lines: Vec<String> = loaded.chain(removed).chain(refused).collect();
        if lines.is_empty() {
            lines.push("nothing changed".to_owned());
        }
        lines.push(format!("{} policies are loaded", output.serving));
        lines.join("\n")
    }
}
