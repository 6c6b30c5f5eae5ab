//! A task that has not ended, as the queue holds it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attempt::Tried;
use super::backlog::{BacklogEntry, BacklogPlace};
use super::kept::{Ending, KeptTask};
use crate::clock::now_ms;
use crate::events::{TaskStatus, TaskUpdate};
use crate::tasks::call_off::{CallOff, CallOffReceiver, CallOffSender, call_off};
use crate::tasks::task::{NewTask, TaskReport, TaskState};

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
    /// How it ends without having run, once that can be kept: until then nobody is told,
    /// and nobody runs it.
    pub(super) ends: Option<Ending>,
    stage: Stage,
    /// Tells the last time that it was sent to machines from all others.
    pub(super) sending: u64,
    /// Where it was tried last.
    pub(super) last_session: Option<String>,
    pub(super) progress: f64,
    pub(super) milestone: Option<String>,
}

/// How far a task is. Whoever has it, and what calls that off, are here alone: a worker
/// is busy because a task says so.
enum Stage {
    /// For its turn, or for others.
    Waiting,
    /// To a machine: none has begun it.
    OnItsWay(CallOffSender),
    /// A worker has it.
    Running(Begun, CallOffSender),
    /// It was called off, and its attempt has not come back yet.
    CallingOff {
        begun: Option<Begun>,
        /// Nobody wants it any more.
        cancelled: bool,
    },
}

/// What is known of an attempt that a worker has begun.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// A session, or `machine/session`.
    pub(super) worker: String,
    pub(super) since_ms: u64,
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
            ends: None,
            stage: Stage::Waiting,
            sending: task.sending,
            last_session: task.session_id,
            progress: 0.0,
            milestone: None,
        }
    }

    /// Leaves for a worker of this host. Hears when that is to end.
    pub(super) fn begins_in(&mut self, session: &str) -> CallOffReceiver {
        let (call_off, called_off) = call_off();
        self.waits_for = None;
        self.last_session = Some(session.to_owned());
        self.stage = Stage::Running(Begun::now(session), call_off);
        called_off
    }

    /// Leaves for machines. Hears when that is to end.
    pub(super) fn leaves(&mut self) -> CallOffReceiver {
        let (call_off, called_off) = call_off();
        self.waits_for = Some("it is on its way to a machine".to_owned());
        self.stage = Stage::OnItsWay(call_off);
        called_off
    }

    /// A machine has begun it.
    pub(super) fn has_begun_at(&mut self, worker: &str) {
        let begun = Begun::now(worker);
        self.stage = match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Waiting => return,
            Stage::OnItsWay(call_off) | Stage::Running(_, call_off) => {
                Stage::Running(begun, call_off)
            }
            Stage::CallingOff { cancelled, .. } => Stage::CallingOff {
                begun: Some(begun),
                cancelled,
            },
        };
        self.waits_for = None;
    }

    /// Has its attempt ended, for the first reason that is given; `false` where there is
    /// none.
    pub(super) fn call_off(&mut self, why: CallOff) -> bool {
        let cancels = why == CallOff::Cancelled;
        let (begun, cancelled) = match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Waiting => return false,
            Stage::OnItsWay(call_off) => {
                call_off.call_off(why);
                (None, cancels)
            }
            Stage::Running(begun, call_off) => {
                call_off.call_off(why);
                (Some(begun), cancels)
            }
            Stage::CallingOff { begun, cancelled } => (begun, cancelled || cancels),
        };
        self.stage = Stage::CallingOff { begun, cancelled };
        true
    }

    /// Its attempt has come back, and it waits again. Whether nobody wants it any more.
    pub(super) fn comes_back(&mut self) -> bool {
        let cancelled = self.is_cancelled();
        self.stage = Stage::Waiting;
        self.progress = 0.0;
        self.milestone = None;
        self.ready_ms = now_ms();
        cancelled
    }

    /// Whether no attempt is under way.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting)
    }

    /// Whether nobody wants it any more.
    pub(super) fn is_cancelled(&self) -> bool {
        matches!(
            self.stage,
            Stage::CallingOff {
                cancelled: true,
                ..
            }
        )
    }

    /// Who has begun it.
    pub(super) fn begun(&self) -> Option<&Begun> {
        match &self.stage {
            Stage::Waiting | Stage::OnItsWay(_) => None,
            Stage::Running(begun, _) => Some(begun),
            Stage::CallingOff { begun, .. } => begun.as_ref(),
        }
    }

    /// Where it stands in the backlog.
    pub(super) fn entry(&self, number: u64) -> BacklogEntry {
        BacklogEntry {
            number,
            submission: self.submission,
            lane: self.spec.work.lane(),
            priority: self.spec.priority,
            place: match (
                self.is_waiting(),
                self.blockers.is_empty() && self.ends.is_none(),
            ) {
                (false, _) => BacklogPlace::Running,
                (true, true) => BacklogPlace::Ready,
                (true, false) => BacklogPlace::Blocked,
            },
        }
    }

    /// What the next attempt begins with.
    pub(super) fn tried(&self, number: u64) -> Tried {
        Tried {
            number,
            spec: Arc::clone(&self.spec),
            attempts: self.attempts,
            lost: self.lost,
            notes: self.notes.clone(),
        }
    }

    pub(super) fn report(&self) -> TaskReport {
        let begun = self.begun();
        TaskReport {
            id: self.spec.id.clone(),
            state: match begun {
                Some(_) => TaskState::Running,
                None => TaskState::Queued,
            },
            session_id: begun.map(|begun| begun.worker.clone()),
            progress: self.progress,
            milestone: self.milestone.clone(),
            result: None,
            error: None,
            waits_for: match &self.ends {
                Some(ending) => Some(format!(
                    "the host's store, which cannot be written: then it ends ({})",
                    ending.error.as_deref().unwrap_or("as it should")
                )),
                None => self.waits_for.clone(),
            },
            attempts: self.attempts + u32::from(begun.is_some()),
            notes: self.notes.clone(),
            started_ms: begun.map(|begun| begun.since_ms),
            ended_ms: None,
        }
    }

    /// What is told of it while it runs.
    pub(super) fn update(&self) -> TaskUpdate {
        TaskUpdate {
            id: self.spec.id.to_string(),
            status: TaskStatus::Running,
            session_id: self.begun().map(|begun| begun.worker.clone()),
            progress: self.progress,
            milestone: self.milestone.clone(),
            error: None,
        }
    }
}

