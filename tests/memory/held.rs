//! Counts the bytes that are allocated, of each thread apart: tests run side by side.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::support::World;

thread_local! {
    /// Constant and without a destructor, so that counting itself asks for no memory.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    // Gone only while its thread ends.
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

// SAFETY: an allocator cannot be had without `unsafe`. Every call goes unchanged to the system's,
// which keeps the contract; counting touches no memory but the thread's own counter.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The bytes that the shards of a world hold: those that are free when they are gone.
///
/// Where the environment names the number of its clients as `HOLD_PEERS`, the process ends here, so
/// that a heap profiler has what they hold by who asked for it.
pub fn by_shards(mut world: World) -> usize {
    let held = std::env::var("HOLD_PEERS").ok().and_then(|count| count.parse().ok());
    if held == Some(world.clients.len()) {
        std::mem::forget(world);
        std::process::exit(0)
    }
    let before = LIVE.get();
    world.shards.clear();
    usize::try_from(before - LIVE.get()).expect("they hold something")
}
