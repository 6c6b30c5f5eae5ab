//! How many files may be open: more for the host than for what it starts.
//!
//! A host with a thousand listeners and sessions needs more descriptors than a login
//! shell is given. Its sessions keep what it was given itself: programs that use
//! `select`, or close every descriptor that there could be, are made for that.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// macOS refuses more, though it calls the hard limit unlimited.
const MOST: u64 = if cfg!(target_os = "macos") {
    10_240
} else {
    1 << 20
};

/// The limit that this process was started with, once it was raised.
static INHERITED: OnceLock<Rlimit> = OnceLock::new();

/// Raises this process's limit as far as the system lets it, and says to how many
/// files. Call it once, before sessions are opened. A limit that stays as it is (the
/// system has its reasons) is no failure.
pub fn raise_limit() -> u64 {
    let inherited = *INHERITED.get_or_init(|| getrlimit(Resource::Nofile));
    let allowed = inherited.maximum.map_or(MOST, |maximum| maximum.min(MOST));
    let current = inherited.current.unwrap_or(u64::MAX);
    if current >= allowed {
        return current;
    }
    let raised = Rlimit {
        current: Some(allowed),
        maximum: inherited.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => allowed,
        Err(_) => current,
    }
}

/// Gives a child the limit that this process was started with. Only a system call:
/// it may be made between fork and exec.
pub(crate) fn restore_limit() {
    if let Some(inherited) = INHERITED.get() {
        // Lowering it is always allowed.
        let _ = setrlimit(Resource::Nofile, *inherited);
    }
}
