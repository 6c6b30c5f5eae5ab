//! MCP progress notifications while a call lasts.
//!
//! A client that puts a progress token into a call is told how far that is which the
//! call waits for, as often as it changes: the program in a session, as the progress
//! parsers read it off its output, or several tasks together.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use quarterdeck_core::events::{Event, Happening, TaskStatus};
use quarterdeck_core::tasks::{TaskReport, TaskState};
use quarterdeck_core::{Host, SessionId};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::RequestContext;
use rmcp::{Peer, RoleServer};
use tokio::sync::broadcast;

/// The way to tell one call's client how far it is.
#[derive(Clone)]
pub(super) struct Notices {
    peer: Peer<RoleServer>,
    token: ProgressToken,
}

impl Notices {
    /// `None` where the client does not want to be told.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Option<Self> {
        Some(Self {
            token: context.meta.get_progress_token()?,
            peer: context.peer.clone(),
        })
    }

    /// Does `work` and meanwhile tells of the session's progress.
    pub(super) async fn during<T>(
        &self,
        host: &Host,
        session: &SessionId,
        work: impl Future<Output = T>,
    ) -> T {
        let of_session = |happening: &Happening| match happening {
            Happening::ProgressUpdate(update) if update.session_id == session.as_str() => {
                Some(Far {
                    percent: update.progress,
                    message: update.milestone.clone(),
                })
            }
            _ => None,
        };
        tokio::select! {
            done = work => done,
            never = self.tell(host.events().subscribe(), of_session) => match never {},
        }
    }

    /// Does `work` and meanwhile tells how far these tasks are together. `events` is
    /// from before the tasks were looked at.
    pub(super) async fn during_tasks<T>(
        &self,
        events: Events,
        tasks: &[TaskReport],
        work: impl Future<Output = T>,
    ) -> T {
        let mut together = Together::new(tasks);
        let of_tasks = |happening: &Happening| together.learn(happening);
        tokio::select! {
            done = work => done,
            never = self.tell(events, of_tasks) => match never {},
        }
    }

    async fn tell(
        &self,
        mut events: Events,
        mut far: impl FnMut(&Happening) -> Option<Far>,
    ) -> std::convert::Infallible {
        let mut told = -1.0;
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // What was missed is older than what comes.
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            };
            // MCP wants every notification of a call to be further than the last.
            let Some(far) = far(&event.what).filter(|far| far.percent > told) else {
                continue;
            };
            told = far.percent;
            let mut notice = ProgressNotificationParam::new(self.token.clone(), told);
            notice.total = Some(100.0);
            notice.message = far.message;
            if let Err(error) = self.peer.notify_progress(notice).await {
                tracing::debug!(%error, "the client could not be told of progress");
            }
        }
    }
}

/// What happens from some moment on.
pub(super) type Events = broadcast::Receiver<Arc<Event>>;

/// How far it is.
struct Far {
    percent: f64,
    message: Option<String>,
}

/// Several tasks as one thing that gets further.
struct Together(HashMap<String, f64>);

impl Together {
    fn new(tasks: &[TaskReport]) -> Self {
        let far = |task: &TaskReport| match task.state {
            TaskState::Queued | TaskState::Running => task.progress,
            TaskState::Completed | TaskState::Failed | TaskState::Cancelled => 100.0,
        };
        let each = tasks.iter().map(|task| (task.id.to_string(), far(task)));
        Self(each.collect())
    }

    /// What is new of one of them. One that is over is as far as it gets, however it
    /// ended.
    fn learn(&mut self, happening: &Happening) -> Option<Far> {
        let Happening::TaskUpdate(update) = happening else {
            return None;
        };
        *self.0.get_mut(&update.id)? = match update.status {
            TaskStatus::Queued => 0.0,
            TaskStatus::Running => update.progress,
            TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled => 100.0,
        };
        let sum: f64 = self.0.values().sum();
        let what = update.milestone.clone().unwrap_or_else(|| {
            let status = match update.status {
                TaskStatus::Queued => "waits",
                TaskStatus::Running => "runs",
                TaskStatus::Completed => "is done",
                TaskStatus::Failed => "has failed",
                TaskStatus::Cancelled => "was called off",
            };
            status.to_owned()
        });
        Some(Far {
            percent: sum / self.0.len() as f64,
            message: Some(format!("{}: {what}", update.id)),
        })
    }
}
