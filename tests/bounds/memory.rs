//! An allocator that counts, for one question: how much memory does a call take at its peak?
//!
//! The one `unsafe` of the tests: only an allocator sees what is allocated, and its interface is
//! unsafe. It hands everything on to that of the system.

#![expect(unsafe_code, reason = "the interface of an allocator is unsafe")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are allocated now, by every thread.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// Most bytes that were allocated at once since the last look.
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The allocator of the system, counted.
#[derive(Debug)]
pub(crate) struct Counting;

// SAFETY: every call goes to the allocator of the system as it came, and so does its answer; the
// counters touch no memory that is allocated.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps to the terms of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps to the terms of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps to the terms of `dealloc`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        // Both may be there at once.
        grow(len);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps to the terms of `realloc`.
        unsafe { System.realloc(at, layout, len) }
    }
}

fn grow(len: usize) {
    let live = LIVE.fetch_add(len, Ordering::Relaxed) + len;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

/// Runs a call; returns its answer and how many bytes more than before were allocated at its peak.
pub(crate) fn peak_of<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let answer = call();
    let peak = PEAK.load(Ordering::Relaxed);
    (answer, peak.saturating_sub(before))
}
