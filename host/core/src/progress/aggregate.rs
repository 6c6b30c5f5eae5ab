//! The progress of many, put together.

use std::time::SystemTime;

use quarterdeck_policy::ProgressStatus;
use quarterdeck_terminal::Cursor;

use super::board::{BoardEntry, Source, Standing};
use super::marker::Marker;
use crate::error::HostError;
use crate::glob;
use crate::host::Host;

/// Points of a timeline, at most.
const TIMELINE_POINTS: usize = 200;

/// Output that a user's own marks are looked for in, from the end.
const MARKED_BYTES: u64 = 256 * 1024;

/// No pattern is longer.
const LONGEST_PATTERN: usize = 1_000;

/// What is asked about progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgressQuestion {
    /// A glob over ids of tasks and over ids and names of sessions (`build-*`), or a
    /// regular expression that finds marks in the sessions' output. Everything where
    /// there is none.
    pub pattern: Option<String>,
}

/// Everything that was asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregatedProgress {
    /// All together.
    pub overall: OverallProgress,
    /// Each session and task.
    pub sources: Vec<SourceProgress>,
    /// How it came to be, oldest first: the mean over all that had begun.
    pub timeline: Vec<TimelinePoint>,
}

/// All together.
#[derive(Clone, Debug, PartialEq)]
pub struct OverallProgress {
    /// Sources that are done.
    pub completed: usize,
    /// All sources.
    pub total: usize,
    /// The mean of their percentages.
    pub percentage: f64,
    /// Completed when all are, failed when one has.
    pub status: ProgressStatus,
}

/// One session or task.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceProgress {
    /// The session, or the one that works on the task; empty before one does.
    pub session_id: String,
    /// The task, if it is one.
    pub task_id: Option<String>,
    /// The session's name.
    pub name: String,
    /// How far it is.
    pub standing: Standing,
    /// What says so: a progress parser, `task`, or `pattern`.
    pub said_by: String,
    /// When it changed last.
    pub updated: SystemTime,
}

/// The mean at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimelinePoint {
    /// When.
    pub at: SystemTime,
    /// Between 0 and 100.
    pub progress: f64,
}

impl Host {
    /// How far everything is that the question is about.
    pub async fn aggregate_progress(
        &self,
        question: &ProgressQuestion,
    ) -> Result<AggregatedProgress, HostError> {
        let mut entries: Vec<(Source, BoardEntry)> = self.progress.entries().into_iter().collect();
        // A closed session goes no further.
        entries.retain(|(source, _)| match source {
            Source::Session(id) => self.registry.get(id).is_ok(),
            Source::Task(_) => true,
        });
        if let Some(pattern) = question.pattern.as_deref().filter(|it| !it.is_empty()) {
            if pattern.len() > LONGEST_PATTERN {
                return Err(HostError::InvalidParameters(format!(
                    "pattern has {} bytes; at most {LONGEST_PATTERN} are taken",
                    pattern.len()
                )));
            }
            let named: Vec<(Source, BoardEntry)> = match looks_like_glob(pattern) {
                true => entries
                    .iter()
                    .filter(|(source, entry)| is_named(source, entry, pattern))
                    .cloned()
                    .collect(),
                false => Vec::new(),
            };
            entries = match named.is_empty() {
                false => named,
                true => self.marked(pattern).await?,
            };
        }
        Ok(aggregate(entries))
    }

    /// What a user's own marks in the sessions' output say.
    async fn marked(&self, pattern: &str) -> Result<Vec<(Source, BoardEntry)>, HostError> {
        // A glob that nothing goes by is no reason for an error.
        let marker = match Marker::new(pattern) {
            Ok(marker) => marker,
            Err(_) if looks_like_glob(pattern) => return Ok(Vec::new()),
            Err(error) => return Err(HostError::InvalidParameters(error)),
        };
        let mut marked = Vec::new();
        for session in self.registry.all() {
            let status = session.terminal.status().await;
            let start = Cursor::from_offset(status.cursor.offset().saturating_sub(MARKED_BYTES));
            let from = session.door.last_input().max(start);
            let output = session.terminal.read(from, MARKED_BYTES as usize).await;
            let Some(standing) = marker.read(&output.text) else {
                continue;
            };
            let updated = status.last_activity;
            let points = [(updated, standing.percentage())].into();
            marked.push((
                Source::Session(session.id.to_string()),
                BoardEntry {
                    name: session.name.clone(),
                    standing,
                    said_by: "pattern".to_owned(),
                    updated,
                    points,
                },
            ));
        }
        Ok(marked)
    }
}

/// Only letters, digits, what names are made of, `*` and `?`.
fn looks_like_glob(pattern: &str) -> bool {
    pattern
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | ' ' | '*' | '?'))
}

fn is_named(source: &Source, entry: &BoardEntry, glob: &str) -> bool {
    match source {
        Source::Task(id) => glob::matches(glob, id),
        Source::Session(id) => glob::matches(glob, id) || glob::matches(glob, &entry.name),
    }
}

