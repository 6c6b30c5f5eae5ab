//! What policies other than approvers may ask of the host: the interface `host`.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::calling::guest::Guest;
use crate::interface::bindings::host;
use crate::kinds::presentable::presentable;

/// How many lines one call may write to the host's log; the rest is dropped.
const MAX_LINES: u32 = 32;
/// The longest line, in bytes.
const LONGEST_LINE: usize = 2_000;

impl host::Host for Guest {
    fn log(&mut self, level: host::Level, message: String) {
        self.lines_logged = self.lines_logged.saturating_add(1);
        if self.lines_logged > MAX_LINES {
            return;
        }
        let policy = &*self.terms.policy;
        let line = presentable(&message, LONGEST_LINE);
        match level {
            host::Level::Debug => tracing::debug!(policy, "{line}"),
            host::Level::Info => tracing::info!(policy, "{line}"),
            host::Level::Warn => tracing::warn!(policy, "{line}"),
            host::Level::Error => tracing::error!(policy, "{line}"),
        }
    }

    fn now_ms(&mut self) -> u64 {
        // A clock before 1970 is nobody's business here.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| {
                u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
            })
    }
}
