//! Why a call failed.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::dial::DialError;

/// Why a call failed. Nothing is ever sent again by itself: after [`CallError::is_uncertain`] it
/// is for the caller to find out what has arrived.
#[derive(Debug, Clone, Error)]
pub enum CallError {
    /// There is no connection now. The request was not sent.
    #[error("not connected to iTerm2, so {request} was not sent{}", because(reason.as_ref()))]
    NotConnected {
        /// What was asked for.
        request: &'static str,
        /// Why there is no connection, where that is known.
        reason: Option<Arc<DialError>>,
    },
    /// The connection was lost before the answer came. The request may have been carried out.
    #[error(
        "the connection to iTerm2 was lost while {request} was under way; look what has happened before you repeat it"
    )]
    ConnectionLost {
        /// What was asked for.
        request: &'static str,
    },
    /// No answer came in time. The request may have been carried out, or may still be.
    #[error("iTerm2 gave no answer to {request} within {} ms; look what has happened before you repeat it", after.as_millis())]
    Deadline {
        /// What was asked for.
        request: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// Too many calls wait for their answers. The request was not sent.
    #[error("too many calls wait for iTerm2, so {request} was not sent; try again later")]
    Busy {
        /// What was asked for.
        request: &'static str,
    },
    /// iTerm2 refused, and said so with a status.
    #[error("iTerm2 refused {request}: {status}")]
    Status {
        /// What was asked for.
        request: &'static str,
        /// The status as the API names it, for example `SESSION_NOT_FOUND`.
        status: &'static str,
    },
    /// iTerm2 refused in words, or with nothing but an empty answer.
    #[error("iTerm2 did not take {request}: {reason}")]
    Refused {
        /// What was asked for.
        request: &'static str,
        /// What it said.
        reason: String,
    },
}

fn because(reason: Option<&Arc<DialError>>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

impl CallError {
    /// Whether the request may have been carried out although the call failed.
    pub fn is_uncertain(&self) -> bool {
        matches!(self, Self::ConnectionLost { .. } | Self::Deadline { .. })
    }

    /// Whether what the call was about does not exist (any more).
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: "SESSION_NOT_FOUND"
                    | "NOT_FOUND"
                    | "TAB_NOT_FOUND"
                    | "WINDOW_NOT_FOUND"
                    | "INVALID_SESSION"
                    | "INVALID_TARGET"
                    | "INVALID_WINDOW_ID"
                    | "BAD_IDENTIFIER"
                    | "BAD_TAB_ID",
                ..
            }
        )
    }
}
