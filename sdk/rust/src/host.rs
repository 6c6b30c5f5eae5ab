//! What a policy may ask of the host. Approvers may not: what they answer
//! depends on the request alone, and the host refuses an approver that imports
//! these functions.
//!
//! In a native test there is no host: lines go to standard error, and the time
//! is the machine's.

pub use crate::bindings::importing::quarterdeck::policy::host::Level;

/// Writes a line to the host's log, under the policy's name.
pub fn log(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::importing::quarterdeck::policy::host::log(level, message);
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
}

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> u64 {
    #[cfg(target_family = "wasm")]
    return crate::bindings::importing::quarterdeck::policy::host::now_ms();
    #[cfg(not(target_family = "wasm"))]
    return std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
}
