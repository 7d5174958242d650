//! No single allocation of a run may be a large one: inputs are some thousand bytes, and nothing takes
//! memory by what they say. Sanitizers have a limit of their own; this one holds without them as well,
//! also for memory that nobody touches.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;

/// Bytes of one allocation: of frames and messages 10 MB is the most that any protocol here may have, and
/// vectors double.
const MAX: usize = 32 << 20;

struct Limited;

#[global_allocator]
static ALLOCATOR: Limited = Limited;

fn check(size: usize) {
    if size > MAX {
        // Nothing that allocates.
        let _ = std::io::stderr().write_all(b"one allocation of more than 32 MiB\n");
        std::process::abort();
    }
}

// SAFETY: the system's allocator does it, with what it was given.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}
