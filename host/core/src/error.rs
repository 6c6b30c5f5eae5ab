//! What can go wrong with a request, and the codes by which clients tell it apart.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agents::AgentsError;
use crate::agents::caps::CapReached;
use crate::agents::role::Role;
use crate::gate::{PendingConfirmation, PersonsNo, Refusal};
use crate::orchestration::BadRequest;
use crate::rates::TooOften;
use crate::session::SessionId;
use crate::store::StoreError;
use crate::tasks::BadTerms;

/// A request that was not carried out. The text says what to do next, in nobody's
/// dialect; a door may say it in the words of its own tools. The [code](Self::code) is stable.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No session has this id.
    #[error("no session has the id {0:?}; open one, or look which there are")]
    SessionNotFound(String),
    /// The arguments do not make sense.
    #[error("{0}")]
    InvalidParameters(String),
    /// Tasks cannot be taken under these terms.
    #[error(transparent)]
    BadTerms(#[from] BadTerms),
    /// What is asked of many sessions makes no sense.
    #[error(transparent)]
    BadRequest(#[from] BadRequest),
    /// It cannot be done with agents, or with what they share.
    #[error(transparent)]
    Agents(#[from] AgentsError),
    /// A limit on agents was met.
    #[error(transparent)]
    CapReached(#[from] CapReached),
    /// The gate refused.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The gate wants a person's yes.
    #[error("{0}")]
    ConfirmationRequired(Box<PendingConfirmation>),
    /// The session's shell is busy with a command.
    #[error(
        "session {session} still runs {command} (for {} s); wait for its end, interrupt it with Ctrl-C, or use another session; if it is itself a shell, type to it",
        .since.as_secs()
    )]
    SessionBusy {
        /// The session.
        session: SessionId,
        /// What runs, in quotes, or "a command".
        command: String,
        /// For how long.
        since: Duration,
    },
    /// Something stands on the shell's line that the command would run into.
    #[error(
        "the line of session {session} is not empty, it holds {}; submit it, or clear it first with Ctrl-C",
        what_stands_there(.line.as_deref())
    )]
    LineNotEmpty {
        /// The session.
        session: SessionId,
        /// What stands there, where the shell could tell.
        line: Option<String>,
    },
    /// A command holds a tab, which a shell's line editor would take for a key.
    #[error(
        "the command holds a tab, which the line editor of the shell in session {0} would take for the key that completes words; write it as \\t, with printf for example"
    )]
    TabWouldComplete(SessionId),
    /// The agent's program in a session takes no prompt now.
    #[error("the agent in session {session} takes no prompt now: {why}; nothing was typed")]
    AgentNotReady {
        /// The session.
        session: SessionId,
        /// Why, and what to do.
        why: String,
    },
    /// The session's program has ended.
    #[error(
        "the shell of session {session} has ended ({how}); its output can still be read; close it, and open another"
    )]
    SessionEnded {
        /// The session.
        session: SessionId,
        /// Exit status or signal in words.
        how: String,
    },
    /// The shell asked for more input instead of running the command.
    #[error(
        "the command is incomplete: the shell waits for the rest (an open quote, bracket, or here-document?); nothing was run"
    )]
    IncompleteCommand,
    /// Another agent has locked the session.
    #[error(
        "session {session} is locked by {owner} until {until}; wait, use another session, or ask {owner} for access"
    )]
    Locked {
        /// The session.
        session: SessionId,
        /// The agent that may type.
        owner: String,
        /// RFC 3339.
        until: String,
    },
    /// The caller's lock is an old one.
    #[error(
        "the lock on session {session} was lost: fencing token {shown} is {}; take the lock again before you go on",
        present_token(.current.as_ref())
    )]
    LockLost {
        /// The session.
        session: SessionId,
        /// The token that the caller has shown.
        shown: u64,
        /// The token of the lock that there is, if there is one.
        current: Option<u64>,
    },
    /// A role does not allow it.
    #[error("the role {} does not allow {what}: {instead}", .role.as_str())]
    ForbiddenByRole {
        /// The role.
        role: Role,
        /// What was tried.
        what: String,
        /// What is allowed.
        instead: String,
    },
    /// No session goes by these names.
    #[error("no session is meant by {0}; look which there are")]
    NoSessionMeant(String),
    /// Several sessions go by this name, where one is meant.
    #[error("several sessions are meant by {what}: {}; name one by its id", ids(.sessions))]
    SeveralMeant {
        /// What was said.
        what: String,
        /// Those that go by it, oldest first.
        sessions: Vec<SessionId>,
    },
    /// No task has this id.
    #[error("no task has the id {0:?}; look which there are")]
    TaskNotFound(String),
    /// As many sessions are open as there may be.
    #[error("{0} sessions are open, as many as sessions.max allows; close some")]
    TooManySessions(usize),
    /// A limit was reached.
    #[error("{0}")]
    ResourceExhausted(String),
    /// The caller asks more often than it may.
    #[error(
        "{} is asked for more often than the limit of {} allows; ask again in {:.1} s, or have the limits changed under [rate_limits] in the configuration",
        .0.endpoint, .0.limit, .0.retry_in.as_secs_f64()
    )]
    RateLimitExceeded(TooOften),
    /// The session could not be opened.
    #[error("cannot open a session: {0}")]
    CannotOpen(String),
    /// The session could not be opened as it was asked for.
    #[error("cannot open a session: {0}")]
    CannotOpenSo(String),
    /// The audit log refused a row; nothing was typed.
    #[error("nothing was typed, because it cannot be kept: {reason}")]
    AuditUnwritable {
        /// Where the log is.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
    /// Agents may not change policies here.
    #[error(
        "agents may not change policies here; a person allows it with agents_may_change = true under [policies] in the configuration, or reloads by changing a file in the plugins folder"
    )]
    PolicyChangesOff,
    /// No confirmation has this id.
    #[error(
        "no confirmation {0:?} is waiting: it was answered, has expired, or belongs to another host"
    )]
    ConfirmationNotFound(String),
    /// A yes for a session, to what opens one.
    #[error(
        "confirmation {0:?} is about opening a session, so there is none to allow it for: allow it once"
    )]
    NoSessionToAllowFor(String),
    /// A yes for good, to a command whose folder is not known.
    #[error(
        "confirmation {0:?} cannot be allowed for good: that holds for one folder, and it is not known in which folder the command would run (on another machine, or in a session that is yet to be opened). Allow it once, or write a rule for every folder with `quarterdeck rule allow`"
    )]
    NoFolderToAllowIn(String),
    /// The approval came from where no approval may come from.
    #[error(
        "approvals from inside a hosted session are refused: a person approves from another terminal"
    )]
    ApprovalFromInside,
    /// A person said no.
    #[error("a person was asked about this command and said no; do something else")]
    DeclinedByPerson,
    /// A person said no to the same command a while ago.
    #[error("{0}")]
    Declined(Box<PersonsNo>),
    /// Something that should not happen.
    #[error("{0}")]
    Internal(String),
}

