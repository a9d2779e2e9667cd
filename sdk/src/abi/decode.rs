//! Strict decoding.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::AbiType;
use crate::{
    Panic, U256,
    buffer::Buffer,
    contract::empty_revert,
    utf8::{self, is_zero},
};

/// Data that is not the strict encoding of the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError;

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the data is not an ABI encoding of the expected types")
    }
}

impl core::error::Error for DecodeError {}

/// What is wrong with data, in the two ways that Solidity's own decoder tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no strict encoding: a call with it reverts without data.
    Malformed,
    /// A length for which Solidity could not even reserve memory, whatever data follow: a call with it reverts with
    /// `Panic(0x41)`.
    TooLarge,
}

/// The longest `bytes` or `string` that Solidity's allocator takes: a word for the length and the bytes, padded, behind the
/// first free byte of its memory (0x80) must end below 2^64.
const BYTES_MAX: u64 = u64::MAX - 191;
/// The most elements of an array by the same rule: each takes a word in memory.
const ELEMENTS_MAX: u64 = (1 << 59) - 6;

/// Bytes being read.
///
/// The first fault sticks: from then on words are zero and lengths are zero, so decoding ends soon, and
/// [`Decoder::finish`] reports it. That costs a contract fewer bytes than a `Result` at every step.
pub struct Decoder<'a> {
    data: &'a [u8],
    base: usize,
    head: usize,
    /// Bytes that may still be read: none after a fault. Parts that do not overlap never take more than there are.
    budget: usize,
    fault: Option<Fault>,
}

/// The lower half of a word.
fn low_half(word: &[u8; 32]) -> u128 {
    let [low, high, ..] = U256::from_be_bytes(*word).limbs();
    u128::from(low) | u128::from(high) << 64
}

/// Where a [`Decoder`] continues after a nested part.
#[must_use = "leave with it"]
pub struct Resume {
    base: usize,
    head: usize,
}

