//! `health_check`.

use std::sync::Arc;

use quarterdeck_core::monitor::{BackendHealth, Component, Issue, Severity};
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct HealthCheck;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Every component, not only the three main ones
    #[serde(default)]
    detailed: bool,
    /// Only issues of this session
    session_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// healthy, degraded or critical
    status: String,
    timestamp: String,
    components: Components,
    issues: Vec<IssueShape>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Components {
    sessions: Sessions,
    performance: Performance,
    connectivity: Connectivity,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<Policies>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<Store>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<Disk>,
}

#[derive(Serialize, JsonSchema)]
struct Sessions {
    status: String,
    active: usize,
    max: usize,
}

#[derive(Serialize, JsonSchema)]
struct Performance {
    status: String,
    /// Percent of one core
    cpu: f64,
    /// MB
    memory: f64,
}

#[derive(Serialize, JsonSchema)]
struct Connectivity {
    status: String,
    /// ms, of the slowest backend
    latency: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    backends: Option<Vec<Backend>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Backend {
    backend: String,
    /// ms; null: no answer
    latency: Option<f64>,
    sessions: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Policies {
    status: String,
    loaded: usize,
}

#[derive(Serialize, JsonSchema)]
struct Store {
    status: String,
    /// ms for a write
    latency: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Disk {
    status: String,
    free_mb: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct IssueShape {
    component: String,
    /// warning or error
    severity: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
}

impl From<&Issue> for IssueShape {
    fn from(issue: &Issue) -> Self {
        Self {
            component: issue.component.to_string(),
            // The document knows two.
            severity: match issue.severity {
                Severity::Warning => "warning",
                Severity::Error | Severity::Critical => "error",
            }
            .to_owned(),
            message: issue.message.clone(),
            session_id: issue.session.clone(),
        }
    }
}

impl From<&BackendHealth> for Backend {
    fn from(health: &BackendHealth) -> Self {
        Self {
            backend: health.backend.to_owned(),
            latency: health.latency_ms,
            sessions: health.sessions,
            error: health.error.clone(),
        }
    }
}

impl NativeTool for HealthCheck {
    const NAME: &'static str = "health_check";
    const TITLE: &'static str = "Is all well?";
    const DESCRIPTION: &'static str =
        "Looks at sessions, performance and backends now, and says what is wrong.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        if let Some(id) = &arguments.session_id {
            host.describe_session(id).await?;
        }
        let report = host.health().await?;
        let status = |component| report.component(component).as_str().to_owned();
        let detailed = arguments.detailed;
        let asked_for = |issue: &&Issue| {
            arguments.session_id.is_none() || issue.session == arguments.session_id
        };
        Ok(Output {
            status: report.status.as_str().to_owned(),
            timestamp: rfc3339(report.at),
            components: Components {
                sessions: Sessions {
                    status: status(Component::Sessions),
                    active: report.active_sessions,
                    max: report.max_sessions,
                },
                performance: Performance {
                    status: status(Component::Performance),
                    cpu: report.cpu,
                    memory: report.memory,
                },
                connectivity: Connectivity {
                    status: status(Component::Connectivity),
                    latency: report.latency_ms(),
                    backends: detailed.then(|| report.backends.iter().map(Backend::from).collect()),
                },
                policies: detailed.then(|| Policies {
                    status: status(Component::Policies),
                    loaded: report.policies,
                }),
                store: detailed.then(|| Store {
                    status: status(Component::Store),
                    latency: report.store_latency_ms,
                }),
                disk: detailed.then(|| Disk {
                    status: status(Component::Disk),
                    free_mb: report.free_disk_mb,
                }),
            },
            issues: report
                .issues
                .iter()
                .filter(asked_for)
                .map(IssueShape::from)
                .collect(),
        })
    }

    fn text(output: &Output) -> String {
        let components = &output.components;
        let mut lines = vec![format!(
            "{}: {} of {} sessions, cpu {} % of a core, memory {} MB, backend answers in {} ms",
            output.status,
            components.sessions.active,
            components.sessions.max,
            components.performance.cpu,
            components.performance.memory,
            components.connectivity.latency
        )];
        lines.extend(output.issues.iter().map(|issue| {
            format!(
                "{} ({}): {}",
                issue.severity, issue.component, issue.message
            )
        }));
        lines.join("\n")
    }
}