fn ids(sessions: &[SessionId]) -> String {
    let ids: Vec<&str> = sessions.iter().map(SessionId::as_str).collect();
    ids.join(", ")
}

impl HostError {
    /// What the store could not do.
    pub(crate) fn from_store(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }

    /// What kind of error this is.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::SessionNotFound(_) | Self::NoSessionMeant(_) => ErrorCode::SessionNotFound,
            Self::InvalidParameters(_)
            | Self::TabWouldComplete(_)
            | Self::BadTerms(_)
            | Self::BadRequest(_)
            | Self::Agents(_)
            | Self::CapReached(CapReached::Task { .. })
            | Self::SeveralMeant { .. }
            | Self::TaskNotFound(_)
            | Self::IncompleteCommand
            | Self::CannotOpenSo(_)
            | Self::ConfirmationNotFound(_) => ErrorCode::InvalidParameters,
            Self::Refused(_)
            | Self::ForbiddenByRole { .. }
            | Self::ApprovalFromInside
            | Self::NoSessionToAllowFor(_)
            | Self::NoFolderToAllowIn(_)
            | Self::DeclinedByPerson
            | Self::Declined(_)
            | Self::PolicyChangesOff => ErrorCode::PermissionDenied,
            Self::ConfirmationRequired(_) => ErrorCode::ConfirmationRequired,
            Self::SessionBusy { .. } | Self::LineNotEmpty { .. } | Self::AgentNotReady { .. } => {
                ErrorCode::SessionBusy
            }
            Self::SessionEnded { .. } => ErrorCode::SessionEnded,
            Self::Locked { .. } | Self::LockLost { .. } => ErrorCode::SessionLocked,
            Self::ResourceExhausted(_)
            | Self::CapReached(CapReached::Agents { .. } | CapReached::Depth { .. })
            | Self::TooManySessions(_) => ErrorCode::ResourceExhausted,
            Self::RateLimitExceeded(_) => ErrorCode::RateLimitExceeded,
            Self::CannotOpen(_) | Self::AuditUnwritable { .. } | Self::Internal(_) => {
                ErrorCode::InternalError
            }
        }
    }
}

/// The kinds of errors, as clients tell them apart: those of the enhanced-iterm-mcp
/// document, and `CONFIRMATION_REQUIRED`, `SESSION_LOCKED`, `SESSION_BUSY` and
/// `SESSION_ENDED` besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// No such session.
    SessionNotFound,
    /// The request makes no sense.
    InvalidParameters,
    /// The gate, a role, a person or a setting said no.
    PermissionDenied,
    /// A person has to say yes first.
    ConfirmationRequired,
    /// Something else is under way in the session.
    SessionBusy,
    /// The session's program has ended.
    SessionEnded,
    /// The session is another agent's.
    SessionLocked,
    /// As many as there may be.
    ResourceExhausted,
    /// More often than is allowed.
    RateLimitExceeded,
    /// It is not the client's fault.
    InternalError,
}

impl ErrorCode {
    /// The code as clients know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionNotFound => "SESSION_NOT_FOUND",
            Self::InvalidParameters => "INVALID_PARAMETERS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ConfirmationRequired => "CONFIRMATION_REQUIRED",
            Self::SessionBusy => "SESSION_BUSY",
            Self::SessionEnded => "SESSION_ENDED",
            Self::SessionLocked => "SESSION_LOCKED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What stands on a shell's line, in words.
fn what_stands_there(line: Option<&str>) -> String {
    line.map_or_else(
        || "something unknown".to_owned(),
        |line| format!("`{line}`"),
    )
}

fn present_token(current: Option<&u64>) -> String {
    match current {
        Some(current) => format!("not the present one, {current}"),
        None => "that of no lock that there is".to_owned(),
    }
}
