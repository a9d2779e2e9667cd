//! A growing byte buffer.
//!
//! Natively a vector. In wasm it asks the allocator itself: the standard library's growth brings code for formatting an
//! allocation failure, which never happens here, since the allocator ends the frame when memory runs out; and dropping a
//! vector takes code wherever one ends. A buffer is left where it is instead, or given back by [`Buffer::release`].

use alloc::vec::Vec;

/// Bytes that are appended to.
#[cfg(not(target_arch = "wasm32"))]
pub struct Buffer {
    bytes: Vec<u8>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Buffer {
    /// An empty buffer.
    pub const fn empty() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends zeros.
    pub fn extend_zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }

    /// Writes a word over what is behind the first `at` bytes, of which there are at least as many, and behind the end.
    pub fn put(&mut self, at: usize, word: &[u8; 32]) {
        self.bytes.resize(self.bytes.len().max(at + 32), 0);
        self.bytes[at..at + 32].copy_from_slice(word);
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Drops what is behind the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Gives the memory back.
    pub fn release(self) {}

    /// The bytes as a vector.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }
}

/// Bytes that are appended to.
#[cfg(target_arch = "wasm32")]
pub struct Buffer {
    /// The block from the allocator; any address while `capacity` is zero.
    block: core::ptr::NonNull<u8>,
    length: usize,
    capacity: usize,
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the buffer manages its own memory")]
impl Buffer {
    /// An empty buffer.
    pub const fn empty() -> Self {
        Self { block: core::ptr::NonNull::dangling(), length: 0, capacity: 0 }
    }

    /// Takes `count` bytes more, which the caller writes, and returns where they go.
    #[inline(never)]
    fn grow(&mut self, count: usize) -> *mut u8 {
        let length = self.length;
        // A sum beyond the address space makes the allocation fail.
        let needed = length.saturating_add(count);
        if needed > self.capacity {
            let capacity = needed.max(self.capacity.wrapping_mul(2));
            self.block = crate::wasm::reallocate(self.block, self.capacity, capacity);
            self.capacity = capacity;
        }
        self.length = needed;
        // SAFETY: the block has at least `needed` bytes.
        unsafe { self.block.as_ptr().add(length) }
    }

    /// Appends bytes.
    #[inline(never)]
    pub fn extend(&mut self, bytes: &[u8]) {
        let end = self.grow(bytes.len());
        // SAFETY: `grow` made room for that many bytes at `end`, in a block that `bytes` cannot overlap.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), end, bytes.len()) };
    }

    /// Appends zeros.
    #[inline(never)]
    pub fn extend_zeros(&mut self, count: usize) {
        let end = self.grow(count);
        // SAFETY: `grow` made room for that many bytes at `end`.
        unsafe { core::ptr::write_bytes(end, 0, count) };
    }

    /// Writes a word over what is behind the first `at` bytes, of which there are at least as many, and behind the end.
    pub fn put(&mut self, at: usize, word: &[u8; 32]) {
        // Memory is 4 GiB and begins with the stack: no index comes near its end.
        let end = at.wrapping_add(32);
        if end > self.length {
            let _ = self.grow(end.wrapping_sub(self.length));
        }
        // SAFETY: the block has at least `end` bytes, of which `word` is none: the buffer is borrowed mutably.
        unsafe { crate::wasm::words::copy(word.as_ptr(), self.block.as_ptr().add(at), 32) };
    }

    /// Makes a buffer of `length` bytes that `fill` writes, all of them.
    pub fn filled(length: usize, fill: impl FnOnce(*mut u8)) -> Self {
        let mut buffer = Self::empty();
        fill(buffer.grow(length));
        buffer
    }

    /// Bytes so far.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `length` bytes of the block are written.
        unsafe { core::slice::from_raw_parts(self.block.as_ptr(), self.length) }
    }

    /// Drops what is behind the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Gives the memory back, if nothing was taken after it.
    pub fn release(self) {
        crate::wasm::release(self.block, self.capacity);
    }

    /// The bytes as a vector.
    pub fn into_vec(self) -> Vec<u8> {
        // SAFETY: the block comes from the global allocator with this capacity and the alignment of bytes, or is what an
        // empty vector has; its first `length` bytes are written.
        unsafe { Vec::from_raw_parts(self.block.as_ptr(), self.length, self.capacity) }
    }
}
