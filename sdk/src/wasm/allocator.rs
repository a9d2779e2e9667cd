//! A bump allocator. A frame's memory goes with its instance, so nothing is ever freed; only the last allocation can grow
//! in place or be given back.
#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32::{memory_grow, memory_size},
    cell::Cell,
};

use crate::{Panic, host};

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

impl Bump {
    /// A fresh block. Where there is no memory for it the frame ends here, so that what cannot happen needs no code.
    #[inline(never)]
    fn carve(&self, size: usize, align: usize) -> usize {
        let mut start = self.next.get();
        if start == 0 {
            start = &raw const __heap_base as usize;
        }
        let aligned = start.wrapping_add(align - 1) & !(align - 1);
        match aligned.checked_add(size) {
            Some(end) if aligned >= start && self.reach(end) => aligned,
            _ => out_of_memory(),
        }
    }

    /// Gives the block back if it is the last one.
    #[inline(never)]
    fn release(&self, block: usize, size: usize) {
        if block.wrapping_add(size) == self.next.get() {
            self.next.set(block);
        }
    }

    /// The block with another size: in place if it is the last one.
    #[inline(never)]
    fn resize(&self, block: *mut u8, old_size: usize, size: usize, align: usize) -> usize {
        let start = block as usize;
        if start.wrapping_add(old_size) == self.next.get() {
            return match start.checked_add(size) {
                Some(end) if self.reach(end) => start,
                _ => out_of_memory(),
            };
        }
        let moved = self.carve(size, align);
        // SAFETY: the new block is fresh, and both are at least this long.
        unsafe { core::ptr::copy_nonoverlapping(block, moved as *mut u8, old_size.min(size)) };
        moved
    }
}

/// Ends the frame with `Panic(0x41)`, whose encoding must not need memory of its own.
#[cold]
fn out_of_memory() -> ! {
    let mut data = [0; 36];
    data[..4].copy_from_slice(&crate::error::PANIC);
    data[35] = Panic::OutOfMemory as u8;
    host::revert(&data)
}

/// A block of `size` bytes.
pub fn allocate(size: usize) -> *mut u8 {
    block(ALLOCATOR.carve(size, 1))
}

/// A block of bytes, grown from `old_size` to `size`.
pub fn reallocate(old: *mut u8, old_size: usize, size: usize) -> *mut u8 {
    block(ALLOCATOR.resize(old, old_size, size, 1))
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
