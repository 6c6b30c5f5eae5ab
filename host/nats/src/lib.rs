//! Tasks on more than one machine, over NATS JetStream.
//!
//! # Where to start
//!
//! [`NatsMachines`] is the owner's side: what `quarterdeck_core::tasks::Machines` asks
//! for. [`take_errands`] is a machine's side: it takes errands and has a host carry them out.
//! Between them are two streams ([`subjects`]):
//!
//! - errands, a work queue: each goes to one machine, and again to another when that one
//!   neither acknowledges it nor says that it is still at it;
//! - news, of which each owner takes its own, also those that came while it was down.
//!
//! # What this crate must never do
//!
//! - Begin an errand that was delivered before. Whether it runs again is for its owner to
//!   say, who is told that a machine fell silent.
//! - Acknowledge an errand before the news of its end are kept by the server.
//! - Acknowledge news before the owner has kept them.
//! - Acknowledge an errand to another work queue than the one that it came from: a server
//!   that has lost its disk gives its numbers to other errands.

mod announcing;
mod connecting;
mod connection;
mod machine;
mod news;
mod owner;
mod running;
mod sending;
mod settings;
mod subjects;

pub use announcing::{BadMachineName, MachineName};
pub use connection::{NatsError, check};
pub use machine::{MachineSettings, TakingErrands, take_errands};
pub use owner::NatsMachines;
pub use running::Doing;
pub use settings::NatsSettings;
