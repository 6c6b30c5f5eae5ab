//! A task that has not ended, as the queue holds it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::backlog::Entry;
use super::call_off::CallOffSender;
use super::kept::KeptTask;
use super::task::{NewTask, TaskReport, TaskState};

/// A task that has not ended.
pub(super) struct OpenTask {
    pub(super) spec: Arc<NewTask>,
    pub(super) submission: u64,
    /// Numbers of those that have to complete before.
    pub(super) blockers: BTreeSet<u64>,
    pub(super) attempts: u32,
    pub(super) lost: u32,
    pub(super) notes: Vec<String>,
    /// Since when it could run, in milliseconds since the Unix epoch.
    pub(super) ready_ms: u64,
    pub(super) waits_for: Option<String>,
    pub(super) running: Option<RunningTask>,
    /// How often it was sent to machines.
    pub(super) sendings: u64,
    /// Where it was tried last.
    pub(super) last_session: Option<String>,
    pub(super) progress: f64,
    pub(super) milestone: Option<String>,
}

/// What is known of a task that a worker has.
pub(super) struct RunningTask {
    pub(super) session: String,
    pub(super) since_ms: u64,
    /// Not so while it is on its way to a machine.
    pub(super) has_begun: bool,
    pub(super) call_off: CallOffSender,
    /// Nobody wants it any more.
    pub(super) cancelled: bool,
}

impl OpenTask {
    pub(super) fn new(task: KeptTask, blockers: BTreeSet<u64>) -> Self {
        Self {
            spec: Arc::new(task.spec),
            submission: task.submission,
            blockers,
            attempts: task.attempts,
            lost: task.lost,
            notes: task.notes,
            ready_ms: task.submitted_ms,
            waits_for: None,
            running: None,
            sendings: task.sendings,
            last_session: task.session_id,
            progress: 0.0,
            milestone: None,
        }
    }

    pub(super) fn entry(&self, number: u64) -> Entry {
        Entry {
            number,
            submission: self.submission,
            lane: self.spec.work.lane(),
            priority: self.spec.priority,
        }
    }

    pub(super) fn report(&self) -> TaskReport {
        let begun = self.running.as_ref().filter(|running| running.has_begun);
        TaskReport {
            id: self.spec.id.clone(),
            state: match begun {
                Some(_) => TaskState::Running,
                None => TaskState::Queued,
            },
            session_id: begun.map(|running| running.session.clone()),
            progress: self.progress,
            milestone: self.milestone.clone(),
            result: None,
            error: None,
            waits_for: self.waits_for.clone(),
            attempts: self.attempts + u32::from(begun.is_some()),
            notes: self.notes.clone(),
            started_ms: begun.map(|running| running.since_ms),
            ended_ms: None,
        }
    }
}