fn aggregate(entries: Vec<(Source, BoardEntry)>) -> AggregatedProgress {
    let total = entries.len();
    let is = |status: ProgressStatus| {
        move |(_, entry): &&(Source, BoardEntry)| entry.standing.status == status
    };
    let completed = entries.iter().filter(is(ProgressStatus::Completed)).count();
    let failed = entries.iter().filter(is(ProgressStatus::Failed)).count();
    let sum: f64 = entries
        .iter()
        .map(|(_, entry)| entry.standing.percentage())
        .sum();
    AggregatedProgress {
        overall: OverallProgress {
            completed,
            total,
            percentage: mean(sum, total),
            status: match (failed, total) {
                (1.., _) => ProgressStatus::Failed,
                (0, 1..) if completed == total => ProgressStatus::Completed,
                (0, 0) => ProgressStatus::Waiting,
                _ => ProgressStatus::Running,
            },
        },
        timeline: timeline(&entries),
        sources: entries.into_iter().map(source_progress).collect(),
    }
}

fn source_progress((source, entry): (Source, BoardEntry)) -> SourceProgress {
    let (session_id, task_id, name) = match source {
        Source::Session(id) => (id, None, entry.name),
        Source::Task(id) => (entry.name, Some(id), String::new()),
    };
    SourceProgress {
        session_id,
        task_id,
        name,
        standing: entry.standing,
        said_by: entry.said_by,
        updated: entry.updated,
    }
}

/// At each change of one source, the mean of what all had come to.
fn timeline(entries: &[(Source, BoardEntry)]) -> Vec<TimelinePoint> {
    let mut changes: Vec<(SystemTime, usize, f64)> = entries
        .iter()
        .enumerate()
        .flat_map(|(number, (_, entry))| {
            entry
                .points
                .iter()
                .map(move |&(at, percent)| (at, number, percent))
        })
        .collect();
    changes.sort_by_key(|change| change.0);
    let mut standing = vec![0.0; entries.len()];
    let mut points: Vec<TimelinePoint> = Vec::new();
    for (at, number, percent) in changes {
        standing[number] = percent;
        points.push(TimelinePoint {
            at,
            progress: mean(standing.iter().sum(), standing.len()),
        });
    }
    let step = points.len().div_ceil(TIMELINE_POINTS).max(1);
    // The last point is always one of them.
    let first = points.len().saturating_sub(1) % step;
    points.into_iter().skip(first).step_by(step).collect()
}

fn mean(sum: f64, count: usize) -> f64 {
    if count == 0 {
        return 0.0;
    }
    (sum * 10.0 / count as f64).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn entry(status: ProgressStatus, points: &[(u64, f64)]) -> BoardEntry {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        BoardEntry {
            name: "name".to_owned(),
            standing: Standing {
                label: String::new(),
                status,
                completed: None,
                total: None,
                percent: points.last().map(|point| point.1),
            },
            said_by: "test".to_owned(),
            updated: UNIX_EPOCH,
            points: points
                .iter()
                .map(|&(seconds, it)| (at(seconds), it))
                .collect(),
        }
    }

    #[test]
    fn all_completed_is_completed_and_one_failed_is_failed() {
        use ProgressStatus::{Completed, Failed, Running, Waiting};
        for (statuses, expected) in [
            (vec![], Waiting),
            (vec![Running, Completed], Running),
            (vec![Completed, Completed], Completed),
            (vec![Completed, Failed, Running], Failed),
        ] {
            let entries = statuses
                .iter()
                .enumerate()
                .map(|(number, status)| (Source::Task(number.to_string()), entry(*status, &[])))
                .collect();
            assert_eq!(aggregate(entries).overall.status, expected, "{statuses:?}");
        }
    }

    #[test]
    fn the_timeline_is_the_mean_at_each_change() {
        let entries = vec![
            (
                Source::Task("a".into()),
                entry(ProgressStatus::Running, &[(1, 10.0), (3, 50.0)]),
            ),
            (
                Source::Task("b".into()),
                entry(ProgressStatus::Running, &[(2, 30.0)]),
            ),
        ];
        let whole = aggregate(entries);
        let progress: Vec<f64> = whole.timeline.iter().map(|point| point.progress).collect();
        assert_eq!(progress, [5.0, 20.0, 40.0]);
        assert_eq!(whole.overall.percentage, 40.0);
    }

    #[test]
    fn a_long_timeline_keeps_its_end() {
        let points: Vec<(u64, f64)> = (0..=1_000).map(|it| (it, it as f64 / 10.0)).collect();
        let entries = vec![(
            Source::Task("a".into()),
            entry(ProgressStatus::Running, &points),
        )];
        let timeline = aggregate(entries).timeline;
        assert!(timeline.len() <= TIMELINE_POINTS);
        assert_eq!(timeline.last().map(|point| point.progress), Some(100.0));
    }

    #[test]
    fn globs_match_names() {
        for (glob, text, matches) in [
            ("build-*", "build-1", true),
            ("build-*", "build-", true),
            ("build-*", "rebuild-1", false),
            ("*", "", true),
            ("*-a-*", "x-a-a-b", true),
            ("?uild", "build", true),
            ("build", "build-1", false),
        ] {
            assert_eq!(glob::matches(glob, text), matches, "{glob} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_any_part_left_open(text in "[a-c]{0,12}", cut in 0..12_usize) {
            let cut = cut.min(text.len());
            prop_assert!(glob::matches(&text, &text));
            let begun = format!("{}*", &text[..cut]);
            prop_assert!(glob::matches(&begun, &text));
            let (open, rest) = (&text[..cut], text.get(cut + 1..).unwrap_or(""));
            if cut < text.len() {
                let marked = format!("{}?{}", open, rest);
                prop_assert!(glob::matches(&marked, &text));
            }
        }
    }
}