impl Begun {
    fn now(worker: &str) -> Self {
        Self {
            worker: worker.to_owned(),
            since_ms: now_ms(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::task::{TaskId, Work};

    fn task() -> OpenTask {
        let command = "make".to_owned();
        let work = Work::Command {
            command,
            folder: None,
        };
        let id = TaskId::try_from("t".to_owned()).expect("an id");
        let kept = KeptTask {
            number: 1,
            submission: 1,
            spec: NewTask::new(id, work),
            needs: Vec::new(),
            state: TaskState::Queued,
            attempts: 0,
            lost: 0,
            notes: Vec::new(),
            session_id: None,
            submitted_ms: 0,
            sending: 0,
        };
        OpenTask::new(kept, BTreeSet::new())
    }

    #[tokio::test]
    async fn what_has_moved_and_is_cancelled_then_is_wanted_by_nobody() {
        let mut task = task();
        assert!(!task.call_off(CallOff::Cancelled), "nobody has it");
        let mut called_off = task.begins_in("s1");
        let to = "s2".to_owned();
        assert!(task.call_off(CallOff::Moved { to: to.clone() }));
        assert!(task.call_off(CallOff::Cancelled));
        assert_eq!(called_off.called_off().await, CallOff::Moved { to });
        let worker = task.begun().map(|begun| begun.worker.as_str());
        assert_eq!(worker, Some("s1"), "busy until it has come back");
        assert_eq!(task.entry(1).place, BacklogPlace::Running);
        assert!(task.comes_back(), "cancelled");
        assert_eq!(task.entry(1).place, BacklogPlace::Ready);
        assert!(task.begun().is_none() && !task.is_cancelled());
    }

    #[test]
    fn what_is_to_end_is_run_by_nobody() {
        let mut task = task();
        task.ends = Some(Ending::cancelled("cancelled before it ran"));
        assert_eq!(task.entry(1).place, BacklogPlace::Blocked);
        let waits = task.report().waits_for.expect("why it is there");
        assert!(waits.contains("cancelled before it ran"), "{waits}");
    }

    #[test]
    fn an_errand_that_begins_after_it_was_called_off_has_a_worker_all_the_same() {
        let mut task = task();
        let _called_off = task.leaves();
        assert!(task.begun().is_none() && !task.is_waiting());
        task.call_off(CallOff::Cancelled);
        task.has_begun_at("m/s1");
        assert_eq!(
            task.report().session_id.as_deref(),
            Some("m/s1"),
            "somebody may have to look there"
        );
        assert!(task.comes_back());
        task.has_begun_at("m/s1");
        assert!(task.is_waiting(), "news that come too late change nothing");
    }
}
