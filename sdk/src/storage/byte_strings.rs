//! `string` and `bytes`.

use alloc::{string::String, vec::Vec};

use super::{Place, Size, Slot, StorageType};
use crate::{Panic, U256, buffer::Buffer, utf8};

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
    fn open(place: Place) -> Self {
        Self { slot: place.slot }
    }
    fn clear(&mut self) {
        self.set(&[]);
    }
}

fn chunks(length: usize) -> u64 {
    (length as u64).div_ceil(32)
}

impl Blob {
    /// The length, and the slot's word if the bytes lie in it.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn read_slot(&self) -> (usize, Option<[u8; 32]>) {
        let word = self.slot.load();
        let tag = word[31];
        if tag & 1 == 0 && tag < 64 {
            return (usize::from(tag / 2), Some(word));
        }
        let length = (U256::from_be_bytes(word) >> 1).to_usize();
        match length {
            Some(length) if tag & 1 == 1 && length > 31 => (length, None),
            _ => Panic::StorageEncoding.raise(),
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read_slot().0
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
        let (length, word) = self.read_slot();
        let mut bytes = Buffer::new(length.wrapping_add(31));
        match word {
            Some(word) => bytes.extend(&word),
            None => {
                let contents = self.slot.contents();
                for index in 0..chunks(length) {
                    bytes.extend(&contents.offset(index).load());
                }
            }
        }
        bytes.truncate(length);
        bytes.into_vec()
    }

    /// Sets the bytes.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn set(&mut self, bytes: &[u8]) {
        let (before, word) = self.read_slot();
        let used = if word.is_none() { chunks(before) } else { 0 };
        let mut cleared = 0;
        let contents = self.slot.contents();
        if bytes.len() < 32 {
            let mut word = padded(bytes);
            word[31] = bytes.len() as u8 * 2;
            self.slot.store(&word);
        } else {
            let tag = (U256::from(bytes.len()) << 1) | U256::ONE;
            self.slot.store(&tag.to_be_bytes());
            for chunk in bytes.chunks(32) {
                contents.offset(cleared).store(&padded(chunk));
                cleared += 1;
            }
        }
        // What a longer string before left behind.
        while cleared < used {
            contents.offset(cleared).store(&[0; 32]);
            cleared += 1;
        }
    }
}

/// At most 32 bytes with zeros behind them.
fn padded(bytes: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    if let Some(high) = word.get_mut(..bytes.len()) {
        high.copy_from_slice(bytes);
    }
    word
}

impl StorageType for Text {
    const SIZE: Size = Size::slots(1);
    fn open(place: Place) -> Self {
        Self { bytes: Blob::open(place) }
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
        utf8::text(self.bytes.get()).unwrap_or_else(|| Panic::StorageEncoding.raise())
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
