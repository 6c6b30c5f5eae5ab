//! The standard library's allocator over a static piece of memory.

#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    reason = "an allocator is an unsafe interface; what holds is said at each implementation"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

/// What a call needs at most, save for hostile input.
const BORN_WITH_BYTES: usize = 192 << 10;
const PAGE_BYTES: usize = 64 << 10;

#[repr(align(16))]
struct Arena(UnsafeCell<[u8; BORN_WITH_BYTES]>);

// SAFETY: a guest has one thread.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; BORN_WITH_BYTES]));

/// Hands out the arena, once, and grows the memory after that.
struct Memory {
    arena_is_taken: AtomicBool,
}

// SAFETY: what is handed out is nobody else's: the arena has this one user, and
// grown pages are new.
unsafe impl Allocator for Memory {
    fn alloc(&self, bytes: usize) -> (*mut u8, usize, u32) {
        if bytes <= BORN_WITH_BYTES && !self.arena_is_taken.swap(true, Ordering::Relaxed) {
            return (ARENA.0.get().cast(), BORN_WITH_BYTES, 0);
        }
        let pages = bytes.div_ceil(PAGE_BYTES);
        match core::arch::wasm32::memory_grow(0, pages) {
            usize::MAX => (std::ptr::null_mut(), 0, 0),
            before => ((before * PAGE_BYTES) as *mut u8, pages * PAGE_BYTES, 0),
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        std::ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}

struct Heap(UnsafeCell<Dlmalloc<Memory>>);

// SAFETY: a guest has one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Memory {
    arena_is_taken: AtomicBool::new(false),
})));

// SAFETY: passes everything on to an allocator that keeps these promises; nothing
// is called while another call is under way, because there is one thread.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { (*self.0.get()).free(memory, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        unsafe { (*self.0.get()).realloc(memory, layout.size(), layout.align(), bytes) }
    }
}
