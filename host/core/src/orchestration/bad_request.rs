//! Requests for many sessions that make no sense.

use super::create::MOST_PANES;
use super::modify::LONGEST_BADGE;
use super::write::MOST_DELIVERIES;
use crate::session::SessionId;

/// Why a request for many sessions is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// More sessions than are created at once.
    #[error("{0} sessions are more than the {MOST_PANES} that are created at once")]
    TooManyPanes(usize),
    /// No session is in the window that was named.
    #[error(
        "there is no window {asked:?} with a session in it: there {}; leave it out for a window of their own",
        told(known)
    )]
    NoWindow {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<String>,
    },
    /// One agent for two of the sessions.
    #[error("agent {0:?} cannot work in two sessions at once; give each session its own agent")]
    AgentTwice(String),
    /// More messages than are sent at once.
    #[error("the messages go to more than {MOST_DELIVERIES} sessions in all: send fewer at once")]
    TooManyDeliveries,
    /// A place in the hierarchy for which there is no message.
    #[error("a target without a message needs a broadcast to fall back on")]
    NothingToSay,
    /// Two changes that exclude each other.
    #[error("suspend and resume contradict each other: give one of them")]
    SuspendAndResume,
    /// No program is in front.
    #[error("nothing runs in session {0} that could be suspended")]
    NothingToSuspend(SessionId),
    /// Its program was not stopped.
    #[error("session {0} is not suspended")]
    NotSuspended(SessionId),
    /// A badge is a word, not a text.
    #[error("the badge is longer than {LONGEST_BADGE} bytes")]
    LongBadge,
}

/// Windows in a sentence.
fn told(windows: &[String]) -> String {
    match windows {
        [] => "is none, because no session is on tmux or iTerm2".to_owned(),
        [only] => format!("is only {only}"),
        windows => format!("are {}", windows.join(", ")),
    }
}
