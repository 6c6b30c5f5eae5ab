//! Many sessions at once: which are meant, creating, writing to, reading and waiting for
//! them, cascades of messages to agents and teams, and playbooks of all of these.
//!
//! Who is on the roster, who may type and what a role allows is the room of
//! [agents](crate::agents). Pure parts: [`cascade`], [`layout`]. The rest are operations
//! of the host, a file each.

mod asking;
pub mod cascade;
mod create;
mod deliver;
mod hierarchy;
pub mod layout;
mod modify;
mod on_its_way;
mod playbook;
mod read;
pub mod target;
mod wait;
mod write;

pub use asking::{AsksNobody, AsksPerson};
pub use create::{
    AgentProgram, CreateSessions, CreatedPane, CreatedPanes, PaneSpec, SplitDirection, SplitSession,
};
pub use deliver::{CascadeReport, CascadeRequest, CascadeResult};
pub use hierarchy::{HierarchyTarget, Resolved, SelectedPanes};
pub use modify::{Modification, ModificationReport, ModificationResult};
pub use playbook::{Block, BlockReport, Playbook, PlaybookReport};
pub use read::{ReadReport, ReadSessions, ReadTarget, SessionOutput};
pub use wait::{AgentState, WaitForAgent, WaitReport};
pub(crate) use write::pattern;
pub use write::{Encoding, Message, WriteMessages, WriteReport, WriteResult};
