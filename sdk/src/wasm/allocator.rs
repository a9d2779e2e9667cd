//! A bump allocator. A frame's memory goes with its instance, so nothing is ever freed; only the last allocation can grow
//! in place or be given back.
#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32::{memory_grow, memory_size},
    cell::Cell,
    ptr::NonNull,
};

use crate::Panic;

const PAGE: usize = 65_536;

struct Bump {
    /// First byte that is not handed out.
    next: Cell<*const u8>,
}

// SAFETY: a contract's module has one thread.
unsafe impl Sync for Bump {}

#[global_allocator]
static ALLOCATOR: Bump = Bump { next: Cell::new(&raw const __heap_base) };

unsafe extern "C" {
    /// The first byte behind stack and data. The linker places it.
    static __heap_base: u8;
}

impl Bump {
    fn next(&self) -> usize {
        self.next.get() as usize
    }

    /// Takes `size` bytes from `start` on, growing the memory if need be. Where there is no memory for it the frame ends
    /// here, so that what cannot happen needs no code.
    #[inline(never)]
    fn take(&self, start: usize, size: usize) {
        let end = start.wrapping_add(size);
        let pages = end.div_ceil(PAGE);
        let present = memory_size::<0>();
        if end < start || pages > present && memory_grow::<0>(pages - present) == usize::MAX {
            Panic::OutOfMemory.raise()
        }
        self.next.set(end as *const u8);
    }

    /// A fresh block.
    #[inline(never)]
    fn carve(&self, size: usize, align: usize) -> usize {
        let mask = align.wrapping_sub(1);
        let start = self.next().wrapping_add(mask) & !mask;
        self.take(start, size);
        start
    }

    /// Gives the block back if it is the last one.
    #[inline(never)]
    fn release(&self, block: usize, size: usize) {
        if block.wrapping_add(size) == self.next() {
            self.next.set(block as *const u8);
        }
    }

    /// The block with another size: in place if it is the last one.
    #[inline(never)]
    fn resize(&self, block: *mut u8, old_size: usize, size: usize, align: usize) -> usize {
        let start = block as usize;
        if start.wrapping_add(old_size) == self.next() {
            self.take(start, size);
            return start;
        }
        let moved = self.carve(size, align);
        // SAFETY: the new block is fresh, and both are at least this long.
        unsafe { core::ptr::copy_nonoverlapping(block, moved as *mut u8, old_size.min(size)) };
        moved
    }
}

/// A block of bytes, grown from `old_size` to `size`; a new one if there was none, whatever its address.
pub fn reallocate(old: NonNull<u8>, old_size: usize, size: usize) -> NonNull<u8> {
    let block = block(ALLOCATOR.resize(old.as_ptr(), old_size, size, 1));
    // SAFETY: no block is at address zero.
    unsafe { NonNull::new_unchecked(block) }
}

/// Gives a block of bytes back if it is the last one.
pub fn release(block: NonNull<u8>, size: usize) {
    ALLOCATOR.release(block.as_ptr() as usize, size);
}

/// The address as a pointer, which the compiler may take to be no null pointer: `handle_alloc_error`, which formats its
/// message, is then never linked.
#[inline(always)]
fn block(address: usize) -> *mut u8 {
    // SAFETY: a block lies behind `__heap_base`, which is not zero.
    unsafe { core::hint::assert_unchecked(address != 0) };
    address as *mut u8
}

// SAFETY: every block is carved from memory behind `__heap_base` that no other block overlaps, aligned as asked.
unsafe impl GlobalAlloc for Bump {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        block(self.carve(layout.size(), layout.align()))
    }

    #[inline(always)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.release(block as usize, layout.size());
    }

    #[inline(always)]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        block(self.resize(old, layout.size(), size, layout.align()))
    }
}
