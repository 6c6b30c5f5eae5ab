//! The domain of Quarterdeck: which sessions there are, who may type what into
//! them, and what is kept of it.
//!
//! # Where to start
//!
//! [`Host`] is what every door calls; [`operations`] has a file for each thing
//! that can be asked of it, and what concerns one subject alone lies in that subject's
//! folder. The [`gate`] is the heart: the one way to type.
//!
//! # What this crate must never do
//!
//! - Let anything but the gate reach a session's keyboard. The `Keyboard` is
//!   private to [`gate::Door`], and the compiler keeps it there.
//! - Let a command through that the audit log could not write down.
//! - Know a protocol: MCP, HTTP and the command line are the doors' business, and so are
//!   the names of their tools.

pub mod agents;
pub mod allow_rules;
pub mod audit;
mod backends;
mod caller;
mod clock;
pub mod coding_agents;
mod default_sessions;
mod error;
pub mod events;
pub mod gate;
mod glob;
pub mod hooks;
mod host;
mod iterm2;
mod life;
pub mod monitor;
pub mod operations;
pub mod orchestration;
mod pattern;
mod policy_problems;
pub mod progress;
pub mod prompts;
mod rates;
pub mod recordings;
pub mod recovery;
mod registry;
mod secret;
mod seen;
mod session;
mod shell_syntax;
pub mod store;
mod swaps;
pub mod tasks;
mod text;

pub use backends::{BackendChoice, BackendChoiceError};
pub use caller::{Caller, CallerKind, ConnectionId, Transport};
pub use clock::{ms_of_rfc3339, rfc3339, rfc3339_of_ms, whole_ms};
pub use coding_agents::AgentInFront;
pub use error::{ErrorCode, HostError};
pub use host::{Host, HostSettings, SessionSettings, StartError};
pub use life::LostSession;
pub use pattern::{BadPattern, Pattern};
pub use policy_problems::RecentProblem;
pub use rates::{
    Allowance, ClientLimit, ClientLimitError, HTTP, RateLimit, RateSettings, TooOften,
};
pub use secret::Secret;
pub use session::{BackendKind, SessionId};
pub use shell_syntax::ShellSyntax;
pub use text::{inert as inert_text, spelled_out};

pub use quarterdeck_policy as policy;
pub use quarterdeck_policy::TRACE_TARGET;
pub use quarterdeck_terminal::iterm2::{
    Address as Iterm2Address, Appearance, RelayProgram, Rgb, Settings as Iterm2Settings, relay,
};
pub use quarterdeck_terminal::tmux::{PaneWindow, Socket as TmuxSocket};
pub use quarterdeck_terminal::{
    Cursor, Side, Size, ancestry, deadline, keys, mouse, open_files, quoting, screenshot,
};
