//! How a task ends, and what that means for those that need it and those who wait
//! for it.

use tokio::time::Instant;

use super::kept::{self, Ending, work_key};
use super::queue::{EndWaiter, Queue};
use super::telling::News;
use crate::clock::now_ms;
use crate::error::HostError;
use crate::tasks::call_off::CallOff;
use crate::tasks::task::{TaskId, TaskState};
use crate::tasks::until_kept::KEPT_AGAIN_AFTER;

impl Queue {
    /// Calls off what has not ended of these; returns what was called off.
    pub(super) async fn cancel(&mut self, ids: Vec<String>) -> Vec<TaskId> {
        let mut cancelled = Vec::new();
        for id in ids {
            let number = TaskId::try_from(id)
                .ok()
                .and_then(|id| self.by_id.get(&id).copied());
            let Some(task) = number.and_then(|number| self.open.get_mut(&number)) else {
                continue;
            };
            cancelled.push(task.spec.id.clone());
            if !task.call_off(CallOff::Cancelled) {
                let ending = Ending::cancelled("cancelled before it ran");
                self.ends_unrun(number.unwrap_or_default(), ending).await;
            }
        }
        cancelled
    }

    /// Ends a task that no worker has, and with it those that need it. Where that cannot
    /// be kept, it is tried again until it can; meanwhile nobody runs the task.
    pub(super) async fn ends_unrun(&mut self, number: u64, ending: Ending) {
        let (Some(task), Ok(host)) = (self.open.get(&number), self.host()) else {
            return;
        };
        let (lost, notes, kept_ending) = (task.lost, task.notes.clone(), ending.clone());
        let write = host
            .store
            .write(move |kept| kept::ends(kept, number, lost, &notes, &kept_ending));
        if let Err(error) = write.await {
            tracing::warn!(%error, "a task's end cannot be kept");
            if let Some(task) = self.open.get_mut(&number) {
                task.ends = Some(ending);
                self.backlog.put(task.entry(number));
            }
            self.look_again_in(KEPT_AGAIN_AFTER);
            return;
        }
        self.has_ended(number, &ending).await;
    }

    /// Ends what could not be kept before.
    pub(super) async fn end_what_was_to_end(&mut self) {
        let to_end: Vec<(u64, Ending)> = self
            .open
            .iter()
            .filter_map(|(number, task)| Some((*number, task.ends.clone()?)))
            .collect();
        for (number, ending) in to_end {
            self.ends_unrun(number, ending).await;
        }
    }

    /// What becomes of the queue now that a task has ended, and is kept.
    pub(super) async fn has_ended(&mut self, number: u64, ending: &Ending) {
        let mut ended = vec![(number, ending.clone())];
        while let Some((number, ending)) = ended.pop() {
            let Some(task) = self.open.remove(&number) else {
                continue;
            };
            self.by_id.remove(&task.spec.id);
            self.prefers.remove(&number);
            self.backlog.remove(task.entry(number));
            if !self.backlog.holds(task.submission) {
                self.submissions.remove(&task.submission);
            }
            self.tell_those_who_wait(number);
            if let Some(result) = ending
                .result
                .as_ref()
                .filter(|_| ending.state == TaskState::Completed)
            {
                self.estimates
                    .learn(&work_key(&task.spec), result.duration_ms);
            }
            let session = task.begun().map(|begun| begun.worker.clone());
            self.tell(News {
                number,
                submission: task.submission,
                spec: &task.spec,
                state: ending.state,
                session_id: session,
                error: ending.error.clone(),
            });
            let waiting = self.needed_by.remove(&number).unwrap_or_default();
            match ending.state {
                TaskState::Completed => self.unblock(number, &waiting),
                _ => ended.extend(self.fail(&waiting, &task.spec.id, ending.state).await),
            }
        }
        if self.open.is_empty() {
            self.idle_since = Some(Instant::now());
        }
        self.round_due = true;
    }

    fn tell_those_who_wait(&mut self, number: u64) {
        let over = |waiting: &mut EndWaiter| {
            waiting.left.remove(&number);
            waiting.left.is_empty() || waiting.reply.is_closed()
        };
        for waiting in self.waiting.extract_if(.., over) {
            // Whoever waited may have gone.
            let _ = waiting.reply.send(());
        }
    }

    fn unblock(&mut self, number: u64, waiting: &[u64]) {
        let now = now_ms();
        for waiting in waiting {
            if let Some(task) = self.open.get_mut(waiting) {
                task.blockers.remove(&number);
                if task.blockers.is_empty() {
                    task.ready_ms = now;
                    task.waits_for = None;
                    self.backlog.put(task.entry(*waiting));
                }
            }
        }
    }

    /// Keeps that these cannot run because of `needed`; returns them with their
    /// ends.
    async fn fail(&self, waiting: &[u64], needed: &TaskId, state: TaskState) -> Vec<(u64, Ending)> {
        let error = format!(
            "its dependency {:?} {}",
            needed.as_str(),
            match state {
                TaskState::Cancelled => "was cancelled",
                _ => "failed",
            }
        );
        let failed: Vec<(u64, Ending)> = waiting
            .iter()
            .filter(|number| self.open.contains_key(number))
            .map(|number| (*number, Ending::failed(error.clone())))
            .collect();
        let kept_failed = failed.clone();
        let write = async {
            self.host()?
                .store
                .write(move |kept| {
                    kept_failed
                        .iter()
                        .try_for_each(|(number, ending)| kept::ends(kept, *number, 0, &[], ending))
                })
                .await
                .map_err(HostError::from_store)
        };
        if let Err(error) = write.await {
            tracing::warn!(%error, "that tasks cannot run is not kept: the next host finds out again");
        }
        failed
    }

    /// Ends what needs a task that ended badly before.
    pub(super) async fn fail_those_that_need(
        &mut self,
        id: &TaskId,
        state: TaskState,
        needing: Vec<u64>,
    ) {
        for (number, ending) in self.fail(&needing, id, state).await {
            self.has_ended(number, &ending).await;
        }
    }
}
