//! What `plugin list` and `policy_list` show about each policy.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::{Grants, Instances, Limits, PolicyKind, Provenance};

/// One policy as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    /// The stem of its file, or its name among the bundled ones.
    pub name: String,
    /// Its kind, where a component of that name could be read.
    pub kind: Option<PolicyKind>,
    /// The generation in charge; 0 while none has been. Generations count up
    /// over all policies of a host, so no two loaded versions share a number.
    pub generation: u64,
    /// SHA-256 of the component in charge, in hexadecimal; empty without one.
    pub digest: String,
    /// Where the component comes from.
    pub source: PolicySource,
    /// Why it may be believed.
    pub trust: Trust,
    /// Whether it is asked.
    pub state: PolicyState,
    /// Calls of the generation in charge.
    pub calls: u64,
    /// Median of their time, in microseconds.
    pub p50_micros: u64,
    /// The time that 99 of 100 calls stay under, in microseconds.
    pub p99_micros: u64,
    /// Calls that ended in a fault: a trap, a limit, an answer out of shape.
    pub traps: u64,
    /// How often an approver in shadow mode came to another tier than those that
    /// rule; `None` for one that rules and for the other kinds.
    pub shadow_differed: Option<u64>,
    /// Why its newest version was refused; who is in charge, if anybody, is an
    /// older one.
    pub rejection: Option<String>,
    /// What went wrong last: a version that was rejected, or a call.
    pub last_error: Option<String>,
    /// Size of the component, in bytes.
    pub size: u64,
    /// Interfaces that the component imports.
    pub imports: Vec<String>,
    /// The version of the WIT package that it was built for; empty without one.
    pub wit_version: String,
    /// What the component's metadata claims; nothing of it was verified.
    pub provenance: Provenance,
    /// What a call of it may use, once there is a component.
    pub limits: Option<CallLimits>,
    /// What it may see beyond what it is asked.
    pub grants: Grants,
    /// Which instances are asked.
    pub instances: Instances,
}

/// What one call of a policy may use, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallLimits {
    /// How long it may run, in milliseconds.
    pub deadline_ms: u64,
    /// How much linear memory it may take, in bytes.
    pub memory_bytes: u64,
}

impl From<Limits> for CallLimits {
    fn from(limits: Limits) -> Self {
        CallLimits {
            deadline_ms: u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: limits.memory_bytes,
        }
    }
}

impl PolicyStatus {
    /// The kind in words, also for a file of which it is not known.
    pub fn kind_name(&self) -> String {
        self.kind
            .map_or_else(|| "of unknown kind".to_owned(), |kind| kind.to_string())
    }
}

/// Where a component comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// Travels inside the program.
    Bundled,
    /// A file in the plugins folder.
    File(PathBuf),
}

impl fmt::Display for PolicySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicySource::Bundled => f.write_str("bundled"),
            PolicySource::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// As its text: `bundled` or a path.
impl Serialize for PolicySource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a component may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// It travels inside the program.
    Bundled,
    /// It lies in the user's own folder, which nobody else can write to.
    Local,
    /// Its sidecar names the digest that it has.
    Pinned,
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trust::Bundled => "bundled",
            Trust::Local => "local",
            Trust::Pinned => "pinned",
        })
    }
}

/// Whether a policy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyState {
    /// It answers.
    Active,
    /// No version of it could be loaded, or it is required and gone.
    Failed,
    /// It is asked everything and never obeyed: its sidecar says
    /// `mode = "shadow"`.
    Shadow,
    /// Its sidecar says `enabled = false`.
    Disabled,
    /// It is bundled, and loaded when its kind is first asked for.
    Dormant,
    /// It failed three times in a row: until a trial call succeeds, an approver
    /// counts as `dangerous`, and the host's fallback stands in for the others.
    Quarantined,
}

impl fmt::Display for PolicyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PolicyState::Active => "active",
            PolicyState::Failed => "failed",
            PolicyState::Shadow => "shadow",
            PolicyState::Disabled => "disabled",
            PolicyState::Dormant => "dormant",
            PolicyState::Quarantined => "quarantined",
        })
    }
}
