//! Policies come and go.

use schemars::JsonSchema;
use serde::Serialize;

/// `policy.swapped`: another set of policies is asked from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicySwapped {
    /// Policies in a version that was not in charge before.
    pub loaded: Vec<SwappedPolicy>,
    /// Policies that are no longer asked.
    pub removed: Vec<String>,
}

/// A policy that came into charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SwappedPolicy {
    /// Its name.
    pub name: String,
    /// Its kind, where it is known.
    pub kind: Option<String>,
    /// The generation.
    pub generation: u64,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
}
