//! Shapes that several tools share.

use quarterdeck_core::gate::VerdictReport;
use quarterdeck_core::policy::{Certainty, Tier};
use schemars::JsonSchema;
use serde::Serialize;

// A doc comment would become part of every schema that holds one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::mcp) struct VerdictShape {
    /// safe, review or dangerous
    tier: String,
    reason: String,
    rule: Option<String>,
    policy: String,
    generation: u64,
    /// exact, typed or unknown
    certainty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

impl From<VerdictReport> for VerdictShape {
    fn from(report: VerdictReport) -> Self {
        Self {
            tier: tier_name(report.tier),
            reason: report.reason,
            rule: report.rule,
            policy: report.policy,
            generation: report.generation,
            certainty: certainty_name(report.certainty).to_owned(),
            suggestion: report.suggestion,
        }
    }
}

impl VerdictShape {
    /// A line for the text form, where the verdict is worth one.
    pub(super) fn remark(&self) -> Option<String> {
        (self.tier != "safe").then(|| format!("[verdict {}: {}]", self.tier, self.reason))
    }
}

/// The tier's name.
pub(super) fn tier_name(tier: Tier) -> String {
    tier.to_string()
}

fn certainty_name(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Exact => "exact",
        Certainty::Typed => "typed",
        Certainty::Unknown => "unknown",
    }
}
