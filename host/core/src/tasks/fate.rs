//! How an attempt ended.

use serde::{Deserialize, Serialize};

use super::task::TaskResult;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Nothing was typed, for reasons that are the worker's.
    NotTyped,
    /// Nothing was typed, and would not be elsewhere either: the gate's no, for
    /// example.
    Impossible(String),
    /// It ran to its end.
    Finished(TaskResult),
    /// Its time was over.
    TimedOut {
        /// What it came to.
        result: Option<TaskResult>,
        /// It could not be stopped.
        goes_on: bool,
    },
    /// It was called off.
    Cancelled(Option<TaskResult>),
    /// Its worker died: nobody knows how far it came.
    Lost(String),
}
