//! `progress_aggregate`.

use std::sync::Arc;

use quarterdeck_core::progress::{
    AggregatedProgress, ProgressQuestion, ProgressStatus, SourceProgress,
};
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

/// Columns of a drawn bar.
const BAR_COLUMNS: usize = 30;

pub(super) struct ProgressAggregate;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Glob over task ids and session names (build-*), or a regex that finds marks in the output, such as "step (\\d+)/(\\d+)"
    pattern: Option<String>,
    /// Default json
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Text,
    Bar,
    Detailed,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    overall: Overall,
    by_session: Vec<Source>,
    timeline: Vec<Point>,
    /// In the format asked for
    #[serde(skip_serializing_if = "Option::is_none")]
    formatted: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Overall {
    completed: usize,
    total: usize,
    percentage: f64,
    /// waiting, running, completed or failed
    status: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Source {
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    /// In its own units; of 100 where it counts none
    completed: u64,
    total: u64,
    percentage: f64,
    status: String,
    last_update: String,
    name: String,
    label: String,
    /// A progress parser, task, or pattern
    said_by: String,
}

#[derive(Serialize, JsonSchema)]
struct Point {
    timestamp: String,
    progress: f64,
}

fn status_name(status: ProgressStatus) -> String {
    match status {
        ProgressStatus::Running => "running",
        ProgressStatus::Waiting => "waiting",
        ProgressStatus::Completed => "completed",
        ProgressStatus::Failed => "failed",
    }
    .to_owned()
}

impl From<SourceProgress> for Source {
    fn from(source: SourceProgress) -> Self {
        let percentage = source.standing.percentage();
        let (completed, total) = match (source.standing.completed, source.standing.total) {
            (Some(completed), Some(total)) => (completed, total),
            // A cast from a float saturates.
            _ => (percentage.round() as u64, 100),
        };
        Self {
            session_id: source.session_id,
            task_id: source.task_id,
            completed,
            total,
            percentage: (percentage * 10.0).round() / 10.0,
            status: status_name(source.standing.status),
            last_update: rfc3339(source.updated),
            name: source.name,
            label: source.standing.label,
            said_by: source.said_by,
        }
    }
}

impl From<AggregatedProgress> for Output {
    fn from(progress: AggregatedProgress) -> Self {
        Self {
            overall: Overall {
                completed: progress.overall.completed,
                total: progress.overall.total,
                percentage: progress.overall.percentage,
                status: status_name(progress.overall.status),
            },
            by_session: progress.sources.into_iter().map(Source::from).collect(),
            timeline: (progress.timeline.iter())
                .map(|point| Point {
                    timestamp: rfc3339(point.at),
                    progress: point.progress,
                })
                .collect(),
            formatted: None,
        }
    }
}

impl NativeTool for ProgressAggregate {
    const NAME: &'static str = "progress_aggregate";
    const TITLE: &'static str = "How far is it?";
    const DESCRIPTION: &'static str =
        "Progress of what runs in sessions (builds, tests, downloads, …) and of tasks.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let question = ProgressQuestion {
            pattern: arguments.pattern,
        };
        let mut output = Output::from(host.aggregate_progress(&question).await?);
        output.formatted = match arguments.format {
            Format::Json => None,
            Format::Text => Some(lines(&output, line)),
            Format::Bar => Some(lines(&output, |source| {
                format!("{} {}", bar(source.percentage), title(source))
            })),
            Format::Detailed => Some(detailed(&output)),
        };
        Ok(output)
    }

    fn text(output: &Output) -> String {
        match &output.formatted {
            Some(formatted) => formatted.clone(),
            None => lines(output, line),
        }
    }
}

fn title(source: &Source) -> &str {
    [source.task_id.as_deref().unwrap_or_default(), &source.name]
        .into_iter()
        .find(|title| !title.is_empty())
        .unwrap_or(&source.session_id)
}

fn line(source: &Source) -> String {
    let mut line = format!(
        "{}  {} % ({} of {})  {}",
        title(source),
        source.percentage,
        source.completed,
        source.total,
        source.status
    );
    if !source.label.is_empty() {
        line.push_str(&format!("  {}", source.label));
    }
    line
}

fn lines(output: &Output, each: impl Fn(&Source) -> String) -> String {
    let overall = &output.overall;
    let first = format!(
        "{} {} % ({} of {} done, {})",
        bar(overall.percentage),
        overall.percentage,
        overall.completed,
        overall.total,
        overall.status
    );
    let others = output.by_session.iter().map(each);
    std::iter::once(first)
        .chain(others)
        .collect::<Vec<_>>()
        .join("\n")
}

fn detailed(output: &Output) -> String {
    let mut text = lines(output, |source| {
        format!(
            "{}\n    session {}, said by {}, last at {}",
            line(source),
            source.session_id,
            source.said_by,
            source.last_update
        )
    });
    for point in &output.timeline {
        text.push_str(&format!("\n{}  {} %", point.timestamp, point.progress));
    }
    text
}

/// `[######----]`.
fn bar(percentage: f64) -> String {
    let share = (percentage / 100.0).clamp(0.0, 1.0);
    // Between 0 and the number of columns.
    let full = (share * BAR_COLUMNS as f64).round() as usize;
    format!("[{}{}]", "#".repeat(full), "-".repeat(BAR_COLUMNS - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_it_is_far() {
        assert_eq!(bar(0.0), format!("[{}]", "-".repeat(30)));
        assert_eq!(bar(50.0), format!("[{}{}]", "#".repeat(15), "-".repeat(15)));
        assert_eq!(bar(1_000.0), format!("[{}]", "#".repeat(30)));
    }
}
