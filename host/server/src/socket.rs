//! The host's Unix socket: how `quarterdeck mcp` joins a running host, and how
//! the command line asks it things.
//!
//! A connection opens with one line of JSON, a [`Request`]. After
//! [`Request::Mcp`] both sides speak MCP, a message a line; every other request
//! gets one line with its [`Reply`] and the connection ends. A host that still loads its
//! policies sends blanks before it. Only processes of
//! the same user (or root) are heard.

mod asking;
mod serving;

use std::path::PathBuf;

use quarterdeck_core::gate::Answer;
use quarterdeck_core::hooks::HookEvent;
use quarterdeck_core::operations::CheckPurpose;
use quarterdeck_core::{ErrorCode, HostError};
use serde::{Deserialize, Serialize};

pub use asking::{AskError, ask, ask_in_time, join};
pub use serving::{SocketDoor, SocketError};

use crate::mcp::ClientSettings;

/// No opening line or reply is longer.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// What a host that still loads its policies sends before its reply, so that nobody takes it
/// for one that hangs. JSON may begin with it.
const STILL_LOADING: &[u8] = b" ";

/// What a connection is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "wants", rename_all = "kebab-case")]
pub enum Request {
    /// MCP from here on.
    Mcp(ClientSettings),
    /// The commands that wait for a person.
    Confirmations,
    /// A person's answer to one of them.
    Answer {
        /// The confirmation.
        id: String,
        /// Yes or no, and for how long.
        answer: Answer,
    },
    /// A coding agent's hook was called; answered with a
    /// [`HookJudgement`](quarterdeck_core::gate::HookJudgement), or with nothing.
    Hook(HookEvent),
    /// The policies, as `policy_list` shows them.
    Policies,
    /// The same, once every file of the plugins folder has been read again.
    PoliciesReread,
    /// The host and its sessions: a [`Glance`](crate::glance::Glance).
    Glance,
    /// The verdict on a command line, as a
    /// [`VerdictReport`](quarterdeck_core::gate::VerdictReport).
    Check {
        /// The command line.
        command: String,
        /// The folder that it would run in.
        cwd: Option<String>,
        /// What for.
        #[serde(default)]
        purpose: CheckPurpose,
    },
    /// What each approver says to a command line.
    Explain {
        /// The command line.
        command: String,
        /// The folder that it would run in.
        cwd: Option<String>,
    },
    /// Take over the agents and teams that iterm-mcp has kept.
    ImportAgents {
        /// The folder of its files.
        folder: PathBuf,
    },
    /// Whether the asking process runs inside one of the host's sessions.
    AmInside,
}

/// The answer to everything but [`Request::Mcp`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply<T> {
    /// It was done.
    Done(T),
    /// It was not, and why.
    Failed {
        /// What kind of error it was.
        code: ErrorCode,
        /// What a person reads.
        message: String,
    },
}

impl<T> From<Result<T, HostError>> for Reply<T> {
    fn from(done: Result<T, HostError>) -> Self {
        match done {
            Ok(done) => Self::Done(done),
            Err(error) => Self::Failed {
                code: error.code(),
                message: error.to_string(),
            },
        }
    }
}
