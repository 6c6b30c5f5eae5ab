//! Following a session's output into files: line by line, filtered, with secrets
//! masked.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quarterdeck_terminal::{Cursor, Until, WaitEnd};
use regex::Regex;
use tokio::task::AbortHandle;

use super::masking::masked;
use super::output_files::{GrowingFile, OutputFile, Snapshot, make_room};
use super::{AgentsChanged, AgentsError};
use crate::error::HostError;
use crate::events::{ErrorSeverity, EventBus, SystemError};
use crate::host::Host;
use crate::operations::read_text;
use crate::pattern::Pattern;
use crate::session::{Session, SessionId};

/// Output is written together that comes within this time.
const TOGETHER: Duration = Duration::from_millis(200);

/// And so many times as long as writing took the last time.
const PAUSE_FOR_WRITING: u32 = 10;

/// How long one wait lasts before it is begun anew.
const ONE_WAIT: Duration = Duration::from_secs(600);

/// Lines of a snapshot where nobody has said how many.
const USUAL_LINES: usize = 1_000;

/// Lines of a snapshot, at most.
const MOST_LINES: usize = 100_000;

/// Output is read in pieces of this size.
const PIECE: usize = 256 * 1024;

/// Filters of one session.
pub(super) const MOST_FILTERS: usize = 50;

/// A session whose output is followed.
#[derive(Clone, Debug)]
pub struct Monitoring {
    /// The file that it is written to.
    pub log: PathBuf,
    task: AbortHandle,
}

impl Monitoring {
    /// Whether it goes on: it ends when the session does, and when its files cannot be
    /// written.
    pub(super) fn goes_on(&self) -> bool {
        !self.task.is_finished()
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Host {
    /// Follows a session's output from now on: lines that one of `filters` matches go
    /// to its log, all where there are none; its last `max_lines` lines are its
    /// snapshot. Returns the log, and whether this is new.
    pub async fn start_monitoring(
        &self,
        id: &SessionId,
        filters: &[Pattern],
        max_lines: Option<usize>,
    ) -> Result<(PathBuf, bool), HostError> {
        let session = self.registry.get(id.as_str())?;
        if filters.len() > MOST_FILTERS {
            return Err(AgentsError::TooManyFilters(filters.len()).into());
        }
        let from = session.terminal.status().await.cursor;
        let usual = {
            let mut desk = self.agents.desk();
            let on_desk = desk.session_mut(id.as_str());
            if let Some(log) = on_desk.followed_in() {
                return Ok((log, false));
            }
            on_desk.max_lines
        };
        let most = (max_lines.or(usual))
            .filter(|lines| *lines > 0)
            .map_or(USUAL_LINES, |lines| lines.min(MOST_LINES));
        let path = OutputFile::Log.path(&self.output_logs, id.as_str());
        let sessions = self.registry.all();
        let living = sessions.iter().map(|it| it.id.clone()).collect();
        let files = Files::open(
            self.output_logs.clone(),
            id.clone(),
            most,
            filters.to_vec(),
            living,
        );
        let files = files.await.map_err(|error| {
            HostError::Internal(format!("cannot write the log {}: {error}", path.display()))
        })?;
        {
            let mut desk = self.agents.desk();
            let on_desk = desk.session_mut(id.as_str());
            // Somebody else may have been as fast.
            if let Some(log) = on_desk.followed_in() {
                return Ok((log, false));
            }
            let events = Arc::clone(&self.events);
            let task = tokio::spawn(follow(session, from, files, events)).abort_handle();
            on_desk.monitoring = Some(Monitoring {
                log: path.clone(),
                task,
            });
        }
        self.agents.tell(AgentsChanged::Sessions);
        Ok((path, true))
    }

    /// Stops following; `false` if nobody did.
    pub fn stop_monitoring(&self, id: &SessionId) -> bool {
        let monitoring = self
            .agents
            .desk()
            .session_mut(id.as_str())
            .monitoring
            .take();
        if let Some(monitoring) = &monitoring {
            monitoring.stop();
        }
        self.agents.tell(AgentsChanged::Sessions);
        monitoring.is_some()
    }

    /// The last lines of a session's file that all of `filters` match; the session may
    /// have ended since.
    pub async fn read_output(
        &self,
        session: &str,
        file: OutputFile,
        filters: &[Pattern],
        max_lines: Option<usize>,
    ) -> Result<OutputLines, HostError> {
        let path = file.path(&self.output_logs, session);
        let unfollowed = || AgentsError::NeverFollowed(session.to_owned());
        // The id becomes a file's name.
        SessionId::found(session).ok_or_else(|| HostError::SessionNotFound(session.to_owned()))?;
        let text = tokio::fs::read(&path).await.map_err(|_| unfollowed())?;
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = (text.lines())
            .filter(|line| filters.iter().all(|filter| filter.is_match(line)))
            .collect();
        let most = max_lines.unwrap_or(USUAL_LINES);
        let shown = &lines[lines.len().saturating_sub(most)..];
        Ok(OutputLines {
            content: shown.join("\n"),
            line_count: shown.len(),
            truncated: shown.len() < lines.len(),
            path,
        })
    }
}

/// Lines of one of a session's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLines {
    /// The lines.
    pub content: String,
    /// How many.
    pub line_count: usize,
    /// Whether there are more that match.
    pub truncated: bool,
    /// Where they are.
    pub path: PathBuf,
}

/// Where a followed session's output goes.
struct Files {
    log: GrowingFile,
    snapshot: Snapshot,
    filters: Vec<Pattern>,
}

impl Files {
    async fn open(
        folder: PathBuf,
        session: SessionId,
        most_lines: usize,
        filters: Vec<Pattern>,
        living: Vec<SessionId>,
    ) -> io::Result<Self> {
        let opening = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            make_room(&folder, |id| living.iter().any(|it| it.as_str() == id))?;
            Ok(Self {
                log: GrowingFile::open(&OutputFile::Log.path(&folder, session.as_str()))?,
                snapshot: Snapshot::open(&folder, session.as_str(), most_lines)?,
                filters,
            })
        });
        opening.await.map_err(io::Error::other)?
    }

    /// Writes on a thread that may wait for a disk.
    async fn write(mut self, lines: String) -> io::Result<Self> {
        if lines.is_empty() {
            return Ok(self);
        }
        let writing = tokio::task::spawn_blocking(move || {
            self.log.write(&wanted(&lines, &self.filters))?;
            self.snapshot.add(&masked(&lines))?;
            Ok(self)
        });
        writing.await.map_err(io::Error::other)?
    }
}

