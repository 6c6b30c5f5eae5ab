//! Shapes that several tools share.

use quarterdeck_core::gate::VerdictReport;
use quarterdeck_core::operations::MeasuredSession;
use quarterdeck_core::policy::{Certainty, Tier};
use quarterdeck_core::rfc3339;
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

// What every answer about a session begins with.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::mcp) struct SessionShape {
    pub(in crate::mcp) session_id: String,
    pub(in crate::mcp) name: String,
    /// active, idle or error
    pub(in crate::mcp) status: String,
    /// Percent of one core
    cpu: f64,
    /// MB
    memory: f64,
    last_activity: String,
    created_at: String,
}

impl From<&MeasuredSession> for SessionShape {
    fn from(MeasuredSession { session, usage }: &MeasuredSession) -> Self {
        Self {
            session_id: session.id.to_string(),
            name: session.name.clone(),
            status: session.state.as_str().to_owned(),
            cpu: usage.cpu_percent,
            memory: usage.memory_mb,
            last_activity: rfc3339(session.last_activity),
            created_at: rfc3339(session.created_at),
        }
    }
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
