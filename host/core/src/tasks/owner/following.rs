//! One errand, followed from here until it has ended.
//!
//! How far it is, is kept in the store: about to leave (no worker), on its way
//! ([`ON_ITS_WAY`]), or with a machine. So a later host knows what to ask after, and
//! nothing is sent twice.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::attempt::{AttemptEnd, Tried, keep};
use super::kept;
use crate::host::Host;
use crate::tasks::call_off::CallOffReceiver;
use crate::tasks::errand::{Errand, ErrandNews, ErrandTold, Machines};
use crate::tasks::fate::Fate;
use crate::tasks::until_kept::{KEPT_AGAIN_AFTER, until_kept};

/// The worker of what no machine has begun yet, in the store and to distributors.
pub(super) const ON_ITS_WAY: &str = "machines";

/// What is heard of an errand on its way.
pub(super) enum ErrandCourse {
    /// A machine has begun it.
    Begun { number: u64, worker: String },
    /// How far it is.
    Progress {
        number: u64,
        percent: f64,
        milestone: Option<String>,
    },
}

/// Follows an errand.
pub(super) struct Following {
    pub(super) host: Arc<Host>,
    pub(super) machines: Arc<dyn Machines>,
    pub(super) errand: Errand,
    pub(super) course: mpsc::Sender<ErrandCourse>,
    pub(super) worker: Option<String>,
}

impl Following {
    /// Sends the errand, unless that is done (then `told` has its news), and keeps what
    /// becomes of it.
    pub(super) async fn until_its_end(
        mut self,
        tried: Tried,
        mut called_off: CallOffReceiver,
        told: Option<mpsc::Receiver<ErrandTold>>,
    ) -> AttemptEnd {
        let (number, sending) = (tried.number, self.errand.key.sending);
        let mut told = match told {
            Some(told) => told,
            None => {
                let write = self
                    .host
                    .store
                    .write(move |kept| kept::leaves(kept, number, sending));
                match write.await {
                    Ok(true) => self.machines.send(self.errand.clone(), None),
                    Ok(false) => return AttemptEnd::NotStarted,
                    Err(error) => {
                        tracing::warn!(%error, task = number, "a task cannot leave");
                        tokio::time::sleep(KEPT_AGAIN_AFTER).await;
                        return AttemptEnd::NotStarted;
                    }
                }
            }
        };
        let mut recalled = false;
        loop {
            tokio::select! {
                news = told.recv() => match news {
                    Some(told) => match self.takes(number, &told.news).await {
                        None => told.settle(),
                        Some(fate) => {
                            let worker = self.worker.take().unwrap_or_default();
                            let end = keep(&self.host, tried, &worker, fate).await;
                            told.settle();
                            return end;
                        }
                    },
                    // This host goes: the next one asks after it.
                    None => std::future::pending().await,
                },
                // Nothing else has an errand called off: it has no session here.
                _ = called_off.called_off(), if !recalled => {
                    recalled = true;
                    self.machines.recall(&self.errand.key);
                }
            }
        }
    }

    /// Keeps a piece of news; its fate, where it has ended.
    async fn takes(&mut self, number: u64, news: &ErrandNews) -> Option<Fate> {
        match news {
            ErrandNews::Sent => {
                if self.worker.is_none() {
                    until_kept(&self.host, move |kept| {
                        kept::is_with(kept, number, ON_ITS_WAY)
                    })
                    .await;
                }
                None
            }
            ErrandNews::Begun { machine, session } => {
                let worker = format!("{machine}/{session}");
                self.worker = Some(worker.clone());
                let kept_worker = worker.clone();
                until_kept(&self.host, move |kept| {
                    kept::is_with(kept, number, &kept_worker)
                })
                .await;
                // A queue that is gone is told nothing.
                let _ = self
                    .course
                    .send(ErrandCourse::Begun { number, worker })
                    .await;
                None
            }
            ErrandNews::Progress { percent, milestone } => {
                let course = ErrandCourse::Progress {
                    number,
                    percent: *percent,
                    milestone: milestone.clone(),
                };
                let _ = self.course.send(course).await;
                None
            }
            ErrandNews::FellSilent {
                how,
                may_have_begun,
            } => {
                self.worker = self.worker.take().or_else(|| may_have_begun.clone());
                Some(match &self.worker {
                    Some(_) => Fate::Lost(how.clone()),
                    // Nothing was typed: as if it had never left.
                    None => Fate::NotTyped,
                })
            }
            ErrandNews::Ended(fate) => Some(fate.clone()),
        }
    }
}
