//! Eight messages at a time, with AVX-512.

#![allow(unsafe_code, reason = "vector instructions")]

use std::arch::x86_64::*;

use super::Message;
use super::lanes::{self, Gather};
use super::permutation::Lanes;

/// Messages hashed at a time.
pub(super) const LANES: usize = 8;

/// A vector, made only inside functions that run after the processor was asked for AVX-512.
#[derive(Clone, Copy)]
struct Words(__m512i);

// SAFETY (all methods): a `Words` exists only where the processor has AVX-512, and its methods touch no memory but their own.
impl Lanes for Words {
    #[inline(always)]
    fn splat(word: u64) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_set1_epi64(word.cast_signed()) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate<const BITS: i32>(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_rol_epi64::<BITS>(self.0) })
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        // The truth table of a ^ (!b & c).
        // SAFETY: see above.
        Self(unsafe { _mm512_ternarylogic_epi64::<0xd2>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn xor5(self, b: Self, c: Self, d: Self, e: Self) -> Self {
        // 0x96 is the truth table of a ^ b ^ c.
        // SAFETY: see above.
        unsafe {
            let abc = _mm512_ternarylogic_epi64::<0x96>(self.0, b.0, c.0);
            Self(_mm512_ternarylogic_epi64::<0x96>(abc, d.0, e.0))
        }
    }
}

impl Gather<LANES> for Words {
    #[inline(always)]
    fn from_words(words: [u64; LANES]) -> Self {
        let word = |lane: usize| words[lane].cast_signed();
        // SAFETY: see above.
        Self(unsafe { _mm512_set_epi64(word(7), word(6), word(5), word(4), word(3), word(2), word(1), word(0)) })
    }

    #[inline(always)]
    fn words(self) -> [u64; LANES] {
        let mut words = [0; LANES];
        // SAFETY: the array is as large as the vector, and the store needs no alignment.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) };
        words
    }
}

/// The digests of padded messages.
///
/// # Panics
/// If the processor lacks AVX-512 or a message does not lie inside `buffer`.
pub(super) fn hash(buffer: &[u8], messages: &[Message; LANES]) -> [[u8; 32]; LANES] {
    assert!(std::arch::is_x86_feature_detected!("avx512f"), "the caller chose an engine that the processor has");
    assert!(messages.iter().all(|message| message.lies_in(buffer)), "messages lie inside their buffer");
    // SAFETY: the processor has the feature and the messages lie inside the buffer, both asserted above.
    unsafe { hash_lanes(buffer, messages) }
}

/// # Safety
/// The processor has AVX-512 and every message lies inside `buffer`.
#[target_feature(enable = "avx512f")]
unsafe fn hash_lanes(buffer: &[u8], messages: &[Message; LANES]) -> [[u8; 32]; LANES] {
    // SAFETY: this function's own contract.
    unsafe { lanes::hash::<Words, LANES>(buffer, messages) }
}
