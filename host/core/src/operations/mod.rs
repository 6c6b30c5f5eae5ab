//! What can be asked of a host, a file for each thing. Every door, whatever
//! names its tools have, ends in one of these.

mod approve;
mod check;
mod close;
mod create;
mod describe;
mod expect;
mod list;
mod own_session;
mod point;
mod policies;
mod read;
mod resize;
mod run;
mod screenshot;
mod shells;
mod ssh;
mod type_input;
mod wait;

pub use approve::ApprovalOrigin;
pub use create::{CreateSession, CreatedSession};
pub use describe::SessionDescription;
pub use expect::Expected;
pub use list::{SessionState, SessionSummary};
pub use own_session::OwnSessionState;
pub use policies::{DiffPolicy, LoadedPolicy, PolicyReload};
pub use read::{Reading, View};
pub use run::{RunCommand, RunOutcome};
pub use ssh::{SshError, SshSettings, SshTarget};
pub use wait::{Condition, WaitOutcome};

pub(crate) use read::read_text;
pub(crate) use wait::PATTERN_SIZE_LIMIT;
