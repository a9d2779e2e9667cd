//! Four messages at a time, with AVX2.

#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;

use super::Message;
use super::lanes::{self, Gather};
use super::permutation::Lanes;

/// Messages hashed at a time.
pub(super) const LANES: usize = 4;

/// A vector, made only inside functions that run after the processor was asked for AVX2.
#[derive(Clone, Copy)]
struct Words(__m256i);

// SAFETY (all methods): a `Words` exists only where the processor has AVX2, and its methods touch no memory but their own.
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

impl Gather<LANES> for Words {
    #[inline(always)]
    fn from_words(words: [u64; LANES]) -> Self {
        let word = |lane: usize| words[lane].cast_signed();
        // SAFETY: see above.
        Self(unsafe { _mm256_set_epi64x(word(3), word(2), word(1), word(0)) })
    }

    #[inline(always)]
    fn words(self) -> [u64; LANES] {
        let mut words = [0; LANES];
        // SAFETY: the array is as large as the vector, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) };
        words
    }
}

/// The digests of padded messages.
///
/// # Panics
/// If the processor lacks AVX2 or a message does not lie inside `buffer`.
pub(super) fn hash(buffer: &[u8], messages: &[Message; LANES]) -> [[u8; 32]; LANES] {
    assert!(std::arch::is_x86_feature_detected!("avx2"), "the caller chose an engine that the processor has");
    assert!(messages.iter().all(|message| message.lies_in(buffer)), "messages lie inside their buffer");
    // SAFETY: the processor has the feature and the messages lie inside the buffer, both asserted above.
    unsafe { hash_lanes(buffer, messages) }
}

/// # Safety
/// The processor has AVX2 and every message lies inside `buffer`.
#[target_feature(enable = "avx2")]
unsafe fn hash_lanes(buffer: &[u8], messages: &[Message; LANES]) -> [[u8; 32]; LANES] {
    // SAFETY: this function's own contract.
    unsafe { lanes::hash::<Words, LANES>(buffer, messages) }
}
