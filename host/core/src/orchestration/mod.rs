//! Many sessions at once: which are meant, creating, writing to, reading and waiting for
//! them, cascades of messages to agents and teams, and playbooks of all of these.
//!
//! Who is on the roster, who may type and what a role allows is the room of
//! [agents](crate::agents). Requests and outcomes are the host's own: how clients spell
//! them and what they are told is the doors' affair. Pure parts: [`cascade`], what panes
//! are called. The rest are operations of the host, a file each.

mod asking;
mod bad_request;
pub mod cascade;
mod create;
mod deliver;
mod hierarchy;
mod modify;
mod on_its_way;
mod pane_title;
mod playbook;
mod read;
pub mod target;
mod wait;
mod write;

pub use asking::{AsksNobody, AsksPerson};
pub use bad_request::BadRequest;
pub use create::{AgentProgram, CreateSessions, CreatedPane, PaneSpec, SplitSession};
pub use deliver::{CascadeOutcome, CascadeRequest, CascadeResult};
pub use hierarchy::{
    HierarchySent, HierarchyTarget, NotThere, PlacedSession, Resolved, SelectedPanes,
};
pub use modify::{Changed, LookChange, Modification, ModificationResult};
pub use playbook::{Block, BlockReport, Playbook, PlaybookReport};
pub use read::{ReadSessions, ReadSessionsResult, ReadTarget, SessionOutput};
pub use wait::{AgentState, AgentWaited, Progress, RunningCommand, WaitForAgent, WaitedAgent};
pub use write::{Encoding, Message, WriteMessages, WriteOutcome, WriteResult, WriteSkipped};
