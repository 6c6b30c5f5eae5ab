//! What the queue hears of the sessions that are its workers.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::open_task::OpenTask;
use super::queue::Queue;
use crate::coding_agents::Activity;
use crate::events::{AgentActivityChanged, Event, Happening, ProgressUpdate};
use crate::tasks::task::{Lane, TaskId};
use crate::tasks::worker::attempt::WorkerAfter;

impl Queue {
    /// A worker's agent waits for something: its task says so.
    fn learns_activity(&mut self, changed: &AgentActivityChanged) {
        let Some(task) = self.running_in(&changed.session_id) else {
            return;
        };
        task.milestone = match (changed.activity, &changed.resets_at) {
            (Activity::AskingPermission | Activity::AskingQuestion, _) => {
                Some(format!("its agent waits for a person: {}", changed.why))
            }
            (Activity::RateLimited, Some(at)) => {
                Some(format!("its agent waits until {at}: {}", changed.why))
            }
            (Activity::RateLimited, None) => Some(format!("its agent waits: {}", changed.why)),
            _ => None,
        };
        let update = task.update();
        if update.milestone.is_some()
            && let Ok(host) = self.host()
        {
            host.events.publish(update);
        }
    }

    /// What the output of a task says that runs.
    fn learns_progress(&mut self, update: &ProgressUpdate) {
        let Some(id) = (update.task_id.clone()).and_then(|id| TaskId::try_from(id).ok()) else {
            return;
        };
        let number = self.by_id.get(&id);
        let Some(task) = number.and_then(|number| self.open.get_mut(number)) else {
            return;
        };
        if (task.begun()).is_none_or(|begun| begun.worker != update.session_id) {
            return;
        }
        task.progress = update.progress;
        task.milestone.clone_from(&update.milestone);
        let update = task.update();
        if let Ok(host) = self.host() {
            host.events.publish(update);
        }
    }

    /// The task that a worker has.
    fn running_in(&mut self, worker: &str) -> Option<&mut OpenTask> {
        let number = self.backlog.all_running().find(|number| {
            let begun = self.open.get(number).and_then(OpenTask::begun);
            begun.is_some_and(|begun| begun.worker == worker)
        })?;
        self.open.get_mut(&number)
    }

    /// A session's program has ended, or the session was closed. One that is still there
    /// may be mended, unless it was opened for tasks.
    async fn session_has_ended(&mut self, session: &str) {
        let Ok(host) = self.host() else {
            return;
        };
        let is_there = |session: &str| host.registry.get(session).is_ok();
        self.workers.keep_only(is_there);
        if is_there(session) {
            self.worker_after(session, Lane::Shell, WorkerAfter::Gone)
                .await;
        }
        self.round_due = !self.open.is_empty();
    }

    pub(super) async fn hears(
        &mut self,
        happened: Result<Arc<Event>, broadcast::error::RecvError>,
    ) {
        match happened.as_deref().map(|event| &event.what) {
            Ok(Happening::SessionStart(_)) | Err(broadcast::error::RecvError::Lagged(_)) => {
                self.round_due = !self.open.is_empty();
            }
            Ok(Happening::ProgressUpdate(update)) => self.learns_progress(update),
            Ok(Happening::AgentActivityChanged(changed)) => self.learns_activity(changed),
            Ok(Happening::SessionEnd(session)) => {
                self.session_has_ended(&session.session_id).await;
            }
            Ok(_) | Err(broadcast::error::RecvError::Closed) => {}
        }
    }
}
