//! The WIT package as the host speaks it: bindings of its worlds and versions, and
//! what a component may import.
//!
//! Whoever changes `wit/` begins at `version`, which says what a release freezes.

pub(crate) mod bindings;
pub(crate) mod borrowed_lists;
pub(crate) mod configure;
pub(crate) mod host_functions;
pub(crate) mod version;
pub(crate) mod wasi;
