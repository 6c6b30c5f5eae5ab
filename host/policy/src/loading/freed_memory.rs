//! Memory that a compilation leaves behind.

/// Gives back to the system what the allocator keeps for later. A compilation
/// takes tens of megabytes for a moment, from the arenas of several threads, and
/// glibc would keep them for the life of the process.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "no crate wraps it")]
    // SAFETY: takes no pointer, and may be called at any time on any thread
    // (malloc_trim(3)).
    unsafe {
        libc::malloc_trim(0);
    }
}
