//! A growing byte buffer.
//!
//! Natively a vector. In wasm it asks the allocator itself: the standard library's growth brings code for formatting an
//! allocation failure, which never happens here, since the allocator ends the frame when memory runs out.

use alloc::vec::Vec;

/// Bytes that are appended to.
pub struct Buffer {
    bytes: Vec<u8>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Buffer {
    /// An empty buffer with room for `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends zeros.
    pub fn extend_zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the buffer manages its own memory")]
impl Buffer {
    /// An empty buffer with room for `capacity` bytes.
    #[inline(never)]
    pub fn new(capacity: usize) -> Self {
        let mut buffer = Self { bytes: Vec::new() };
        if capacity > 0 {
            buffer.reallocate(capacity);
        }
        buffer
    }

    /// Moves the bytes to a block of `capacity` bytes, which is more than there are now.
    fn reallocate(&mut self, capacity: usize) {
        let (length, old_capacity) = (self.bytes.len(), self.bytes.capacity());
        let old = core::mem::ManuallyDrop::new(core::mem::take(&mut self.bytes)).as_mut_ptr();
        let block = if old_capacity == 0 {
            crate::wasm::allocate(capacity)
        } else {
            crate::wasm::reallocate(old, old_capacity, capacity)
        };
        // SAFETY: the block comes from the global allocator with this capacity and the alignment of bytes, and its first
        // `length` bytes are those of the old block.
        self.bytes = unsafe { Vec::from_raw_parts(block, length, capacity) };
    }

    /// Makes room for `count` bytes more and returns where they go.
    #[inline(never)]
    fn reserve(&mut self, count: usize) -> *mut u8 {
        let length = self.bytes.len();
        // A sum beyond the address space makes the allocation fail.
        let needed = length.saturating_add(count);
        let capacity = self.bytes.capacity();
        if needed > capacity {
            self.reallocate(needed.max(capacity.saturating_mul(2)));
        }
        // SAFETY: the capacity is at least the length.
        unsafe { self.bytes.as_mut_ptr().add(length) }
    }

    /// Appends bytes.
    #[inline(never)]
    pub fn extend(&mut self, bytes: &[u8]) {
        let end = self.reserve(bytes.len());
        // SAFETY: `reserve` made room for that many bytes at `end`, in a block that `bytes` cannot overlap.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), end, bytes.len());
            self.bytes.set_len(self.bytes.len() + bytes.len());
        }
    }

    /// Appends zeros.
    #[inline(never)]
    pub fn extend_zeros(&mut self, count: usize) {
        let end = self.reserve(count);
        // SAFETY: `reserve` made room for that many bytes at `end`.
        unsafe {
            core::ptr::write_bytes(end, 0, count);
            self.bytes.set_len(self.bytes.len() + count);
        }
    }

    /// Makes a buffer of `length` bytes that `fill` writes, all of them.
    pub fn filled(length: usize, fill: impl FnOnce(*mut u8)) -> Self {
        let mut buffer = Self::new(length);
        fill(buffer.bytes.as_mut_ptr());
        // SAFETY: the capacity is at least `length`, and `fill` has written that many bytes.
        unsafe { buffer.bytes.set_len(length) };
        buffer
    }
}

impl Buffer {
    /// An empty buffer.
    pub const fn empty() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, to change.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Drops what is behind the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// The bytes as a vector.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }
}