impl<'a> Decoder<'a> {
    /// Reads a tuple that starts at the beginning of `data`.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, base: 0, head: 0, budget: data.len(), fault: None }
    }

    /// Splits a call's input into its selector, if it has one, and its arguments. The selector's bytes are in reverse, as
    /// the machine reads them: the constants it is compared with cost nothing to reverse.
    #[must_use]
    pub fn with_reversed_selector(input: &'a [u8]) -> (Option<u32>, Self) {
        match input.split_first_chunk::<4>() {
            Some((selector, arguments)) => (Some(u32::from_le_bytes(*selector)), Self::new(arguments)),
            None => (None, Self::new(&[])),
        }
    }

    /// Marks the data as malformed.
    pub const fn fail(&mut self) {
        self.fail_with(Fault::Malformed);
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    const fn fail_with(&mut self, fault: Fault) {
        if self.fault.is_none() {
            self.fault = Some(fault);
            self.budget = 0;
        }
    }

    /// Marks the data as malformed unless `good`.
    #[inline]
    pub const fn require(&mut self, good: bool) {
        if !good {
            self.fail();
        }
    }

    /// Marks the data as malformed unless the heads of a tuple, `size` bytes, can be here. Solidity looks at that before it
    /// reads the first of them.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub const fn expect(&mut self, size: usize) {
        self.require(size <= self.data.len().saturating_sub(self.head));
    }

    /// Whether a fault was met.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.fault.is_some()
    }

    /// The first fault that was met.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// For the dispatcher: reverts as Solidity does if the arguments have a fault.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn revert_on_fault(&self) {
        match self.fault {
            None => {}
            Some(Fault::Malformed) => empty_revert(),
            Some(Fault::TooLarge) => Panic::OutOfMemory.raise(),
        }
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn take(&mut self, length: usize) -> &'a [u8] {
        let data: &'a [u8] = self.data;
        let taken = self.head.checked_add(length).and_then(|end| data.get(self.head..end));
        match taken {
            Some(bytes) if length <= self.budget => {
                self.budget = self.budget.wrapping_sub(length);
                self.head = self.head.wrapping_add(length);
                bytes
            }
            _ => {
                self.fail();
                &[]
            }
        }
    }

    /// Reads one word from the head.
    pub fn word(&mut self) -> [u8; 32] {
        *self.word_here()
    }

    /// Reads one word from the head, where it lies.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub(crate) fn word_here(&mut self) -> &'a [u8; 32] {
        const ZERO: &[u8; 32] = &[0; 32];
        self.take(32).first_chunk().unwrap_or(ZERO)
    }

    /// Reads an unsigned number of at most `bytes` (up to 16) bytes.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn unsigned(&mut self, bytes: usize) -> u128 {
        let word = self.word_here();
        self.require(is_zero(word.get(..32usize.wrapping_sub(bytes)).unwrap_or_default()));
        low_half(word)
    }

    /// Reads a signed number of at most `bytes` (up to 16) bytes.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn signed(&mut self, bytes: usize) -> i128 {
        let word = self.word_here();
        // Every bit above the narrow type's sign bit equals it.
        let (high, low) = word.split_at_checked(32usize.wrapping_sub(bytes)).unwrap_or_default();
        let sign = if low.first().is_some_and(|byte| *byte >= 0x80) { 0xff } else { 0 };
        self.require(high.iter().all(|byte| *byte == sign));
        low_half(word) as i128
    }

    /// Reads a length or an offset, which is never more than the data's length. One above `most` is the fault `excess`.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn size(&mut self, most: u64, excess: Fault) -> usize {
        let word = self.word_here();
        let number = U256::from_be_bytes(*word).to_u64().unwrap_or(u64::MAX);
        if number > most {
            self.fail_with(excess);
        } else if number > self.data.len() as u64 {
            self.fail();
        }
        // A number up to the data's length is an index.
        if self.has_failed() { 0 } else { number as usize }
    }

    fn follow(&mut self) -> Resume {
        let offset = self.size(u64::MAX, Fault::Malformed);
        let resume = Resume { base: self.base, head: self.head };
        // Both are at most the data's length, so the sum cannot wrap; reading checks it.
        self.base = self.base.saturating_add(offset);
        self.head = self.base;
        resume
    }

    /// Follows the offset in the head to a tail whose parts' heads take `size` bytes. Offsets inside count from its start.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn enter(&mut self, size: usize) -> Resume {
        let resume = self.follow();
        self.expect(size);
        resume
    }

    /// Follows the offset in the head to an array and reads its length; its elements' heads take `element` bytes each.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn enter_array(&mut self, element: usize) -> (Resume, usize) {
        let resume = self.follow();
        let mut length = self.size(ELEMENTS_MAX, Fault::TooLarge);
        self.base = self.head;
        let left = self.data.len().saturating_sub(self.head).min(self.budget);
        // Checked before anything is allocated for the elements.
        if length.checked_mul(element).is_none_or(|size| size > left) {
            self.fail();
            length = 0;
        }
        (resume, length)
    }

    /// Ends a tail.
    pub const fn leave(&mut self, resume: Resume) {
        self.base = resume.base;
        self.head = resume.head;
    }

    /// Reads `bytes`.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn bytes(&mut self) -> Vec<u8> {
        let resume = self.follow();
        let length = self.size(BYTES_MAX, Fault::TooLarge);
        let taken = self.take(length);
        let mut bytes = Buffer::empty();
        bytes.extend(taken);
        self.leave(resume);
        bytes.into_vec()
    }

    /// Reads `string`, which must be UTF-8.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn string(&mut self) -> String {
        let bytes = self.bytes();
        utf8::text(bytes, || {
            self.fail();
            String::new()
        })
    }

    /// The decoded value, unless a fault was met. Bytes behind the last part are allowed, as in Solidity.
    ///
    /// # Errors
    /// [`DecodeError`] if anything was wrong.
    pub fn finish<T>(self, value: T) -> Result<T, DecodeError> {
        if self.has_failed() { Err(DecodeError) } else { Ok(value) }
    }
}

/// Decodes a single value encoded as the only member of a tuple: `abi.decode(data, (T))`.
///
/// # Errors
/// [`DecodeError`] if `data` is not a strict encoding.
pub fn decode<T: AbiType>(data: &[u8]) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(data);
    decoder.expect(T::SHAPE.head_size());
    let value = T::decode(&mut decoder);
    decoder.finish(value)
}
