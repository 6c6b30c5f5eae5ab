//! How a tool in the middle of its work reaches the person behind its client.
//!
//! The tool has a [`Person`], and stops where something waits for a yes; the door that
//! carries the call hears of the [`Stop`], puts the question in its client's way, and
//! lets the tool go on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quarterdeck_core::gate::PendingConfirmation;
use quarterdeck_core::orchestration::AsksPerson;
use tokio::sync::{mpsc, oneshot};

/// The tool's side.
#[derive(Clone)]
pub(super) struct Person {
    stops: mpsc::Sender<Stop>,
    /// A question stayed without an answer: no other one is put.
    is_silent: Arc<AtomicBool>,
}

/// Where a tool has stopped.
pub(super) struct Stop {
    /// What waits.
    pub(super) waiting: Vec<PendingConfirmation>,
    /// Takes whether the question was answered. A tool that gets none goes on without.
    pub(super) answered: oneshot::Sender<bool>,
}

/// The person behind one call, and where it stops. One who cannot be asked is silent
/// from the beginning.
pub(super) fn person(can_be_asked: bool) -> (Person, mpsc::Receiver<Stop>) {
    let (stops, heard) = mpsc::channel(1);
    let is_silent = Arc::new(AtomicBool::new(!can_be_asked));
    (Person { stops, is_silent }, heard)
}

/// Where there is no person.
pub(super) fn nobody() -> Person {
    person(false).0
}

impl AsksPerson for Person {
    fn can_ask(&self) -> bool {
        !self.is_silent.load(Ordering::Relaxed)
    }

    fn ask(
        &self,
        waiting: Vec<PendingConfirmation>,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move {
            if !self.can_ask() {
                return false;
            }
            let (answered, answer) = oneshot::channel();
            let stopped = self.stops.send(Stop { waiting, answered }).await;
            let answered = stopped.is_ok() && answer.await.unwrap_or(false);
            if !answered {
                self.is_silent.store(true, Ordering::Relaxed);
            }
            answered
        })
    }
}
