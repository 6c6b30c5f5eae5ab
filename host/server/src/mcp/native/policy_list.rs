//! `policy_list`.

use std::sync::Arc;

use quarterdeck_core::policy::{PolicyKind, PolicyStatus};
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(in crate::mcp) struct PolicyList;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mcp) struct Arguments {
    /// approver, distributor, progress-parser or recovery
    kind: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::mcp) struct Output {
    policies: Vec<Policy>,
    #[serde(rename = "incidents")]
    problems: Vec<Problem>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Policy {
    name: String,
    // Null where the component could not be read.
    kind: Option<String>,
    generation: u64,
    digest: String,
    /// bundled, or a path
    source: String,
    trust: String,
    state: String,
    calls: u64,
    p50_micros: u64,
    p99_micros: u64,
    traps: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow_differed: Option<u64>,
    last_error: Option<String>,
    /// Claims of the component's metadata. The schema, which every conversation pays
    /// for, speaks neither of them nor of the size.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    authors: Option<String>,
    /// In bytes.
    #[schemars(skip)]
    size: u64,
}

#[derive(Serialize, JsonSchema)]
struct Problem {
    at: String,
    message: String,
}

impl From<PolicyStatus> for Policy {
    fn from(status: PolicyStatus) -> Self {
        Self {
            name: status.name,
            kind: status.kind.map(|kind| kind.to_string()),
            generation: status.generation,
            digest: status.digest,
            source: status.source.to_string(),
            trust: status.trust.to_string(),
            state: status.state.to_string(),
            calls: status.calls,
            p50_micros: status.p50_micros,
            p99_micros: status.p99_micros,
            traps: status.traps,
            shadow_differed: status.shadow_differed,
            last_error: status.last_error,
            version: status.provenance.version,
            authors: status.provenance.authors,
            size: status.size,
        }
    }
}

impl NativeTool for PolicyList {
    const NAME: &'static str = "policy_list";
    const TITLE: &'static str = "List policies";
    const DESCRIPTION: &'static str = "Lists policies, how they fare, and recent problems.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let kind = arguments
            .kind
            .map(|kind| {
                kind.parse::<PolicyKind>().map_err(|_| {
                    HostError::InvalidParameters(format!(
                        "kind {kind:?} is not one of approver, distributor, progress-parser and recovery"
                    ))
                })
            })
            .transpose()?;
        Ok(Output {
            policies: host
                .policies()
                .await
                .into_iter()
                .filter(|policy| kind.is_none_or(|kind| policy.kind == Some(kind)))
                .map(Into::into)
                .collect(),
            problems: host
                .policy_problems()
                .into_iter()
                .map(|problem| Problem {
                    at: rfc3339(problem.at),
                    message: problem.message,
                })
                .collect(),
        })
    }

    fn text(output: &Output) -> String {
        output
            .policies
            .iter()
            .map(|policy| {
                let mut line = format!(
                    "{}{} ({}, {}) generation {} from {}",
                    policy.name,
                    policy
                        .version
                        .as_ref()
                        .map_or_else(String::new, |version| format!(" {version}")),
                    policy.kind.as_deref().unwrap_or("of unknown kind"),
                    policy.state,
                    policy.generation,
                    policy.source
                );
                if let Some(differed) = policy.shadow_differed {
                    line.push_str(&format!(
                        ", differed from the ruling in {differed} of {} calls",
                        policy.calls
                    ));
                }
                line
            })
            .chain(
                output
                    .problems
                    .iter()
                    .map(|problem| format!("{}: {}", problem.at, problem.message)),
            )
            .collect::<Vec<_>>()
            .join("\n")
    }
}
