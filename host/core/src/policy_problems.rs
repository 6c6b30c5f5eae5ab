//! The newest problems with policies, for whoever asks, and for listeners.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use quarterdeck_policy::PolicyProblem;

use crate::events::{ErrorSeverity, EventBus, SystemError};

/// Problems kept for whoever asks.
const KEPT: usize = 100;

/// A policy's problem, and when the host was told of it.
#[derive(Clone, Debug)]
pub struct RecentProblem {
    /// When.
    pub at: SystemTime,
    /// What, where, and who decides now: one line.
    pub message: String,
}

/// The newest problems, oldest first. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct RecentProblems(Arc<Mutex<VecDeque<RecentProblem>>>);

impl RecentProblems {
    /// Keeps `problem`, logs it and tells listeners.
    pub(crate) fn tell(&self, problem: &PolicyProblem, events: &EventBus) {
        let problem = RecentProblem {
            at: SystemTime::now(),
            message: problem.to_string(),
        };
        tracing::warn!("{}", problem.message);
        let error = SystemError {
            error: problem.message.clone(),
            component: "policies".to_owned(),
            severity: ErrorSeverity::Warning,
        };
        self.keep(problem);
        events.publish(error);
    }

    fn keep(&self, problem: RecentProblem) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(problem);
    }

    pub(crate) fn all(&self) -> Vec<RecentProblem> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect()
    }
}
