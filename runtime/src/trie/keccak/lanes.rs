//! Hashing several messages at a time, a message a lane, whatever the vectors are made of.

#![allow(unsafe_code, reason = "gathering loads from places that were checked")]

use super::permutation::{Lanes, permute};
use super::{Message, RATE, RATE_WORDS};

/// Vectors that can be filled from `LANES` messages and emptied again.
pub(super) trait Gather<const LANES: usize>: Lanes {
    fn from_words(words: [u64; LANES]) -> Self;
    fn words(self) -> [u64; LANES];
}

/// The digests of padded messages. Always inlined, so that it is compiled for the processor that its caller asked for.
///
/// # Safety
/// Every message lies inside `buffer`, and the processor has what `L` needs.
#[inline(always)]
pub(super) unsafe fn hash<L: Gather<LANES>, const LANES: usize>(
    buffer: &[u8],
    messages: &[Message; LANES],
) -> [[u8; 32]; LANES] {
    let mut state = [L::splat(0); 25];
    let mut digests = [[0; 32]; LANES];
    let longest = messages.iter().map(|message| message.blocks).max().unwrap_or(0);
    for block in 0..longest {
        // A lane whose message has ended absorbs its last block again: its digest has been taken.
        let starts = messages.map(|message| message.start + block.min(message.blocks - 1) * RATE);
        for (word, lanes) in state.iter_mut().take(RATE_WORDS).enumerate() {
            let words = starts.map(|start| {
                // SAFETY: the block lies inside the buffer by this function's contract, so do its 17 words.
                u64::from_le(unsafe { buffer.as_ptr().add(start + 8 * word).cast::<u64>().read_unaligned() })
            });
            *lanes = lanes.xor(L::from_words(words));
        }
        permute(&mut state);
        if messages.iter().any(|message| message.blocks == block + 1) {
            for (word, lanes) in state.iter().take(4).enumerate() {
                let words = lanes.words();
                for lane in (0..LANES).filter(|lane| messages[*lane].blocks == block + 1) {
                    digests[lane][8 * word..8 * word + 8].copy_from_slice(&words[lane].to_le_bytes());
                }
            }
        }
    }
    digests
}
