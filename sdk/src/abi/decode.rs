//! Strict decoding.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::AbiType;
use crate::{buffer::Buffer, utf8};

/// Data that is not the strict encoding of the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError;

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the data is not an ABI encoding of the expected types")
    }
}

impl core::error::Error for DecodeError {}

/// Bytes being read.
///
/// The first fault sticks: from then on words are zero and lengths are zero, so decoding ends soon, and
/// [`Decoder::finish`] reports it. That costs a contract fewer bytes than a `Result` at every step.
pub struct Decoder<'a> {
    data: &'a [u8],
    base: usize,
    head: usize,
    /// Bytes that may still be read. Parts that do not overlap never take more than there are.
    budget: usize,
    failed: bool,
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
        Self { data, base: 0, head: 0, budget: data.len(), failed: false }
    }

    /// Splits a call's input into its selector, if it has one, and its arguments.
    #[must_use]
    pub fn with_selector(input: &'a [u8]) -> (Option<u32>, Self) {
        match input.split_first_chunk::<4>() {
            Some((selector, arguments)) => (Some(u32::from_be_bytes(*selector)), Self::new(arguments)),
            None => (None, Self::new(&[])),
        }
    }

    /// Marks the data as bad.
    pub const fn fail(&mut self) {
        self.failed = true;
    }

    /// Marks the data as bad unless `good`.
    #[inline]
    pub const fn require(&mut self, good: bool) {
        self.failed |= !good;
    }

    /// Whether a fault was met.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failed
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn take(&mut self, length: usize) -> &'a [u8] {
        let data: &'a [u8] = self.data;
        let taken = self.head.checked_add(length).and_then(|end| data.get(self.head..end));
        match taken {
            Some(bytes) if !self.failed && length <= self.budget => {
                self.budget -= length;
                self.head += length;
                bytes
            }
            _ => {
                self.failed = true;
                &[]
            }
        }
    }

    /// Reads one word from the head.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn word(&mut self) -> [u8; 32] {
        let mut word = [0; 32];
        if let Some(bytes) = self.take(32).first_chunk::<32>() {
            word = *bytes;
        }
        word
    }

    /// Reads an unsigned number of at most `bytes` (up to 16) bytes.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn unsigned(&mut self, bytes: usize) -> u128 {
        let word = self.word();
        let number = match word.split_last_chunk::<16>() {
            Some((_, low)) => u128::from_be_bytes(*low),
            None => 0,
        };
        let clean = word.iter().take(32 - bytes).all(|byte| *byte == 0);
        self.require(clean);
        number
    }

    /// Reads a signed number of at most `bytes` (up to 16) bytes.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn signed(&mut self, bytes: usize) -> i128 {
        let word = self.word();
        let number = match word.split_last_chunk::<16>() {
            Some((_, low)) => i128::from_be_bytes(*low),
            None => 0,
        };
        let sign = if number < 0 { 0xff } else { 0 };
        let clean = word.iter().take(32 - bytes).all(|byte| *byte == sign);
        let narrow = (number >> (8 * bytes - 1)) == if number < 0 { -1 } else { 0 };
        self.require(clean && narrow);
        number
    }

    /// Reads a length or an offset, which is never more than the data's length.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn size(&mut self) -> usize {
        let word = self.word();
        if let Some((high, low)) = word.split_last_chunk::<4>()
            && high.iter().all(|byte| *byte == 0)
        {
            let number = u32::from_be_bytes(*low) as usize;
            if number <= self.data.len() && !self.failed {
                return number;
            }
        }
        self.failed = true;
        0
    }

    /// Follows the offset in the head to a tail. Offsets inside count from its start.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn enter(&mut self) -> Resume {
        let offset = self.size();
        let resume = Resume { base: self.base, head: self.head };
        // Both are at most the data's length, so the sum cannot wrap; reading checks it.
        self.base = self.base.saturating_add(offset);
        self.head = self.base;
        resume
    }

    /// Follows the offset in the head to an array and reads its length; its elements' heads take `element` bytes each.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn enter_array(&mut self, element: usize) -> (Resume, usize) {
        let resume = self.enter();
        let mut length = self.size();
        self.base = self.head;
        let left = self.data.len().saturating_sub(self.head).min(self.budget);
        // Checked before anything is allocated for the elements.
        if self.failed || length.checked_mul(element).is_none_or(|size| size > left) {
            self.failed = true;
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
        let resume = self.enter();
        let length = self.size();
        let taken = self.take(length);
        let mut bytes = Buffer::new(taken.len());
        bytes.extend(taken);
        self.leave(resume);
        bytes.into_vec()
    }

    /// Reads `string`, which must be UTF-8.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn string(&mut self) -> String {
        let text = utf8::text(self.bytes());
        self.require(text.is_some());
        text.unwrap_or_default()
    }

    /// The decoded value, unless a fault was met. Bytes behind the last part are allowed, as in Solidity.
    ///
    /// # Errors
    /// [`DecodeError`] if anything was wrong.
    pub fn finish<T>(self, value: T) -> Result<T, DecodeError> {
        if self.failed { Err(DecodeError) } else { Ok(value) }
    }
}

/// Decodes a single value encoded as the only member of a tuple: `abi.decode(data, (T))`.
///
/// # Errors
/// [`DecodeError`] if `data` is not a strict encoding.
pub fn decode<T: AbiType>(data: &[u8]) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(data);
    let value = T::decode(&mut decoder);
    decoder.finish(value)
}
