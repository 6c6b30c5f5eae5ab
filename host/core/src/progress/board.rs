//! What is known of the progress of sessions and tasks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use quarterdeck_policy::ProgressStatus;

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

/// How far a task is, as whoever runs tasks reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskProgress {
    /// The task's id.
    pub task_id: String,
    /// The session that works on it, once one does.
    pub session_id: Option<String>,
    /// How far it is.
    pub standing: Standing,
}

/// Whose progress it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Session(String),
    Task(String),
}

/// The progress of one source.
#[derive(Clone, Debug)]
pub(super) struct Entry {
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
pub struct ProgressBoard(Mutex<BTreeMap<Source, Entry>>);

impl ProgressBoard {
    /// Takes a task's progress over; one that is done stays until it makes room.
    pub fn report(&self, task: TaskProgress) {
        let session = task.session_id.unwrap_or_default();
        self.write(Source::Task(task.task_id), session, task.standing, "task");
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
        let entry = entries.entry(source).or_insert_with(|| Entry {
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

    pub(super) fn entries(&self) -> BTreeMap<Source, Entry> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Source, Entry>> {
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

    #[test]
    fn the_board_is_bounded() {
        let board = ProgressBoard::default();
        for task in 0..SOURCES + 10 {
            board.report(TaskProgress {
                task_id: task.to_string(),
                session_id: None,
                standing: running(1, 2),
            });
        }
        for step in 0..1_000 {
            board.report(TaskProgress {
                task_id: "last".to_owned(),
                session_id: None,
                standing: running(step, 1_000),
            });
        }
        let entries = board.entries();
        assert_eq!(entries.len(), SOURCES);
        assert_eq!(
            entries[&Source::Task("last".to_owned())].points.len(),
            POINTS
        );
    }
}
