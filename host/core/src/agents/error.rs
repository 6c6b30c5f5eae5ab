//! What cannot be done with agents and what they share.

use super::focus::CoolingDown;
use super::monitoring::MOST_FILTERS;
use super::moving::TakeOverRefusal;
use super::role::Role;
use super::roster::RosterError;
use super::sharing::{LONGEST_TAG, MOST_TAGS};
use crate::session::SessionId;

/// Why something was not done with agents, or with what they share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentsError {
    /// The roster cannot be so.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// Another agent has just brought a session to the front.
    #[error(transparent)]
    FocusTaken(#[from] CoolingDown),
    /// A lock without an owner.
    #[error("agent is empty: a lock belongs to an agent, so name one")]
    NobodysLock,
    /// A lock that has run out before it begins.
    #[error("a lock of no time locks nothing: give it from one second to a day")]
    LockOfNoTime,
    /// A tag that nobody can read.
    #[error("the tag {0:?} is longer than {LONGEST_TAG} bytes")]
    LongTag(String),
    /// More tags than a session may have.
    #[error(
        "{0} tags are more than the {MOST_TAGS} that a session may have; set fewer, in place of those it has"
    )]
    TooManyTags(usize),
    /// More filters than a followed session may have.
    #[error("{0} filters are more than the {MOST_FILTERS} that a session may have")]
    TooManyFilters(usize),
    /// There are no files of a session's output.
    #[error("the output of session {0:?} was never followed; begin to follow it")]
    NeverFollowed(String),
    /// A priority out of its range.
    #[error("the priority of role {:?} is from 1 (first) to 5, not {priority}", .role.as_str())]
    Priority {
        /// The role.
        role: Role,
        /// What was given.
        priority: u8,
    },
    /// One session cannot have what belongs to another.
    #[error("session {session} cannot take over: {why}")]
    CannotTakeOver {
        /// The session.
        session: SessionId,
        /// Why not.
        why: TakeOverRefusal,
    },
}
