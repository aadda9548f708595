//! Counts allocations.
#![allow(unsafe_code)] // the trait of allocators is unsafe

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// How many allocations there were.
pub(super) fn count() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

// Not `fetch_add`, whose lock prefix would make each allocation of a peer 5 ns dearer. What is
// counted runs on one thread.
fn allocated() {
    ALLOCATIONS.store(count() + 1, Ordering::Relaxed);
}

struct Counting;

// SAFETY: counts, and hands everything on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocated();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        allocated();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        allocated();
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}
