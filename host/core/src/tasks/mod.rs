//! Tasks: work that is handed in, waits for its turn, and is done by sessions.
//!
//! There are two sides. The host that tasks are handed to is their [`owner`]: its queue says
//! what waits for what, who does what next (a distributor's to say), and what comes of it.
//! The other side is the [`worker`], a session that does one task at a time: carried out
//! through the gate, in a runtime task of its own. What both know lies here: what a
//! [`task`] is, how an attempt is [called off](call_off), and its [`fate`].
//!
//! Where a submission asks for machines, attempts leave their owner as [`errand`]s, and a
//! host that works for others has its workers carry them out. Sessions of the owner's host
//! are what does tasks where nobody asks otherwise.
//!
//! What is told is kept before. That a task begins is written before anything is
//! typed, so a host that dies leaves no task that ran and does not know it: the
//! next host runs it again, and its report says so.

mod call_off;
mod errand;
mod fate;
mod owner;
mod task;
mod until_kept;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};

pub use call_off::{CallOff, CallOffReceiver, CallOffSender, call_off};
pub use errand::{
    BadOwnerId, Errand, ErrandKey, ErrandNews, ErrandSentBefore, ErrandTold, Machine, Machines,
    OwnerId, Pending, Unreachable,
};
pub use fate::Fate;
pub use owner::bad_terms::{BadTerms, OfThisHost};
pub use owner::order::OrderError;
pub(crate) use owner::queue::Ask;
pub use task::{
    BadTaskId, DistributeOutcome, DistributeTasks, Distributed, NewTask, TaskId, TaskReport,
    TaskResult, TaskState, Work, WorkerChoice,
};
pub use worker::errands::{Begins, Errands};

use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};
use owner::kept::{any_open, report_of, reports};
use owner::moving::ChangeOfWorker;

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
            tokio::spawn(owner::queue::run(Arc::downgrade(host), asked));
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
