//! The heap of a bundled policy.
//!
//! Each call gets a fresh instance, and the standard library's allocator asks an
//! instance's memory to grow with its first allocation. To the host that is two
//! changes of page protection for each call, which stop all its threads for a
//! moment. This is the same allocator, given memory that the instance is born
//! with; it grows only beyond that.
//!
//! A policy takes it with `use policy_heap as _;`. It does nothing outside
//! WebAssembly, and must never hold anything but the allocator.

#[cfg(target_family = "wasm")]
mod wasm;
