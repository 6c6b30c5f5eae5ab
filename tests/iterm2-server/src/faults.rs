//! What is to go wrong.

use std::time::Duration;

/// Asked for through [`crate::Control`]; owned by the application's task.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Replies come this much later.
    pub(crate) delay: Duration,
    /// So many replies are gathered and then sent last first.
    pub(crate) shuffle: usize,
    /// The next so many replies are lost with their connection: `drop` in place of each.
    pub(crate) drops: usize,
    /// The next reply is cut in half, and so is its connection.
    pub(crate) half_frame: bool,
    /// The next so many requests get no reply at all.
    pub(crate) silences: usize,
}
