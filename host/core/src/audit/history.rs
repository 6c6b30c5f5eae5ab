//! Reading back what was judged: the verdict rows as requests that can be put
//! to a policy once more.
//!
//! Reading has a connection of its own, so that no command that waits to be
//! written down waits for a reader.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quarterdeck_policy::ReviewRequest;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde::Deserialize;

use super::row::{KeptVerdict, VerdictRow};
use super::{EntryKind, Since};
use crate::gate::Decision;

/// Rows that are read at once.
const PAGE: usize = 500;

/// How far back the log is read.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// From when on.
    pub since: Since,
    /// The newest so many commands at most.
    pub limit: usize,
}

/// The audit log as a reader sees it.
pub struct History {
    path: PathBuf,
    connection: Connection,
}

/// A command line that was judged once.
#[derive(Clone, Debug)]
pub struct PastCommand {
    /// Its row in the log.
    pub row: i64,
    /// When it was written down.
    pub at: SystemTime,
    /// What the policies were asked, as far as the row says.
    pub request: ReviewRequest,
    /// Whether the row says all of it. Older rows lack where the command would
    /// have run and what had run before.
    pub complete: bool,
    /// What the gate did.
    pub decision: Decision,
    /// What each policy said, in their order. Empty while the gate was off.
    pub verdicts: Vec<KeptVerdict>,
    /// What each shadow said.
    pub shadows: Vec<KeptVerdict>,
}

/// The log cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file.
    #[error("the audit log {} cannot be read: {source}; a host writes it, so run a command first or check whose it is", .path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// No such row.
    #[error("the audit log has no row {0}; it ends at row {1}")]
    NoRow(i64, i64),
    /// A row about something else.
    #[error("row {row} of the audit log is about an {kind}, not about a command that was judged")]
    OtherKind {
        /// The row.
        row: i64,
        /// Its kind.
        kind: String,
    },
    /// A row that another program, or a later version, wrote.
    #[error("row {row} of the audit log cannot be understood: {source}")]
    Garbled {
        /// The row.
        row: i64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The program is ending.
    #[error("reading the audit log was broken off")]
    BrokenOff,
}

/// Some of the commands, newest first.
pub(super) struct Page {
    pub(super) commands: Vec<PastCommand>,
    /// Rows that could not be understood.
    pub(super) garbled: u64,
    /// Where the next page begins; `None` at the end.
    pub(super) next: Option<i64>,
}

/// A row as it is stored.
struct StoredRow {
    sequence: i64,
    time_ms: i64,
    kind: String,
    body: String,
}

#[derive(Deserialize)]
struct OnlyCommand {
    command: String,
}

impl History {
    /// Opens the log at `path` for reading.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let connect = || {
            let connection = Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            connection.busy_timeout(Duration::from_secs(2))?;
            // A file that is no such log is noticed here.
            connection.query_row(
                "SELECT count(*) FROM entries WHERE sequence = 0",
                [],
                |_| Ok(()),
            )?;
            Ok(connection)
        };
        Ok(Self {
            connection: connect().map_err(|source| HistoryError::Unreadable {
                path: path.to_owned(),
                source,
            })?,
            path: path.to_owned(),
        })
    }

    /// The command that row `sequence` is about.
    pub fn command(&self, sequence: i64) -> Result<PastCommand, HistoryError> {
        let stored = self
            .connection
            .query_row(
                "SELECT sequence, time_ms, kind, body FROM entries WHERE sequence = ?1",
                [sequence],
                StoredRow::read,
            )
            .optional()
            .map_err(|source| self.unreadable(source))?;
        let Some(stored) = stored else {
            let last: Option<i64> = self
                .connection
                .query_row("SELECT max(sequence) FROM entries", [], |row| row.get(0))
                .map_err(|source| self.unreadable(source))?;
            return Err(HistoryError::NoRow(sequence, last.unwrap_or_default()));
        };
        if stored.kind != EntryKind::Verdict.as_str() {
            return Err(HistoryError::OtherKind {
                row: sequence,
                kind: stored.kind,
            });
        }
        let row = stored.verdict()?;
        self.past(&stored, row, &mut HashMap::new())
    }

    /// The commands in `scope`, newest first, as long as `each` wants more.
    pub(super) fn read(
        &self,
        scope: Scope,
        mut each: impl FnMut(PastCommand),
    ) -> Result<u64, HistoryError> {
        let mut garbled = 0;
        let mut left = scope.limit;
        let mut before = i64::MAX;
        while left > 0 {
            let page = self.page(before, scope.since, left)?;
            garbled += page.garbled;
            left -= page.commands.len();
            page.commands.into_iter().for_each(&mut each);
            match page.next {
                Some(next) => before = next,
                None => break,
            }
        }
        Ok(garbled)
    }

    /// The newest commands before row `before`, at most `limit` and not more
    /// than fit into memory at once.
    pub(super) fn page(
        &self,
        before: i64,
        since: Since,
        limit: usize,
    ) -> Result<Page, HistoryError> {
        let count = limit.min(PAGE);
        let stored = self
            .stored_before(before, count)
            .map_err(|source| self.unreadable(source))?;
        let mut page = Page {
            commands: Vec::with_capacity(stored.len()),
            garbled: 0,
            next: (stored.len() == count)
                .then(|| stored.last().map(|row| row.sequence))
                .flatten(),
        };
        let mut texts = HashMap::new();
        for stored in stored {
            if stored.time_ms < since.epoch_ms() {
                page.next = None;
                break;
            }
            match stored.verdict() {
                Ok(row) => {
                    texts.insert(stored.sequence, row.command.clone());
                    page.commands.push(self.past(&stored, row, &mut texts)?);
                }
                Err(_) => page.garbled += 1,
            }
        }
        Ok(page)
    }

    fn stored_before(&self, before: i64, count: usize) -> rusqlite::Result<Vec<StoredRow>> {
        self.connection
            .prepare_cached(
                "SELECT sequence, time_ms, kind, body FROM entries
                 WHERE sequence < ?1 AND kind = ?2 ORDER BY sequence DESC LIMIT ?3",
            )?
            .query_map(
                params![
                    before,
                    EntryKind::Verdict.as_str(),
                    i64::try_from(count).unwrap_or(i64::MAX)
                ],
                StoredRow::read,
            )?
            .collect()
    }

    /// Puts a row's request together; `texts` are commands by row, as far as
    /// they were read already.
    fn past(
        &self,
        stored: &StoredRow,
        row: VerdictRow,
        texts: &mut HashMap<i64, String>,
    ) -> Result<PastCommand, HistoryError> {
        let mut recent = Vec::with_capacity(row.recent.len());
        for &earlier in &row.recent {
            let text = match texts.get(&earlier) {
                Some(text) => Some(text.clone()),
                None => self.command_text(earlier)?,
            };
            if let Some(text) = text {
                texts.insert(earlier, text.clone());
                recent.push(text);
            }
        }
        let written_at_ms = stored.time_ms.unsigned_abs();
        Ok(PastCommand {
            row: stored.sequence,
            at: UNIX_EPOCH + Duration::from_millis(written_at_ms),
            complete: row.is_complete() && recent.len() == row.recent.len(),
            request: row.request(recent, written_at_ms),
            decision: row.decision,
            verdicts: row.verdicts,
            shadows: row.shadows,
        })
    }

    fn command_text(&self, sequence: i64) -> Result<Option<String>, HistoryError> {
        let body: Option<String> = self
            .connection
            .prepare_cached("SELECT body FROM entries WHERE sequence = ?1")
            .and_then(|mut select| select.query_row([sequence], |row| row.get(0)).optional())
            .map_err(|source| self.unreadable(source))?;
        Ok(body
            .and_then(|body| serde_json::from_str::<OnlyCommand>(&body).ok())
            .map(|row| row.command))
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn unreadable(&self, source: rusqlite::Error) -> HistoryError {
        HistoryError::Unreadable {
            path: self.path.clone(),
            source,
        }
    }
}

