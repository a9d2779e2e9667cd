//! Encoding in one pass: heads are reserved, tails are appended.

use alloc::vec::Vec;

use super::AbiType;
use crate::{U256, buffer::Buffer};

/// Bytes being written. Values go to the current tuple's head in order; dynamic ones leave an offset there and append.
pub struct Encoder {
    bytes: Buffer,
    base: usize,
    head: usize,
}

/// Where an [`Encoder`] continues after a nested part.
#[must_use = "leave with it"]
pub struct Resume {
    base: usize,
    head: usize,
}

impl Encoder {
    /// Starts with `prefix` (a selector, or nothing), which offsets do not count, and a head of `head_size` bytes.
    #[must_use]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn new(prefix: &[u8], head_size: usize) -> Self {
        let mut bytes = Buffer::empty();
        bytes.extend(prefix);
        bytes.extend_zeros(head_size);
        Self { bytes, base: prefix.len(), head: prefix.len() }
    }

    /// Starts with a selector, whose bytes are given in reverse, as the machine holds them, and a head of `size` bytes.
    #[must_use]
    pub fn with_reversed_selector(selector: u32, size: usize) -> Self {
        Self::new(&selector.to_le_bytes(), size)
    }

    /// Starts without a head.
    #[must_use]
    pub const fn empty() -> Self {
        Self { bytes: Buffer::empty(), base: 0, head: 0 }
    }

    /// Adds `size` bytes to a head that nothing is behind yet.
    pub fn reserve(&mut self, size: usize) {
        self.bytes.extend_zeros(size);
    }

    /// Writes one word to the head, or behind it if nothing is.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn word(&mut self, word: &[u8; 32]) {
        let at = self.head;
        self.head = at.wrapping_add(32);
        self.bytes.put(at, word);
    }

    /// Writes a number as one word to the head.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn number(&mut self, number: u64) {
        self.word(&U256::from(number).to_be_bytes());
    }

    /// Writes the offset of the end of the data to the head: what is appended next is the value's tail.
    fn offset(&mut self) {
        let end = self.bytes.len().max(self.head.wrapping_add(32));
        self.number(end.wrapping_sub(self.base) as u64);
    }

    /// Begins a tail whose parts' heads take `size` bytes. Offsets inside count from its start.
    pub fn enter(&mut self, size: usize) -> Resume {
        self.offset();
        self.open(size)
    }

    /// Begins an array's tail: its `length`, then `size` bytes of heads. Offsets inside count from behind the length.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn enter_array(&mut self, length: usize, size: usize) -> Resume {
        self.offset();
        let resume = self.open(32);
        self.number(length as u64);
        let _ = self.open(size);
        resume
    }

    fn open(&mut self, size: usize) -> Resume {
        let resume = Resume { base: self.base, head: self.head };
        self.base = self.bytes.len();
        self.head = self.base;
        self.bytes.extend_zeros(size);
        resume
    }

    /// Ends a tail.
    pub fn leave(&mut self, resume: Resume) {
        self.base = resume.base;
        self.head = resume.head;
    }

    /// Writes `bytes` or `string`: offset, length, the bytes padded to a multiple of 32.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.offset();
        let head = self.head;
        self.head = self.bytes.len();
        self.number(bytes.len() as u64);
        self.head = head;
        self.bytes.extend(bytes);
        self.bytes.extend_zeros(bytes.len().wrapping_neg() & 31);
    }

    /// What was written, for a look at it.
    pub(crate) fn look<T>(self, look: impl FnOnce(&[u8]) -> T) -> T {
        let seen = look(self.bytes.as_slice());
        self.bytes.release();
        seen
    }

    /// What was written, in front of the frame's end.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn last(&mut self) -> &[u8] {
        // Written to, so that the compiler has every caller pass the encoder, in two bytes, and not its parts in ten.
        self.head = 0;
        self.bytes.as_slice()
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes.into_vec()
    }
}

/// A value with an ABI encoding, owned or borrowed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Solidity ABI encoding",
    label = "not an ABI type",
    note = "ABI types are u8…u128, U256, Uint<N>, i8…i128, I256, Int<N>, bool, Address, FixedBytes<N>, Bytes, String, Vec<T>, [T; N], tuples, and structs and enums with #[derive(Abi)]"
)]
pub trait AbiEncode {
    /// Writes the value.
    fn encode(&self, encoder: &mut Encoder);
}

impl<T: AbiEncode + ?Sized> AbiEncode for &T {
    fn encode(&self, encoder: &mut Encoder) {
        (**self).encode(encoder);
    }
}

/// The encoding of a single value as the only member of a tuple: `abi.encode(value)`.
#[must_use]
pub fn encode<T: AbiType>(value: &T) -> Vec<u8> {
    let mut encoder = Encoder::new(&[], T::SHAPE.head_size());
    value.encode(&mut encoder);
    encoder.finish()
}
