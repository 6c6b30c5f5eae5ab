//! Something is not well.

use schemars::JsonSchema;
use serde::Serialize;

/// `health.alert`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HealthAlert {
    /// How bad it is.
    pub severity: AlertSeverity,
    /// What it is about: sessions, performance, connectivity and so on.
    pub component: String,
    /// What is wrong.
    pub message: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertSeverity {
    /// A threshold is near or passed.
    Warning,
    /// A component does not do its work.
    Error,
    /// The host cannot go on like this.
    Critical,
}