/// Follows until the session ends or its files cannot be written, which is told.
async fn follow(session: Arc<Session>, from: Cursor, files: Files, events: Arc<EventBus>) {
    if let Err(error) = write_what_comes(&session, from, files).await {
        let error = format!(
            "the output of session {} is followed no more, its files cannot be written: {error}; mend that, and begin to follow it again",
            session.id
        );
        tracing::warn!("{error}");
        events.publish(SystemError {
            error,
            component: "monitoring".to_owned(),
            severity: ErrorSeverity::Error,
        });
    }
}

async fn write_what_comes(session: &Session, from: Cursor, mut files: Files) -> io::Result<()> {
    let anything = Regex::new("(?s).").map_err(io::Error::other)?;
    let mut pause = TOGETHER;
    let mut cursor = from;
    let mut begun = String::new();
    loop {
        let until = Until::Pattern(anything.clone());
        let waited = session.terminal.wait(until, Some(cursor), ONE_WAIT).await;
        tokio::time::sleep(pause).await;
        loop {
            let new = read_text(session, cursor, None, PIECE).await;
            cursor = new.cursor;
            begun.push_str(&new.text);
            if !new.more {
                break;
            }
        }
        let ended = waited.end == WaitEnd::SessionEnded;
        let complete = match begun.rfind('\n') {
            // A line without an end is kept back, unless nothing more comes, or too much.
            _ if ended || begun.len() > PIECE => begun.len(),
            Some(at) => at + 1,
            None => 0,
        };
        let lines: String = begun.drain(..complete).collect();
        let began = Instant::now();
        files = files.write(lines).await?;
        // A snapshot of many lines is written anew each time.
        pause = TOGETHER.max(began.elapsed() * PAUSE_FOR_WRITING);
        if ended {
            return Ok(());
        }
    }
}

/// The lines that a filter matches, with secrets masked.
fn wanted(lines: &str, filters: &[Pattern]) -> String {
    let matches = |line: &str| filters.is_empty() || filters.iter().any(|it| it.is_match(line));
    let kept: String = (lines.split_inclusive('\n'))
        .filter(|line| matches(line))
        .collect();
    masked(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_filter_matches_is_kept_and_nothing_secret() {
        let filters = [
            "ERROR".parse().expect("a pattern"),
            "^W".parse().expect("a pattern"),
        ];
        let lines = "ERROR token=abcdef\nfine\nWARN\n";
        assert_eq!(wanted(lines, &filters), "ERROR token=[masked]\nWARN\n");
        assert_eq!(wanted("fine\n", &[]), "fine\n");
    }
}
