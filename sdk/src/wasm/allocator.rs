//! A bump allocator. A frame's memory goes with its instance, so nothing is ever freed; only the last allocation can grow
//! in place or be given back.
#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32::{memory_grow, memory_size},
    cell::Cell,
};

const PAGE: usize = 65_536;

struct Bump {
    /// First byte that is not handed out; zero before the first allocation.
    next: Cell<usize>,
}

// SAFETY: a contract's module has one thread.
unsafe impl Sync for Bump {}

#[global_allocator]
static ALLOCATOR: Bump = Bump { next: Cell::new(0) };

unsafe extern "C" {
    /// The first byte behind stack and data. The linker places it.
    static __heap_base: u8;
}

impl Bump {
    /// Takes everything up to `end`, growing the memory if need be. Says whether there was enough.
    fn reach(&self, end: usize) -> bool {
        let pages = end.div_ceil(PAGE);
        let present = memory_size::<0>();
        if pages > present && memory_grow::<0>(pages - present) == usize::MAX {
            return false;
        }
        self.next.set(end);
        true
    }
}

// SAFETY: every block is carved from memory behind `__heap_base` that no other block overlaps, aligned as asked.
unsafe impl GlobalAlloc for Bump {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut start = self.next.get();
        if start == 0 {
            start = &raw const __heap_base as usize;
        }
        let aligned = start.wrapping_add(layout.align() - 1) & !(layout.align() - 1);
        match aligned.checked_add(layout.size()) {
            Some(end) if aligned >= start && self.reach(end) => aligned as *mut u8,
            _ => core::ptr::null_mut(),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block as usize + layout.size() == self.next.get() {
            self.next.set(block as usize);
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let end = block as usize + layout.size();
        if end == self.next.get() {
            return match (block as usize).checked_add(size) {
                Some(end) if self.reach(end) => block,
                _ => core::ptr::null_mut(),
            };
        }
        // SAFETY: `layout`'s alignment with a size that the caller vouches for.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: the new block is fresh, both are at least this long.
            unsafe { core::ptr::copy_nonoverlapping(block, moved, layout.size().min(size)) };
        }
        moved
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same contract.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() {
            // Memory that was given back is not zero any more.
            // SAFETY: the block is this long.
            unsafe { core::ptr::write_bytes(block, 0, layout.size()) };
        }
        block
    }
}
