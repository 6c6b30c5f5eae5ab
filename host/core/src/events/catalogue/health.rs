//! Something is not well.

use schemars::JsonSchema;
use serde::Serialize;

use crate::monitor::{Component, Severity};

/// `health.alert`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthAlert {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub component: Component,
    /// What is wrong.
    pub message: String,
    /// The session that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}
