//! Putting what waits for a person to them in the middle of a request that types into
//! many sessions: what was typed stays, and what waits is typed after a yes.

use std::future::Future;
use std::pin::Pin;

use crate::gate::PendingConfirmation;

/// Whoever can put a question to the person behind a caller.
pub trait AsksPerson: Send + Sync {
    /// Whether a question would be put. Once one stayed without an answer, no more are.
    fn can_ask(&self) -> bool;

    /// Puts commands that wait as one question. Returns whether it was answered: the gate
    /// then has a yes or a no for each.
    fn ask(
        &self,
        waiting: Vec<PendingConfirmation>,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

/// Where nobody can be asked: what waits is told.
#[derive(Clone, Copy, Debug)]
pub struct AsksNobody;

impl AsksPerson for AsksNobody {
    fn can_ask(&self) -> bool {
        false
    }

    fn ask(
        &self,
        _waiting: Vec<PendingConfirmation>,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(std::future::ready(false))
    }
}
