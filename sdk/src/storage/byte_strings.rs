//! `string` and `bytes`.

use alloc::{string::String, vec::Vec};

use super::{Layout, Place, Size, Slot, StorageType};
use crate::{Authority, Panic, U256, buffer::Buffer, utf8, words};

/// Solidity's `bytes`. Up to 31 bytes lie in the slot itself with twice the length in its lowest byte; more lie from the
/// slot's hash on, with twice the length plus one in the slot.
pub struct Blob {
    slot: Slot,
}

/// Solidity's `string`: a [`Blob`] that holds UTF-8.
pub struct Text {
    bytes: Blob,
}

impl StorageType for Blob {
    const SIZE: Size = Size::slots(1);
    const LAYOUT: &'static Layout = &Layout::Bytes;
    fn open(place: Place, _: &Authority) -> Self {
        Self { slot: place.slot }
    }
    #[cfg(not(target_arch = "wasm32"))]
    fn lies_at(&self, place: &Place) -> bool {
        self.slot == place.slot
    }
    fn clear(&mut self) {
        self.set(&[]);
    }
}

/// How many slots a string that does not fit in its own takes.
fn chunks(length: usize) -> usize {
    if length < 32 { 0 } else { length.div_ceil(32) }
}

impl Blob {
    /// The length that the slot's word, which goes to `word`, tells.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn read_slot(&self, word: &mut [u8; 32]) -> usize {
        *word = self.slot.load();
        let tag = word[31];
        if tag & 1 == 0 && tag < 64 {
            return usize::from(tag / 2);
        }
        let length = U256::from_be_bytes(*word).to_usize().unwrap_or_default() >> 1;
        if tag & 1 == 1 && length > 31 {
            return length;
        }
        Panic::StorageEncoding.raise()
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read_slot(&mut [0; 32])
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes.
    ///
    /// # Panics
    /// Reverts with `Panic(0x22)` if the slot holds no encoding that Solidity knows.
    #[must_use]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn get(&self) -> Vec<u8> {
        let mut word = [0; 32];
        let length = self.read_slot(&mut word);
        let mut bytes = Buffer::empty();
        if length < 32 {
            bytes.extend(&word);
        } else {
            let contents = self.slot.contents();
            for index in 0..chunks(length) {
                bytes.extend(&contents.offset(index as u64).load());
            }
        }
        bytes.truncate(length);
        bytes.into_vec()
    }

    /// Sets the bytes.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn set(&mut self, bytes: &[u8]) {
        let before = chunks(self.len());
        let now = chunks(bytes.len());
        let mut word = words::padded(bytes, 0);
        word[31] = (bytes.len() as u8) << 1;
        if before | now > 0 {
            let contents = self.slot.contents();
            let long = if now > 0 { bytes } else { &[] };
            // What a longer string before left behind becomes zero.
            for index in 0..before.max(now) {
                contents.offset(index as u64).store(&words::padded(long, index));
            }
            if now > 0 {
                // Memory is far below 2^31 bytes.
                word = U256::from((bytes.len() as u64) << 1 | 1).to_be_bytes();
            }
        }
        self.slot.store(&word);
    }
}

impl StorageType for Text {
    const SIZE: Size = Size::slots(1);
    const LAYOUT: &'static Layout = &Layout::String;
    fn open(place: Place, authority: &Authority) -> Self {
        Self { bytes: Blob::open(place, authority) }
    }
    #[cfg(not(target_arch = "wasm32"))]
    fn lies_at(&self, place: &Place) -> bool {
        self.bytes.lies_at(place)
    }
    fn clear(&mut self) {
        self.bytes.clear();
    }
}

impl Text {
    /// The text.
    ///
    /// # Panics
    /// Reverts with `Panic(0x22)` if what lies there is not UTF-8, or no encoding that Solidity knows.
    #[must_use]
    pub fn get(&self) -> String {
        utf8::text(self.bytes.get(), || Panic::StorageEncoding.raise())
    }

    /// Sets the text.
    pub fn set(&mut self, text: &str) {
        self.bytes.set(text.as_bytes());
    }

    /// How many bytes the text has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
