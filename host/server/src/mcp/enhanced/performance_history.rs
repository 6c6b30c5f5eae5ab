//! `performance_history`.

use std::sync::Arc;

use quarterdeck_core::monitor::{HistoryPoint, HistoryQuestion};
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::time_range;

pub(super) struct PerformanceHistory;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// 30m, 1h, 24h, 7d, …
    duration: String,
    /// Between points: 5s, 1m, 1h, …; default by duration
    resolution: Option<String>,
    /// Default: all sessions together
    session_id: Option<String>,
    /// More figures in each point
    #[serde(default)]
    detailed: bool,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    data_points: Vec<Point>,
    summary: Summary,
    resolution: String,
    /// Why it is coarser than asked for
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Point {
    timestamp: String,
    /// Percent of one core
    cpu: f64,
    /// MB
    memory: f64,
    sessions: f64,
    #[serde(flatten)]
    details: Option<Details>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Details {
    max_cpu: f64,
    max_memory: f64,
    response_time: f64,
    disk_read_bytes: u64,
    disk_written_bytes: u64,
    commands: u64,
    failed_commands: u64,
    samples: u64,
}

impl Point {
    fn new(point: &HistoryPoint, detailed: bool) -> Self {
        Self {
            timestamp: rfc3339(point.at),
            cpu: point.cpu,
            memory: point.memory,
            sessions: point.sessions,
            details: detailed.then_some(Details {
                max_cpu: point.max_cpu,
                max_memory: point.max_memory,
                response_time: point.response_ms,
                disk_read_bytes: point.disk_read,
                disk_written_bytes: point.disk_written,
                commands: point.commands,
                failed_commands: point.failed_commands,
                samples: point.samples,
            }),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Summary {
    avg_cpu: f64,
    max_cpu: f64,
    avg_memory: f64,
    max_memory: f64,
    avg_response_time: f64,
    disk_read_bytes: u64,
    disk_written_bytes: u64,
    commands: u64,
    failed_commands: u64,
    samples: u64,
}

impl NativeTool for PerformanceHistory {
    const NAME: &'static str = "performance_history";
    const TITLE: &'static str = "What sessions used";
    const DESCRIPTION: &'static str =
        "Processor and memory over time, also of sessions that have ended.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let resolution = match &arguments.resolution {
            Some(resolution) => Some(time_range("resolution", resolution)?),
            None => None,
        };
        let history = host
            .performance_history(HistoryQuestion {
                range: time_range("duration", &arguments.duration)?,
                resolution,
                session_id: arguments.session_id,
            })
            .await?;
        let summary = history.summary;
        Ok(Output {
            data_points: history
                .points
                .iter()
                .map(|point| Point::new(point, arguments.detailed))
                .collect(),
            summary: Summary {
                avg_cpu: summary.avg_cpu,
                max_cpu: summary.max_cpu,
                avg_memory: summary.avg_memory,
                max_memory: summary.max_memory,
                avg_response_time: summary.avg_response_ms,
                disk_read_bytes: summary.disk_read,
                disk_written_bytes: summary.disk_written,
                commands: summary.commands,
                failed_commands: summary.failed_commands,
                samples: summary.samples,
            },
            resolution: history.resolution.to_string(),
            note: history.why_coarser,
        })
    }

    fn text(output: &Output) -> String {
        let summary = &output.summary;
        let mut lines = vec![format!(
            "cpu {} % of a core (at most {}), memory {} MB (at most {}), {} commands, {} failed",
            summary.avg_cpu,
            summary.max_cpu,
            summary.avg_memory,
            summary.max_memory,
            summary.commands,
            summary.failed_commands
        )];
        lines.extend(output.note.clone());
        lines.extend(output.data_points.iter().map(|point| {
            format!(
                "{}  cpu {} %  memory {} MB  sessions {}",
                point.timestamp, point.cpu, point.memory, point.sessions
            )
        }));
        lines.join("\n")
    }
}
