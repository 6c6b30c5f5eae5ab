//! What is known of the progress of sessions and tasks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use quarterdeck_policy::ProgressStatus;

use crate::tasks::TaskId;

/// Points kept of each source's past.
const POINTS: usize = 240;

/// Sources that are kept; those that changed longest ago make room.
const SOURCES: usize = 2_000;

/// How far something is.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What is going on, in a few words; may be empty.
    pub label: String,
    /// Whether it goes on.
    pub status: ProgressStatus,
    /// How much is done, in units of its own.
    pub completed: Option<u64>,
    /// Of how much.
    pub total: Option<u64>,
    /// Between 0 and 100.
    pub percent: Option<f64>,
}

impl Standing {
    /// Nothing is known of it yet.
    fn unknown() -> Self {
        Self {
            label: String::new(),
            status: ProgressStatus::Waiting,
            completed: None,
            total: None,
            percent: None,
        }
    }

    /// Between 0 and 100, as well as it is known.
    pub fn percentage(&self) -> f64 {
        if self.status == ProgressStatus::Completed {
            return 100.0;
        }
        let counted = match (self.completed, self.total) {
            (Some(done), Some(total)) if total > 0 => {
                Some((done as f64 * 100.0 / total as f64).min(100.0))
            }
            _ => None,
        };
        self.percent.or(counted).unwrap_or(0.0)
    }
}

/// Whose progress it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Session(String),
    Task(String),
}

/// The progress of one source.
#[derive(Clone, Debug)]
pub(super) struct BoardEntry {
    /// The session's name, or the session that works on the task.
    pub(super) name: String,
    pub(super) standing: Standing,
    /// What said so.
    pub(super) said_by: String,
    pub(super) updated: SystemTime,
    /// Oldest first.
    pub(super) points: VecDeque<(SystemTime, f64)>,
}

/// The progress of everything. One lock, held to write or to copy an entry.
#[derive(Default)]
pub(crate) struct ProgressBoard(Mutex<BTreeMap<Source, BoardEntry>>);

impl ProgressBoard {
    /// A task waits, runs or has ended, as the queue says. What its output has told
    /// stays, until it waits again.
    pub(crate) fn task_is(&self, id: &TaskId, session: Option<String>, status: ProgressStatus) {
        let source = Source::Task(id.to_string());
        let known = match status {
            ProgressStatus::Waiting => {
                self.begin_anew(&source);
                None
            }
            _ => self.lock().get(&source).cloned(),
        };
        let (mut standing, said_by, name) = match known {
            Some(entry) => (entry.standing, entry.said_by, entry.name),
            None => (Standing::unknown(), "task".to_owned(), String::new()),
        };
        standing.status = status;
        if status == ProgressStatus::Completed {
            standing.completed = standing.total;
        }
        self.write(source, session.unwrap_or(name), standing, &said_by);
    }

    /// What the output of a task says that runs. Whether it is done is the queue's to
    /// say, whatever its output looks like.
    pub(super) fn write_of_task(
        &self,
        id: &TaskId,
        session: String,
        mut standing: Standing,
        said_by: &str,
    ) {
        let source = Source::Task(id.to_string());
        let runs = (self.lock().get(&source))
            .is_some_and(|entry| entry.standing.status == ProgressStatus::Running);
        if runs {
            standing.percent = Some(standing.percentage());
            standing.status = ProgressStatus::Running;
            self.write(source, session, standing, said_by);
        }
    }

    pub(super) fn write(&self, source: Source, name: String, standing: Standing, said_by: &str) {
        let now = SystemTime::now();
        let mut entries = self.lock();
        if entries.len() >= SOURCES && !entries.contains_key(&source) {
            let oldest = entries
                .iter()
                .min_by_key(|(_, entry)| entry.updated)
                .map(|(source, _)| source.clone());
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
        let percentage = standing.percentage();
        let entry = entries.entry(source).or_insert_with(|| BoardEntry {
            name: String::new(),
            standing: standing.clone(),
            said_by: String::new(),
            updated: now,
            points: VecDeque::new(),
        });
        if entry.points.back().is_none_or(|last| last.1 != percentage) {
            if entry.points.len() == POINTS {
                entry.points.pop_front();
            }
            entry.points.push_back((now, percentage));
        }
        said_by.clone_into(&mut entry.said_by);
        (entry.name, entry.standing, entry.updated) = (name, standing, now);
    }

    /// Something else begins in a session: its past is another thing's.
    pub(super) fn begin_anew(&self, source: &Source) {
        self.lock().remove(source);
    }

    pub(super) fn entries(&self) -> BTreeMap<Source, BoardEntry> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Source, BoardEntry>> {
        // The board is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(completed: u64, total: u64) -> Standing {
        Standing {
            label: String::new(),
            status: ProgressStatus::Running,
            completed: Some(completed),
            total: Some(total),
            percent: None,
        }
    }

    #[test]
    fn a_percentage_is_taken_from_what_is_known() {
        assert_eq!(running(1, 4).percentage(), 25.0);
        assert_eq!(running(1, 0).percentage(), 0.0);
        let done = Standing {
            status: ProgressStatus::Completed,
            ..running(1, 4)
        };
        assert_eq!(done.percentage(), 100.0);
    }

    fn task(id: &str) -> TaskId {
        TaskId::try_from(id.to_owned()).expect("an id")
    }

    #[test]
    fn the_board_is_bounded() {
        let board = ProgressBoard::default();
        for number in 0..SOURCES + 10 {
            board.task_is(&task(&number.to_string()), None, ProgressStatus::Waiting);
        }
        let last = task("last");
        board.task_is(&last, None, ProgressStatus::Running);
        for step in 0..1_000 {
            board.write_of_task(&last, "aaaaaaaa".to_owned(), running(step, 1_000), "cargo");
        }
        let entries = board.entries();
        assert_eq!(entries.len(), SOURCES);
        assert_eq!(
            entries[&Source::Task("last".to_owned())].points.len(),
            POINTS
        );
    }

    #[test]
    fn only_the_queue_says_that_a_task_is_done() {
        let board = ProgressBoard::default();
        let (id, session) = (task("build"), || "aaaaaaaa".to_owned());
        let looks_done = || Standing {
            status: ProgressStatus::Completed,
            ..running(3, 4)
        };
        let standing = || {
            board.entries()[&Source::Task("build".to_owned())]
                .standing
                .clone()
        };
        board.task_is(&id, None, ProgressStatus::Waiting);
        board.write_of_task(&id, session(), running(1, 4), "cargo");
        assert_eq!(standing().percentage(), 0.0, "it does not run yet");
        board.task_is(&id, Some(session()), ProgressStatus::Running);
        board.write_of_task(&id, session(), looks_done(), "cargo");
        assert_eq!(standing().status, ProgressStatus::Running);
        assert_eq!(standing().percentage(), 100.0);
        board.task_is(&id, Some(session()), ProgressStatus::Failed);
        board.write_of_task(&id, session(), running(1, 4), "cargo");
        assert_eq!(standing().status, ProgressStatus::Failed);
        board.task_is(&id, None, ProgressStatus::Waiting);
        assert_eq!(standing().percentage(), 0.0, "it begins anew");
    }
}
