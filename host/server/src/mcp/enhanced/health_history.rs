//! `health_history`.

use std::sync::Arc;

use quarterdeck_core::monitor::PastIncident;
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::time_range;

pub(super) struct HealthHistory;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// 1h, 24h, 7d, …
    duration: String,
    /// Default true
    include_incidents: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// Seconds
    uptime: f64,
    /// Newest first
    incidents: Vec<Incident>,
    /// Percent of the time without a critical incident
    availability: f64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Incident {
    timestamp: String,
    severity: String,
    /// Seconds
    duration: f64,
    resolved: bool,
    cause: String,
    component: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    /// What was done
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<String>,
}

impl From<PastIncident> for Incident {
    fn from(incident: PastIncident) -> Self {
        Self {
            timestamp: rfc3339(incident.at),
            severity: incident.severity,
            duration: incident.duration.as_secs_f64(),
            resolved: incident.resolved,
            cause: incident.cause,
            component: incident.component,
            session_id: incident.session_id,
            recovery: incident.recovery,
        }
    }
}

impl NativeTool for HealthHistory {
    const NAME: &'static str = "health_history";
    const TITLE: &'static str = "What went wrong";
    const DESCRIPTION: &'static str = "Uptime, availability and incidents over a time.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let range = time_range("duration", &arguments.duration)?;
        let past = host.health_history(range).await?;
        let incidents = match arguments.include_incidents.unwrap_or(true) {
            true => past.incidents.into_iter().map(Incident::from).collect(),
            false => Vec::new(),
        };
        Ok(Output {
            uptime: (past.uptime.as_secs_f64() * 1e3).round() / 1e3,
            incidents,
            availability: past.availability,
        })
    }

    fn text(output: &Output) -> String {
        let mut lines = vec![format!(
            "up for {} s, available {} %, {} incidents",
            output.uptime,
            output.availability,
            output.incidents.len()
        )];
        lines.extend(output.incidents.iter().map(|incident| {
            format!(
                "{}  {}  {} s{}  {}",
                incident.timestamp,
                incident.severity,
                incident.duration,
                if incident.resolved { "" } else { " so far" },
                incident.cause
            )
        }));
        lines.join("\n")
    }
}
