//! Following a session's output into a file: line by line, filtered, with secrets
//! masked.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_terminal::{Cursor, Until, WaitEnd};
use regex::Regex;
use tokio::task::AbortHandle;

use super::AgentsChanged;
use super::masking::masked;
use super::write::pattern;
use crate::error::HostError;
use crate::host::Host;
use crate::operations::read_text;
use crate::session::{Session, SessionId};

/// Output is written together that comes within this time.
const TOGETHER: Duration = Duration::from_millis(200);

/// How long one wait lasts before it is begun anew.
const ONE_WAIT: Duration = Duration::from_secs(600);

/// A log that grows larger becomes the one before, whose place it takes.
const LARGEST_LOG: u64 = 10 * 1024 * 1024;

/// Output is read in pieces of this size.
const PIECE: usize = 256 * 1024;

/// Filters of one session.
const MOST_FILTERS: usize = 50;

/// A session whose output is followed.
#[derive(Clone, Debug)]
pub struct Monitoring {
    /// The file that it is written to.
    pub log: PathBuf,
    task: AbortHandle,
}

impl Monitoring {
    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Host {
    /// Follows a session's output from now on: lines that one of `filters` matches,
    /// all where there are none. Returns the log, and whether this is new.
    pub async fn start_monitoring(
        &self,
        id: &SessionId,
        filters: &[String],
    ) -> Result<(PathBuf, bool), HostError> {
        let session = self.registry.get(id.as_str())?;
        if filters.len() > MOST_FILTERS {
            return Err(HostError::InvalidParameters(format!(
                "{} filters are more than the {MOST_FILTERS} that a session may have",
                filters.len()
            )));
        }
        let filters: Result<Vec<Regex>, HostError> = filters
            .iter()
            .map(|filter| pattern("the filter", filter))
            .collect();
        let filters = filters?;
        let from = session.terminal.status().await.cursor;
        let mut desk = self.agents.desk();
        let on_desk = desk.session_mut(id.as_str());
        if let Some(monitoring) = &on_desk.monitoring {
            return Ok((monitoring.log.clone(), false));
        }
        let path = self.output_logs.join(format!("{id}.log"));
        let log = Log::open(&path).map_err(|error| {
            HostError::Internal(format!("cannot write the log {}: {error}", path.display()))
        })?;
        let task = tokio::spawn(follow(session, from, filters, log)).abort_handle();
        on_desk.monitoring = Some(Monitoring {
            log: path.clone(),
            task,
        });
        drop(desk);
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
}

async fn follow(session: Arc<Session>, from: Cursor, filters: Vec<Regex>, mut log: Log) {
    let Ok(anything) = Regex::new("(?s).") else {
        return;
    };
    let mut cursor = from;
    let mut begun = String::new();
    loop {
        let until = Until::Pattern(anything.clone());
        let waited = session.terminal.wait(until, Some(cursor), ONE_WAIT).await;
        tokio::time::sleep(TOGETHER).await;
        loop {
            let new = read_text(&session, cursor, None, PIECE).await;
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
        if let Err(error) = log.write(&wanted(&lines, &filters)) {
            tracing::warn!(%error, "cannot write the log of session {}", session.id);
            return;
        }
        if ended {
            return;
        }
    }
}

/// The lines that a filter matches, with secrets masked.
fn wanted(lines: &str, filters: &[Regex]) -> String {
    let matches = |line: &str| filters.is_empty() || filters.iter().any(|it| it.is_match(line));
    let kept: String = (lines.split_inclusive('\n'))
        .filter(|line| matches(line))
        .collect();
    masked(&kept).into_owned()
}

/// A file of its owner's alone (mode 0600), and the one before it.
struct Log {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Log {
    fn open(path: &Path) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
        })
    }

    fn write(&mut self, text: &str) -> std::io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.size + text.len() as u64 > LARGEST_LOG && self.size > 0 {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = Self::open(&self.path)?;
        }
        self.file.write_all(text.as_bytes())?;
        self.size += text.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_filter_matches_is_kept_and_nothing_secret() {
        let filters = [
            Regex::new("ERROR").expect("a pattern"),
            Regex::new("^W").expect("a pattern"),
        ];
        let lines = "ERROR token=abcdef\nfine\nWARN\n";
        assert_eq!(wanted(lines, &filters), "ERROR token=[masked]\nWARN\n");
        assert_eq!(wanted("fine\n", &[]), "fine\n");
    }

    #[test]
    fn a_log_that_is_full_makes_room() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("logs/s.log");
        let mut log = Log::open(&path).expect("open");
        let piece = "x".repeat(6 * 1024 * 1024);
        log.write(&piece).expect("first");
        log.write(&piece).expect("second");
        for path in [&path, &path.with_extension("log.1")] {
            let size = std::fs::metadata(path).expect("a log").len();
            assert_eq!(size, piece.len() as u64, "{}", path.display());
        }
    }
}
