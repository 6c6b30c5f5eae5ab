//! How far a task is, where its output shows it: every progress parser reads
//! along, once a task has run for a while.

use std::convert::Infallible;
use std::time::Duration;

use quarterdeck_policy::{FollowedSession, OutputPiece, ProgressUpdate, ReportedProgress};
use quarterdeck_terminal::{Cursor, ProgressState, Until, WaitEnd};
use regex::Regex;
use tokio::sync::mpsc;

use crate::gate::session_facts;
use crate::host::Host;
use crate::session::Session;

/// A task that ends sooner has no progress worth telling.
const FIRST_LOOK_AFTER: Duration = Duration::from_millis(500);

/// Two looks are at least so far apart.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Without output there is no look; the wait for it is begun again after so long.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// As much output is read at one look; what is more is read at the next.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// How far a task is.
#[derive(Debug)]
pub(super) struct ProgressReport {
    pub(super) number: u64,
    /// Between 0 and 100.
    pub(super) percent: f64,
    /// What is going on.
    pub(super) label: String,
}

/// Reports how far the command is that began at `from`, for as long as it is
/// asked to. Reports that nobody has taken yet make later ones wait for the next
/// look.
pub(super) async fn watch_progress(
    host: &Host,
    session: &Session,
    from: Cursor,
    number: u64,
    reports: mpsc::Sender<ProgressReport>,
) -> Infallible {
    tokio::time::sleep(FIRST_LOOK_AFTER).await;
    let Ok(anything) = Regex::new("(?s).") else {
        return std::future::pending().await;
    };
    let mut parsers = parsers(host, session).await;
    let mut cursor = from;
    let mut told = -1.0;
    loop {
        let news = session
            .terminal
            .wait(Until::Pattern(anything.clone()), Some(cursor), PATIENCE)
            .await;
        if news.end == WaitEnd::SessionEnded {
            return std::future::pending().await;
        }
        let output = session.terminal.read(cursor, BYTES_AT_ONCE).await;
        cursor = output.next;
        let mut chunk = vec![OutputPiece::Text(output.text)];
        chunk.extend(reported(session).await.map(OutputPiece::Reported));
        let mut newest = None;
        for parser in &mut parsers {
            newest = parser
                .feed(&chunk)
                .await
                .iter()
                .rev()
                .find_map(percent_of)
                .or(newest);
        }
        if let Some((percent, label)) = newest
            && percent != told
            && reports
                .try_send(ProgressReport {
                    number,
                    percent,
                    label,
                })
                .is_ok()
        {
            told = percent;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

async fn parsers(host: &Host, session: &Session) -> Vec<FollowedSession> {
    let parsers = host.policies.progress_parsers().await;
    let facts = session_facts(session, &session.terminal.status().await);
    parsers
        .names()
        .filter_map(|name| parsers.follow(name, &facts))
        .collect()
}

/// What the program itself says, by OSC 9;4.
async fn reported(session: &Session) -> Option<ReportedProgress> {
    let progress = session.terminal.status().await.progress?;
    let state = match progress.state {
        ProgressState::Normal => 1,
        ProgressState::Error => 2,
        ProgressState::Indeterminate => 3,
        ProgressState::Paused => 4,
    };
    Some(ReportedProgress {
        state,
        percent: progress.percent,
    })
}

fn percent_of(update: &ProgressUpdate) -> Option<(f64, String)> {
    let counted = match (update.completed, update.total) {
        (Some(completed), Some(total)) if total > 0 => {
            Some(100.0 * completed as f64 / total as f64)
        }
        _ => None,
    };
    let percent = update.percent.or(counted)?;
    Some((percent.clamp(0.0, 100.0), update.label.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_policy::ProgressStatus;

    #[test]
    fn a_count_is_a_percentage_too() {
        let update = |percent, completed, total| ProgressUpdate {
            item: String::new(),
            label: "compiling".into(),
            status: ProgressStatus::Running,
            completed,
            total,
            percent,
        };
        let percent = |update| percent_of(&update).map(|(percent, _)| percent);
        assert_eq!(percent(update(Some(120.0), None, None)), Some(100.0));
        assert_eq!(percent(update(None, Some(1), Some(4))), Some(25.0));
        assert_eq!(percent(update(None, Some(1), Some(0))), None);
    }
}
