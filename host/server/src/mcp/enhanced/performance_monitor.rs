//! `performance_monitor`.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::monitor::{SessionUsage, Usage};
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct PerformanceMonitor;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Milliseconds to measure over; default 5000
    interval: Option<f64>,
    /// Which figures beside cpu, memory and response_time, which always come; default all
    metrics: Option<Vec<Metric>>,
    /// Default: all sessions
    session_id: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Metric {
    Cpu,
    Memory,
    Network,
    Disk,
    #[serde(alias = "responseTime")]
    ResponseTime,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    timestamp: String,
    overall: Overall,
    sessions: Vec<Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Overall {
    /// Percent of one core
    cpu: f64,
    /// MB
    memory: f64,
    active_sessions: usize,
    cores: usize,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
    name: String,
    metrics: Metrics,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    /// Percent of one core, of the whole process tree
    cpu: f64,
    /// MB
    memory: f64,
    /// ms from Enter to first output, last minute; 0: no command
    response_time: f64,
    /// Bytes/s
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_read: Option<f64>,
    /// Bytes/s
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_written: Option<f64>,
    /// Bytes/s over open TCP connections; null: unknown
    #[serde(skip_serializing_if = "Option::is_none")]
    network_sent: Option<Option<f64>>,
    /// Bytes/s
    #[serde(skip_serializing_if = "Option::is_none")]
    network_received: Option<Option<f64>>,
    processes: u32,
    period_ms: u64,
}

impl Metrics {
    fn chosen(usage: &Usage, chosen: Option<&[Metric]>) -> Self {
        let is_chosen =
            |metric: Metric| chosen.is_none_or(|chosen: &[Metric]| chosen.contains(&metric));
        let of = |metric: Metric, figure: f64| is_chosen(metric).then_some(figure);
        let network = |figure: Option<f64>| is_chosen(Metric::Network).then_some(figure);
        Self {
            cpu: usage.cpu_percent,
            memory: usage.memory_mb,
            response_time: usage.response_ms,
            disk_read: of(Metric::Disk, usage.disk_read),
            disk_written: of(Metric::Disk, usage.disk_written),
            network_sent: network(usage.network_sent),
            network_received: network(usage.network_received),
            processes: usage.processes,
            period_ms: usage.period_ms,
        }
    }
}

/// The time of so many milliseconds: from one to a day.
fn period(milliseconds: f64) -> Result<Duration, HostError> {
    if (1.0..=86_400_000.0).contains(&milliseconds) {
        return Ok(Duration::from_secs_f64(milliseconds / 1_000.0));
    }
    Err(HostError::InvalidParameters(format!(
        "the interval {milliseconds} ms is none to measure over: give 1 to 86400000 (a day)"
    )))
}

impl NativeTool for PerformanceMonitor {
    const NAME: &'static str = "performance_monitor";
    const TITLE: &'static str = "What sessions use";
    const DESCRIPTION: &'static str =
        "Processor, memory, disk, network and response time of each session's process tree.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let report = host
            .performance(arguments.interval.map(period).transpose()?)
            .await?;
        let chosen = arguments.metrics.as_deref();
        let asked_for = |session: &&SessionUsage| {
            (arguments.session_id.as_ref()).is_none_or(|id| *id == session.session_id)
        };
        let sessions: Vec<Session> = report
            .sessions
            .iter()
            .filter(asked_for)
            .map(|session| Session {
                session_id: session.session_id.clone(),
                name: session.name.clone(),
                metrics: Metrics::chosen(&session.metrics, chosen),
            })
            .collect();
        if let (Some(id), true) = (arguments.session_id, sessions.is_empty()) {
            return Err(HostError::SessionNotFound(id));
        }
        let wants_network = chosen.is_some_and(|chosen| chosen.contains(&Metric::Network));
        Ok(Output {
            timestamp: report.timestamp,
            overall: Overall {
                cpu: report.overall.cpu,
                memory: report.overall.memory,
                active_sessions: report.overall.active_sessions,
                cores: report.overall.cores,
            },
            sessions,
            note: wants_network.then(|| {
                "network is what went over TCP connections that were open when sessions were looked at".to_owned()
            }),
        })
    }

    fn text(output: &Output) -> String {
        let overall = &output.overall;
        let mut lines = vec![format!(
            "{} sessions: {} % of a core ({} cores), {} MB",
            overall.active_sessions, overall.cpu, overall.cores, overall.memory
        )];
        for session in &output.sessions {
            let metrics = &session.metrics;
            let mut line = format!("{}  {}", session.session_id, session.name);
            for (name, figure, unit) in [
                ("cpu", Some(metrics.cpu), " %"),
                ("memory", Some(metrics.memory), " MB"),
                ("response", Some(metrics.response_time), " ms"),
                ("read", metrics.disk_read, " B/s"),
                ("written", metrics.disk_written, " B/s"),
                ("sent", metrics.network_sent.flatten(), " B/s"),
                ("received", metrics.network_received.flatten(), " B/s"),
            ] {
                if let Some(figure) = figure {
                    line.push_str(&format!("  {name} {figure}{unit}"));
                }
            }
            lines.push(line);
        }
        lines.extend(output.note.clone());
        lines.join("\n")
    }
}
