//! Four messages at a time, with AVX2.

#![allow(unsafe_code, reason = "vector instructions and gathering loads from checked places")]

use std::arch::x86_64::*;

use super::permutation::{Lanes, permute};
use super::{Message, RATE, RATE_WORDS};

/// Messages hashed at a time.
pub(super) const LANES: usize = 4;

/// A vector, made only inside functions that run after the processor was asked for AVX2.
#[derive(Clone, Copy)]
struct Words(__m256i);

// SAFETY (all methods): a `Words` exists only where the processor has AVX2, and no method touches memory.
impl Lanes for Words {
    #[inline(always)]
    fn splat(word: u64) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_set1_epi64x(word.cast_signed()) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate<const BITS: i32>(self) -> Self {
        // SAFETY: see above. Shifts by 64 give zero.
        unsafe {
            let left = _mm256_sll_epi64(self.0, _mm_cvtsi32_si128(BITS));
            let right = _mm256_srl_epi64(self.0, _mm_cvtsi32_si128(64 - BITS));
            Self(_mm256_or_si256(left, right))
        }
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm256_xor_si256(self.0, _mm256_andnot_si256(b.0, c.0))) }
    }
}

/// The digests of padded messages.
///
/// # Panics
/// If the processor lacks AVX2 or a message does not lie inside `buffer`.
pub(super) fn hash(buffer: &[u8], messages: &[Message; LANES]) -> [[u8; 32]; LANES] {
    assert!(std::arch::is_x86_feature_detected!("avx2"), "the caller chose an engine that the processor has");
    assert!(messages.iter().all(|message| message.lies_in(buffer)), "messages lie inside their buffer");
    // SAFETY: the processor has the feature and all loads stay inside the buffer, both asserted above.
    unsafe { hash_lanes(buffer, messages) }
}

/// # Safety
/// The processor has AVX2 and every message lies inside `buffer`.
#[target_feature(enable = "avx2")]
unsafe fn hash_lanes(buffer: &[u8], messages: &[Message; LANES]) -> [[u8; 32]; LANES] {
    let mut state = [Words::splat(0); 25];
    let mut digests = [[0; 32]; LANES];
    let longest = messages.iter().map(|message| message.blocks).max().unwrap_or(0);
    for block in 0..longest {
        // A lane whose message has ended absorbs its last block again: its digest has been taken.
        let starts = messages.map(|message| message.start + block.min(message.blocks - 1) * RATE);
        for (word, lanes) in state.iter_mut().take(RATE_WORDS).enumerate() {
            let words = starts.map(|start| {
                // SAFETY: the block lies inside the buffer by this function's contract, so do its 17 words.
                unsafe { buffer.as_ptr().add(start + 8 * word).cast::<u64>().read_unaligned().cast_signed() }
            });
            *lanes = lanes.xor(Words(_mm256_set_epi64x(words[3], words[2], words[1], words[0])));
        }
        permute(&mut state);
        if messages.iter().any(|message| message.blocks == block + 1) {
            take_digests(&state, messages, block + 1, &mut digests);
        }
    }
    digests
}

/// Takes the digests of the messages that have so many blocks.
#[target_feature(enable = "avx2")]
fn take_digests(state: &[Words; 25], messages: &[Message; LANES], blocks: usize, digests: &mut [[u8; 32]; LANES]) {
    for (word, lanes) in state.iter().take(4).enumerate() {
        let mut words = [0u64; LANES];
        // SAFETY: the array is as large as the vector, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), lanes.0) };
        for lane in (0..LANES).filter(|lane| messages[*lane].blocks == blocks) {
            digests[lane][8 * word..8 * word + 8].copy_from_slice(&words[lane].to_le_bytes());
        }
    }
}
