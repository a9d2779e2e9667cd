//! One message at a time, on any processor.

use esker_vm::crypto::keccak_f1600;

use super::{Message, RATE};

/// The digest of a padded message.
pub(super) fn hash(buffer: &[u8], message: Message) -> [u8; 32] {
    let mut state = [0u64; 25];
    for block in buffer[message.start..message.start + message.blocks * RATE].chunks_exact(RATE) {
        for (word, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
            *word ^= u64::from_le_bytes(*bytes);
        }
        keccak_f1600(&mut state);
    }
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}
