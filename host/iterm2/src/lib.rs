//! A client of the iTerm2 API.
//!
//! [`Client`] is a handle; behind it one task owns the connection ([`Address`] says where to).
//! Calls go over it side by side, each with a deadline, and end with an error that says what
//! happened when the connection is lost. The task then connects again, with growing delays, and
//! subscribes again to everything that somebody is interested in ([`Interest`]); what happens
//! comes as a stream of [`Notice`]s, the losses of the connection among them.
//!
//! What it must never do: send a request a second time by itself, because text that was typed
//! and not confirmed may have arrived; wait without a deadline; begin a transaction unless told
//! to, because iTerm2 stands still for everybody while one lasts.
//!
//! Start reading at [`Client`], then `connection` for the task and `dial` for the way in. The
//! messages are in [`proto`]; `calls` makes functions of them, one file for each subject.

mod address;
mod calls;
mod client;
mod connection;
mod credentials;
mod dial;
mod error;
mod ids;
mod interest;
pub mod proto;

pub use address::Address;
pub use calls::layout::{Layout, Pane, SplitTree, Tab, Window};
pub use calls::profiles::{Profile, ProfileTarget};
pub use calls::prompts::{Prompt, PromptState};
pub use calls::properties::{PropertyTarget, VariableScope};
pub use calls::screens::{Buffer, Color, Line, Lines, Style, StyledRun};
pub use calls::sessions::{CloseTarget, Closed, NewTab, OpenedTab, Split};
pub use calls::windows::ActivateTarget;
pub use client::{Client, ConnectionState, Notices};
pub use credentials::{CredentialError, CredentialSource};
pub use dial::DialError;
pub use error::CallError;
pub use ids::{SessionId, TabId, WindowId};
pub use interest::{Interest, Notice, PromptEvent};
