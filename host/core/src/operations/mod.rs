//! What every door can ask of a host, a file for each thing. A door, whatever names its
//! tools have, ends in one of these, or in what a subject's folder adds to `Host`.

mod agent_activity;
mod appearance;
mod approve;
mod check;
mod close;
mod create;
mod default_session;
mod describe;
mod environment;
mod expect;
mod hook;
mod layout;
mod list;
mod logs;
mod new_session;
mod open_layout;
mod overview;
mod own_session;
mod performance;
mod picture;
mod point;
mod policies;
mod printed;
mod rate_limit;
mod read;
mod reset;
mod resize;
mod run;
mod screenshot;
mod shells;
mod signal;
mod ssh;
mod standard_input;
mod tasks;

mod type_input;
mod wait;
mod wait_any;
mod windows;

pub use agent_activity::SessionActivity;
pub use approve::ApprovalOrigin;
pub(crate) use approve::own_name;
pub use check::CheckPurpose;
pub use create::{CreateSession, CreatedSession};
pub use describe::{SessionDescription, SessionState};
pub use expect::Expected;
pub use layout::{Arrangement, Layout, LayoutError, NamedLayout, Place};
pub use list::MeasuredSession;
pub use open_layout::{OpenLayout, OpenedPane};
pub use overview::HostOverview;
pub use own_session::{OwnOutput, OwnSessionState};
pub use picture::{LiveScreen, ScreenLine, ScreenPicture, ScreenRun};
pub use policies::{DiffPolicy, LoadedPolicy, PolicyReload};
pub(crate) use read::read_tail;
pub use read::{Reading, View};
pub use run::{RunCommand, RunOutcome, RunRemark};
pub use signal::SignalName;
pub use ssh::{SshError, SshSettings, SshTarget};
pub use standard_input::StandardInput;
pub use wait::{Condition, WaitOutcome};
pub use wait_any::{WaitAny, WaitAnyOutcome, WaitedFor};
pub use windows::SessionWindow;

pub(crate) use read::read_text;
pub(crate) use wait::PATTERN_SIZE_LIMIT;
