//! Calling an attempt off: said once by whoever owns it, heard at any time by whoever
//! carries it out.

use tokio::sync::watch;

use super::fate::Fate;
use super::task::TaskResult;
use crate::tasks::worker::attempt::WorkerAfter;

/// Why an attempt is ended before it ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOff {
    /// Nobody wants the task any more.
    Cancelled,
    /// Another session does what this one had to do.
    Moved {
        /// That session.
        to: String,
    },
    /// The machine that had it for another host is told to stop.
    HandedBack,
}

impl CallOff {
    /// What that makes of an attempt that has typed something.
    pub(super) fn fate(self, result: Option<TaskResult>, worker: WorkerAfter) -> Fate {
        let goes_on = match worker {
            WorkerAfter::Occupied => ", and it could not be interrupted there",
            WorkerAfter::Free | WorkerAfter::Gone => "",
        };
        match self {
            Self::Cancelled => Fate::Cancelled(result),
            Self::Moved { to } => {
                Fate::Lost(format!("its work has moved to session {to}{goes_on}"))
            }
            Self::HandedBack => Fate::Lost(format!("the worker there was told to stop{goes_on}")),
        }
    }
}

/// Calls one attempt off.
#[derive(Debug)]
pub struct CallOffSender(watch::Sender<Option<CallOff>>);

/// Hears that an attempt is called off.
#[derive(Clone, Debug)]
pub struct CallOffReceiver(watch::Receiver<Option<CallOff>>);

/// Both ends, for one attempt.
pub fn call_off() -> (CallOffSender, CallOffReceiver) {
    let (sender, receiver) = watch::channel(None);
    (CallOffSender(sender), CallOffReceiver(receiver))
}

impl CallOffSender {
    /// Has the attempt ended, for the first reason that is given.
    pub fn call_off(&self, why: CallOff) {
        self.0.send_if_modified(|said| {
            let first = said.is_none();
            if first {
                *said = Some(why);
            }
            first
        });
    }
}

impl CallOffReceiver {
    /// Whether it is called off.
    pub(super) fn is_called_off(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until it is called off. An owner that is gone calls off nothing: its host
    /// has gone, and the command with it.
    pub(super) async fn called_off(&mut self) -> CallOff {
        loop {
            if let Some(why) = self.0.borrow_and_update().clone() {
                return why;
            }
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_counts_and_is_heard_by_whoever_asks_and_whenever() {
        let (sender, mut receiver) = call_off();
        let mut other = receiver.clone();
        assert!(!receiver.is_called_off());
        sender.call_off(CallOff::HandedBack);
        sender.call_off(CallOff::Cancelled);
        assert!(receiver.is_called_off());
        for _ in 0..2 {
            assert_eq!(receiver.called_off().await, CallOff::HandedBack);
        }
        drop(sender);
        assert_eq!(other.called_off().await, CallOff::HandedBack);
    }

    #[tokio::test]
    async fn an_owner_that_is_gone_calls_off_nothing() {
        let (sender, mut receiver) = call_off();
        drop(sender);
        assert!(!receiver.is_called_off());
        let heard = tokio::time::timeout(std::time::Duration::ZERO, receiver.called_off());
        heard.await.expect_err("heard something");
    }
}
