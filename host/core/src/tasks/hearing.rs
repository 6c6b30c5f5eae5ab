//! What the queue hears of the sessions that are its workers.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::open_task::OpenTask;
use super::queue::Queue;
use super::task::TaskId;
use crate::coding_agents::Activity;
use crate::events::{
    AgentActivityChanged, Event, Happening, ProgressUpdate, TaskStatus, TaskUpdate,
};

impl Queue {
    /// A worker's agent waits for something: its task says so.
    fn learns_activity(&mut self, changed: &AgentActivityChanged) {
        let of_worker = |task: &&mut OpenTask| {
            let worker = task.running.as_ref().map(|running| &running.session);
            worker == Some(&changed.session_id)
        };
        let Some(task) = self.open.values_mut().find(of_worker) else {
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
        let update = TaskUpdate {
            id: task.spec.id.to_string(),
            status: TaskStatus::Running,
            session_id: Some(changed.session_id.clone()),
            progress: task.progress,
            milestone: task.milestone.clone(),
            error: None,
        };
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
        let Some(running) = (task.running.as_ref()).filter(|it| it.session == update.session_id)
        else {
            return;
        };
        task.progress = update.progress;
        task.milestone.clone_from(&update.milestone);
        let update = TaskUpdate {
            id: task.spec.id.to_string(),
            status: TaskStatus::Running,
            session_id: Some(running.session.clone()),
            progress: task.progress,
            milestone: task.milestone.clone(),
            error: None,
        };
        if let Ok(host) = self.host() {
            host.events.publish(update);
        }
    }

    pub(super) fn hears(&mut self, happened: Result<Arc<Event>, broadcast::error::RecvError>) {
        match happened.as_deref().map(|event| &event.what) {
            Ok(Happening::SessionStart(_)) | Err(broadcast::error::RecvError::Lagged(_)) => {
                self.round_due = !self.open.is_empty();
            }
            Ok(Happening::ProgressUpdate(update)) => self.learns_progress(update),
            Ok(Happening::AgentActivityChanged(changed)) => self.learns_activity(changed),
            Ok(Happening::SessionEnd(session)) => {
                self.workers.forget(&session.session_id);
                self.round_due = !self.open.is_empty();
            }
            Ok(_) | Err(broadcast::error::RecvError::Closed) => {}
        }
    }
}
