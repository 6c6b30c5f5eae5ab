//! Tasks: work that is handed in, waits for its turn, and is done by sessions.
//!
//! One task of the runtime, the [`queue`], owns everything that has not ended:
//! which task waits for which, which worker has which. It is spoken to through a
//! channel. Which worker gets which task is a distributor's to say
//! ([`rounds`]); an [`attempt`] carries one of them out, in a runtime task of its
//! own, through the gate; [`fate`] says what comes of it. What has ended is in the
//! store alone ([`kept`]).
//!
//! Where a submission asks for machines, attempts leave this host instead as
//! [`errand`]s ([`machines`] is the queue's side of that), and a host that works for
//! others carries out theirs ([`errands`]). Sessions of this host are what does tasks
//! where nobody asks otherwise.
//!
//! What is told is kept before. That a task begins is written before anything is
//! typed, so a host that dies leaves no task that ran and does not know it: the
//! next host runs it again, and its report says so.

mod attempt;
mod backlog;
mod bad_terms;
mod beside;
mod call_off;
mod command_line;
mod ending;
mod errand;
mod errands;
mod estimates;
mod fate;
mod following;
mod hearing;
mod kept;
mod machines;
mod moving;
mod open_task;
mod opening;
mod order;
mod prompting;
mod queue;
mod rounds;
mod submitting;
mod task;
mod workers;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};

pub use bad_terms::{BadTerms, OfThisHost};
pub use call_off::{CallOff, CallOffReceiver, CallOffSender, call_off};
pub use errand::{
    BadOwnerId, Errand, ErrandKey, ErrandNews, Machine, Machines, OwnerId, Told, Unreachable,
    Waiting, Way,
};
pub use errands::{Begins, Errands};
pub use fate::Fate;
pub use order::OrderError;
pub(crate) use queue::Ask;
pub use task::{
    BadTaskId, DistributeOutcome, DistributeTasks, Distributed, NewTask, TaskId, TaskReport,
    TaskResult, TaskState, Work, WorkerChoice,
};

use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};
use kept::{any_open, report_of, reports};
use moving::ChangeOfWorker;

/// Questions that may wait for the queue.
const QUESTIONS: usize = 64;

/// Tasks that have ended are told of, where nobody names any: the newest.
const ENDED_TOLD: u32 = 200;

/// The way to the queue, which begins when it is first spoken to.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    questions: OnceLock<mpsc::Sender<Ask>>,
}

impl Tasks {
    fn queue(&self, host: &Arc<Host>) -> &mpsc::Sender<Ask> {
        self.questions.get_or_init(|| {
            let (questions, asked) = mpsc::channel(QUESTIONS);
            tokio::spawn(queue::run(Arc::downgrade(host), asked));
            questions
        })
    }

    /// Goes on with what an earlier host has left.
    pub(crate) async fn resume(&self, host: &Arc<Host>) {
        match host.store.read(any_open).await {
            Ok(true) => {
                self.queue(host);
            }
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "cannot tell whether tasks are left to do"),
        }
    }

    /// Stops handing out tasks. Those that run are the next host's to sort out.
    pub(crate) async fn stop(&self) {
        if let Some(questions) = self.questions.get() {
            let (reply, stopped) = oneshot::channel();
            if questions.send(Ask::Stop { reply }).await.is_ok() {
                // An error means that it has stopped.
                let _ = stopped.await;
            }
        }
    }

    /// Hands what `from` had to do to `to`, as far as it has not ended. Returns the tasks
    /// that wait for their turn there.
    pub(crate) async fn move_to(
        &self,
        host: &Arc<Host>,
        from: &Session,
        to: &SessionId,
    ) -> Result<Vec<TaskId>, HostError> {
        if self.questions.get().is_none() {
            return Ok(Vec::new());
        }
        let change = ChangeOfWorker {
            from: from.id.to_string(),
            name: from.name.clone(),
            to: to.to_string(),
        };
        self.ask(host, |reply| Ask::Move { change, reply }).await
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
            .send(question(reply))
            .await
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}

/// The newest tasks of these ids, where they have ended.
pub(crate) async fn ended_tasks_named(
    host: &Host,
    ids: Vec<String>,
) -> Result<HashMap<String, TaskReport>, HostError> {
    let read = host.store.read(move |kept| {
        let mut found = HashMap::with_capacity(ids.len());
        for id in ids {
            if let Some(report) = report_of(kept, &id)? {
                found.insert(id, report);
            }
        }
        Ok(found)
    });
    read.await.map_err(HostError::from_store)
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
