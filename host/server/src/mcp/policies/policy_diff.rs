//! `policy_diff`.

use std::sync::Arc;

use quarterdeck_core::audit::{ChangedVerdict, DecidedBy, PolicyDiff as Diff, Scope, Since};
use quarterdeck_core::operations::DiffPolicy;
use quarterdeck_core::{Caller, Host, HostError, inert_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

/// How many commands are replayed where the caller does not say.
const USUAL_LIMIT: usize = 1_000;
/// How many at most.
const HIGHEST_LIMIT: usize = 10_000;
/// How many changes are shown.
const SHOWN: usize = 100;

pub(super) struct PolicyDiff;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// A policy's name in the plugins folder, or the absolute path of a component
    component: String,
    /// The policy it would replace; default: the file's name
    name: Option<String>,
    /// 24h, 7d, a day or an RFC 3339 time; default: ever
    since: Option<String>,
    /// Newest so many commands; default 1000, at most 10000
    limit: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    policy: String,
    digest: String,
    replayed: u64,
    /// How many of them the policy of this name ruled on before
    replaced: u64,
    /// How many of them are known in part only
    incomplete: u64,
    /// Not replayed: the gate was off
    unjudged: u64,
    stricter: u64,
    laxer: u64,
    /// Same tier, another rule
    other_rule: u64,
    /// Whether time ran out first
    cut_short: bool,
    /// Newest first, at most 100
    changes: Vec<Change>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Change {
    command: String,
    session_id: Option<String>,
    at: String,
    times: u64,
    before: Decided,
    after: Decided,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Decided {
    /// safe, review or dangerous
    tier: String,
    rule: Option<String>,
    policy: String,
    reason: String,
}

impl From<Diff> for Output {
    fn from(diff: Diff) -> Self {
        Self {
            policy: diff.policy,
            digest: diff.digest,
            replayed: diff.replayed,
            replaced: diff.replaced,
            incomplete: diff.incomplete,
            unjudged: diff.unjudged,
            stricter: diff.stricter,
            laxer: diff.laxer,
            other_rule: diff.other_rule,
            cut_short: diff.cut_short,
            changes: diff
                .changes
                .into_iter()
                .take(SHOWN)
                .map(Into::into)
                .collect(),
        }
    }
}

impl From<ChangedVerdict> for Change {
    fn from(change: ChangedVerdict) -> Self {
        Self {
            command: inert_text(&change.command),
            session_id: change.session,
            at: change.at,
            times: change.times,
            before: change.before.into(),
            after: change.after.into(),
        }
    }
}

impl From<DecidedBy> for Decided {
    fn from(decided: DecidedBy) -> Self {
        Self {
            tier: decided.tier.to_string(),
            rule: decided.rule,
            policy: decided.policy,
            reason: decided.reason,
        }
    }
}

impl NativeTool for PolicyDiff {
    const NAME: &'static str = "policy_diff";
    const TITLE: &'static str = "Compare a policy with history";
    const DESCRIPTION: &'static str = "Puts past commands of the audit log to an approver that is not loaded yet, and lists those whose verdict it would change. Changes nothing.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let since = match arguments.since {
            Some(since) => since
                .parse::<Since>()
                .map_err(|error| HostError::InvalidParameters(format!("since: {error}")))?,
            None => Since::EVER,
        };
        let request = DiffPolicy {
            component: arguments.component,
            name: arguments.name,
            scope: Scope {
                since,
                limit: arguments.limit.unwrap_or(USUAL_LIMIT).min(HIGHEST_LIMIT),
            },
        };
        host.diff_policy(request).await.map(Into::into)
    }

    fn text(output: &Output) -> String {
        let mut lines: Vec<String> = output
            .changes
            .iter()
            .map(|change| {
                format!(
                    "{} -> {}  {}\n    {}",
                    change.before.tier, change.after.tier, change.command, change.after.reason
                )
            })
            .collect();
        lines.push(format!(
            "{} commands replayed: {} stricter, {} laxer, {} by another rule{}",
            output.replayed,
            output.stricter,
            output.laxer,
            output.other_rule,
            if output.cut_short {
                "; time ran out before the rest"
            } else {
                ""
            }
        ));
        lines.join("\n")
    }
}
