//! Tickets for people and agents.

use schemars::JsonSchema;
use serde::Serialize;

/// `ticket.created`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TicketCreated {
    /// Its id, for example `TICKET-123`.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// As its author put it: `high`, `medium` or `low`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// The agent that is to do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
}