impl StoredRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get(0)?,
            time_ms: row.get(1)?,
            kind: row.get(2)?,
            body: row.get(3)?,
        })
    }

    fn verdict(&self) -> Result<VerdictRow, HistoryError> {
        serde_json::from_str(&self.body).map_err(|source| HistoryError::Garbled {
            row: self.sequence,
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditLog;
    use crate::caller::Caller;
    use serde_json::json;

    fn ask(log: &AuditLog, command: &str, recent: &[i64]) -> i64 {
        let caller = Caller::command_line();
        let request = ReviewRequest {
            command_line: command.to_owned(),
            caller: (&caller).into(),
            time_ms: 5,
            ..serde_json::from_value(json!({ "command-line": "" })).expect("a request")
        };
        let row = VerdictRow::new(request, &caller, recent.to_vec(), Decision::Allowed, None);
        log.append(EntryKind::Verdict, &row).expect("append")
    }

    fn log() -> (tempfile::TempDir, AuditLog) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = AuditLog::open(&folder.path().join("audit.sqlite")).expect("a log");
        (folder, log)
    }

    fn commands(history: &History, limit: usize) -> (Vec<PastCommand>, u64) {
        let mut commands = Vec::new();
        let scope = Scope {
            since: Since::EVER,
            limit,
        };
        let garbled = history
            .read(scope, |command| commands.push(command))
            .expect("readable");
        (commands, garbled)
    }

    #[test]
    fn what_ran_before_is_read_from_its_own_rows() {
        let (_folder, log) = log();
        let first = ask(&log, "cd /work", &[]);
        let second = ask(&log, "make", &[first]);
        let third = ask(&log, "make install", &[first, second]);
        let history = History::open(log.path()).expect("history");
        let past = history.command(third).expect("the row");
        assert_eq!(past.request.recent, ["cd /work", "make"]);
        assert!(past.complete);
        assert_eq!(past.request.time_ms, 5);
    }

    #[test]
    fn the_newest_come_first_and_over_the_edges_of_pages() {
        let (_folder, log) = log();
        let rows = PAGE + 7;
        for number in 0..rows {
            ask(&log, &format!("echo {number}"), &[]);
            log.append(EntryKind::Outcome, &json!({})).expect("append");
        }
        log.append(EntryKind::Verdict, &json!({ "another": "version" }))
            .expect("append");
        let history = History::open(log.path()).expect("history");
        let (all, garbled) = commands(&history, usize::MAX);
        assert_eq!((all.len(), garbled), (rows, 1));
        assert_eq!(all[0].request.command_line, format!("echo {}", rows - 1));
        assert_eq!(all[rows - 1].request.command_line, "echo 0");
        assert_eq!(commands(&history, PAGE + 2).0.len(), PAGE + 2);
        assert_eq!(commands(&history, 0).0.len(), 0);
    }

    #[test]
    fn a_row_that_is_no_command_is_named() {
        let (_folder, log) = log();
        ask(&log, "ls", &[]);
        log.append(EntryKind::Outcome, &json!({})).expect("append");
        let history = History::open(log.path()).expect("history");
        assert!(matches!(
            history.command(2),
            Err(HistoryError::OtherKind { row: 2, .. })
        ));
        assert!(matches!(history.command(9), Err(HistoryError::NoRow(9, 2))));
    }

    #[test]
    fn no_log_is_said() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let missing = folder.path().join("audit.sqlite");
        assert!(matches!(
            History::open(&missing),
            Err(HistoryError::Unreadable { .. })
        ));
    }
}
