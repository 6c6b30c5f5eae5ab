//! What can be asked of a host, a file for each thing. Every door, whatever
//! names its tools have, ends in one of these.

mod agent_activity;
mod appearance;
mod approve;
mod check;
mod close;
mod create;
mod describe;
mod expect;
mod hook;
mod layout;
mod list;
mod logs;
mod overview;
mod own_session;
mod performance;
mod picture;
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
mod turn;
mod type_input;
mod wait;
mod wait_any;
mod windows;

pub use agent_activity::SessionActivity;
pub use approve::ApprovalOrigin;
pub use create::{CreateSession, CreatedSession};
pub use describe::SessionDescription;
pub use expect::Expected;
pub use layout::{Arrangement, Layout, LayoutError, NamedLayout, OpenLayout, OpenedPane, Place};
pub use list::{SessionState, SessionSummary};
pub use overview::HostOverview;
pub use own_session::OwnSessionState;
pub use picture::{LiveScreen, ScreenLine, ScreenPicture, ScreenRun};
pub use policies::{DiffPolicy, LoadedPolicy, PolicyReload};
pub(crate) use read::read_tail;
pub use read::{Reading, View};
pub use run::{RunCommand, RunOutcome};
pub use signal::SignalName;
pub use ssh::{SshError, SshSettings, SshTarget};
pub use status::SessionStatus;
pub use wait::{Condition, WaitOutcome};
pub use wait_any::{WaitAny, WaitAnyOutcome, WaitedFor};

pub(crate) use read::read_text;
pub(crate) use wait::PATTERN_SIZE_LIMIT;
