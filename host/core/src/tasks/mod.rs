//! Tasks: work that is handed in, waits for its turn, and is done by sessions.
//!
//! One task of the runtime, the [`queue`], owns everything that has not ended:
//! which task waits for which, which worker has which. It is spoken to through a
//! channel. Which worker gets which task is a distributor's to say
//! ([`rounds`]); an [`attempt`] carries one of them out, in a runtime task of its
//! own, through the gate; [`fate`] says what comes of it. What has ended is in the
//! store alone ([`kept`]).
//!
//! What is told is kept before. That a task begins is written before anything is
//! typed, so a host that dies leaves no task that ran and does not know it: the
//! next host runs it again, and its report says so.

mod attempt;
mod command_line;
mod estimates;
mod fate;
mod kept;
mod order;
mod progress;
mod queue;
mod rounds;
mod submitting;
mod task;
mod workers;

use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot, watch};

pub use order::OrderError;
pub(crate) use queue::Ask;
pub use task::{
    BadTaskId, DistributeOutcome, DistributeTasks, Distributed, NewTask, TaskId, TaskReport,
    TaskResult, TaskState, Work, WorkerChoice,
};

use crate::error::HostError;
use crate::host::Host;
use kept::{any_open, report_of, reports};

/// Questions that may wait for the queue.
const QUESTIONS: usize = 64;

/// Tasks that have ended are told of, where nobody names any: the newest.
const ENDED_TOLD: u32 = 200;

/// The way to the queue, which begins when it is first spoken to.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    queue: OnceLock<QueueHandle>,
}

#[derive(Debug)]
struct QueueHandle {
    questions: mpsc::Sender<Ask>,
    /// Changes whenever a task has ended.
    ends: watch::Receiver<u64>,
}

impl Tasks {
    fn queue(&self, host: &Arc<Host>) -> &QueueHandle {
        self.queue.get_or_init(|| {
            let (questions, asked) = mpsc::channel(QUESTIONS);
            let (ended, ends) = watch::channel(0);
            tokio::spawn(queue::run(Arc::downgrade(host), asked, ended));
            QueueHandle { questions, ends }
        })
    }

    /// Goes on with what an earlier host has left.
    pub(crate) async fn resume(&self, host: &Arc<Host>) {
        match host.store.read(any_open).await {
            Ok(true) => drop(self.queue(host)),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "cannot tell whether tasks are left to do"),
        }
    }

    /// Stops handing out tasks. Those that run are the next host's to sort out.
    pub(crate) async fn stop(&self) {
        if let Some(queue) = self.queue.get() {
            let (reply, stopped) = oneshot::channel();
            if queue.questions.send(Ask::Stop { reply }).await.is_ok() {
                // An error means that it has stopped.
                let _ = stopped.await;
            }
        }
    }

    pub(crate) async fn ask<T>(
        &self,
        host: &Arc<Host>,
        question: impl FnOnce(oneshot::Sender<T>) -> Ask,
    ) -> Result<T, HostError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || {
            HostError::Internal(
                "the host is shutting down: its tasks are the next host's".to_owned(),
            )
        };
        self.queue(host)
            .questions
            .send(question(reply))
            .await
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }

    /// Notices of ends, from now on.
    pub(crate) fn ends(&self, host: &Arc<Host>) -> watch::Receiver<u64> {
        let mut ends = self.queue(host).ends.clone();
        ends.mark_unchanged();
        ends
    }
}

/// The newest task of this id that has ended.
pub(crate) async fn ended_task(host: &Host, id: String) -> Result<Option<TaskReport>, HostError> {
    host.store
        .read(move |kept| report_of(kept, &id))
        .await
        .map_err(HostError::from_store)
}

/// The newest tasks that have ended, oldest first.
pub(crate) async fn ended_tasks(
    host: &Host,
    session: Option<String>,
) -> Result<Vec<TaskReport>, HostError> {
    host.store
        .read(move |kept| reports(kept, session.as_deref(), ENDED_TOLD))
        .await
        .map_err(HostError::from_store)
}
