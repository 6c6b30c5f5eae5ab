//! What a client's own command line says, before it speaks.

use std::path::PathBuf;

use quarterdeck_core::BackendChoice;
use serde::{Deserialize, Serialize};

use super::ToolFamily;

/// What one client is to see, for whom it speaks and what its sessions are on. It
/// travels to the running host that the client joins.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClientSettings {
    /// The tool families; those of the host where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<ToolFamily>>,
    /// The agent that the client is; the one in whose session its process runs, if
    /// there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What its new sessions are opened on; what the host says where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendChoice>,
    /// Where its new sessions start; in the host's folder where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Whether `mcpretentious-open` shows that a call may name a backend.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub calls_name_backends: bool,
}
