//! An attempt in a session of this host, as its owner keeps it: that it begins, and
//! what became of it.

use std::sync::Arc;

use super::kept::{self, Ending};
use super::next::{Next, next};
use crate::host::Host;
use crate::tasks::fate::Fate;
use crate::tasks::task::NewTask;
use crate::tasks::until_kept::{KEPT_AGAIN_AFTER, until_kept};
use crate::tasks::worker::attempt::{Attempt, WorkerAfter, carry_out_in_session};

/// A task, and how often it was tried before.
pub(super) struct Tried {
    pub(super) number: u64,
    pub(super) spec: Arc<NewTask>,
    /// How often it was started.
    pub(super) attempts: u32,
    /// How many of those times nobody knows the end of.
    pub(super) lost: u32,
    pub(super) notes: Vec<String>,
}

/// How an attempt ended. What is told here is kept already, but for the last.
#[derive(Debug)]
pub(super) enum AttemptEnd {
    /// Nothing was typed: the worker could not take it.
    NotStarted,
    /// The task waits again.
    Back { lost: u32, notes: Vec<String> },
    /// Nothing more comes of the task.
    Ended(Ending),
    /// What carried it out has failed: nobody knows how far it came.
    Broken,
}

/// Carries out an attempt.
pub(super) async fn carry_out(
    host: &Host,
    tried: Tried,
    mut attempt: Attempt,
) -> (AttemptEnd, WorkerAfter) {
    let (number, worker) = (tried.number, attempt.session_id.clone());
    let begins = async {
        let write = host
            .store
            .write(move |kept| kept::started(kept, number, &worker));
        match write.await {
            Ok(started) => started,
            Err(error) => {
                tracing::warn!(%error, task = number, "a task cannot start");
                tokio::time::sleep(KEPT_AGAIN_AFTER).await;
                false
            }
        }
    };
    match carry_out_in_session(host, &mut attempt, begins).await {
        (Fate::NotTyped, worker) if !attempt.has_begun => (AttemptEnd::NotStarted, worker),
        (fate, worker) => (keep(host, tried, &attempt.session_id, fate).await, worker),
    }
}

/// Writes down what became of the task.
pub(super) async fn keep(host: &Host, tried: Tried, worker: &str, fate: Fate) -> AttemptEnd {
    let Tried {
        number,
        spec,
        attempts,
        lost,
        notes,
    } = tried;
    match next(&spec, attempts + 1, lost, notes, worker, fate) {
        Next::NotStarted => {
            until_kept(host, move |kept| kept::not_started(kept, number)).await;
            AttemptEnd::NotStarted
        }
        Next::Again { lost, notes } => {
            let written = notes.clone();
            until_kept(host, move |kept| {
                kept::given_back(kept, number, lost, &written)
            })
            .await;
            AttemptEnd::Back { lost, notes }
        }
        Next::End {
            lost,
            notes,
            ending,
        } => {
            let written = ending.clone();
            until_kept(host, move |kept| {
                kept::ends(kept, number, lost, &notes, &written)
            })
            .await;
            AttemptEnd::Ended(ending)
        }
    }
}
