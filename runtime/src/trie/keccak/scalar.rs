//! One message at a time, on any processor.

use super::permutation::{Lanes, permute};
use super::{Message, RATE};

impl Lanes for u64 {
    #[inline(always)]
    fn splat(word: u64) -> Self {
        word
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }

    #[inline(always)]
    fn rotate<const BITS: i32>(self) -> Self {
        self.rotate_left(BITS as u32)
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        self ^ (!b & c)
    }
}

/// The digest of a padded message.
pub(super) fn hash(buffer: &[u8], message: Message) -> [u8; 32] {
    let mut state = [0u64; 25];
    for block in buffer[message.start..message.start + message.blocks * RATE].chunks_exact(RATE) {
        for (word, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
            *word ^= u64::from_le_bytes(*bytes);
        }
        permute(&mut state);
    }
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}
