//! The plugins folder: what lies in it, whether its files are believed, and when
//! they are read.
//!
//! `watch` hears of changes and `reload`, a thread of its own, looks; `settling` says
//! when a file is done being written; `files` reads it with suspicion (`ownership`, `private_group`),
//! and its `sidecar` with what that grants; `former` keeps what ruled before. Nothing here knows what a component does.

pub(crate) mod files;
pub(crate) mod former;
pub(crate) mod grants;
pub(crate) mod ownership;
mod private_group;
pub(crate) mod reload;
pub(crate) mod seen_files;
pub(crate) mod settling;
pub(crate) mod sidecar;
pub(crate) mod watch;
