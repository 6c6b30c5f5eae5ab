//! Pauses that look random and are the same in each run.

use std::time::Duration;

/// A source of pauses.
pub(crate) struct Jitter {
    state: u64,
    most_ms: u64,
}

impl Jitter {
    /// Pauses of up to `most_ms`, the same for the same seed.
    pub(crate) fn new(seed: u64, most_ms: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            most_ms,
        }
    }

    /// A number below `limit`; 0 where that is 0. (xorshift64)
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.checked_rem(limit).unwrap_or(0)
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let most = self.most_ms;
        Duration::from_millis(self.below(most + 1))
    }

    /// Whether there are pauses at all.
    pub(crate) fn is_on(&self) -> bool {
        self.most_ms > 0
    }
}
