//! What can be asked of a host, a file for each thing. Every door, whatever
//! names its tools have, ends in one of these.

mod approve;
mod check;
mod close;
mod create;
mod describe;
mod expect;
mod list;
mod logs;
mod own_session;
mod point;
mod policies;
mod read;
mod reset;
mod resize;
mod run;
mod screenshot;
mod shells;
mod signal;
mod ssh;
mod status;
mod tasks;
mod type_input;
mod wait;

pub use approve::ApprovalOrigin;
pub use create::{CreateSession, CreatedSession};
pub use describe::SessionDescription;
pub use expect::Expected;
pub use list::{SessionState, SessionSummary};
pub use own_session::OwnSessionState;
pub use policies::{DiffPolicy, LoadedPolicy, PolicyReload};
pub(crate) use read::read_tail;
pub use read::{Reading, View};
pub use run::{RunCommand, RunOutcome};
pub use signal::SignalName;
pub use ssh::{SshError, SshSettings, SshTarget};
pub use status::SessionStatus;
pub use wait::{Condition, WaitOutcome};
