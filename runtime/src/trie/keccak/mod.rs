//! Keccak-256 of many messages at once.
//!
//! Trie nodes are short and independent, so several share one permutation, a message a lane: eight with AVX-512, four
//! with AVX2, one elsewhere. Which of them runs is decided by the processor at run time and cannot change a digest.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod permutation;
mod scalar;

/// Bytes that one permutation absorbs.
pub const RATE: usize = 136;

/// Words of 64 bits that one permutation absorbs.
const RATE_WORDS: usize = RATE / 8;

/// Number of blocks (of [`RATE`] bytes) of a padded message of so many bytes.
pub fn blocks(bytes: usize) -> usize {
    bytes / RATE + 1
}

/// A padded message inside a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    start: usize,
    blocks: usize,
}

impl Message {
    /// Pads the message that reaches from `start` to the end of `buffer` to whole blocks.
    pub fn pad(buffer: &mut Vec<u8>, start: usize) -> Self {
        let blocks = blocks(buffer.len() - start);
        buffer.push(0x01);
        buffer.resize(start + blocks * RATE, 0);
        if let Some(last) = buffer.last_mut() {
            *last |= 0x80;
        }
        Self { start, blocks }
    }

    /// Checks what the lanes rely on: every block of the message lies inside the buffer.
    fn lies_in(&self, buffer: &[u8]) -> bool {
        self.blocks > 0
            && self
                .blocks
                .checked_mul(RATE)
                .and_then(|bytes| bytes.checked_add(self.start))
                .is_some_and(|end| end <= buffer.len())
    }
}

/// How messages are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Eight lanes.
    Avx512,
    /// Four lanes.
    Avx2,
    /// One message after the other.
    Scalar,
}

impl Engine {
    /// The widest that this processor has.
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// All that this processor has, widest first.
    pub fn available() -> Vec<Self> {
        let mut engines = Vec::with_capacity(3);
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                engines.push(Self::Avx512);
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                engines.push(Self::Avx2);
            }
        }
        engines.push(Self::Scalar);
        engines
    }
}

/// Hashes all messages with the widest engine; calls `digest` with each one's index and hash, in no fixed order.
///
/// # Panics
/// If a message does not lie inside `buffer`.
pub fn hash_messages(buffer: &[u8], messages: &[Message], digest: impl FnMut(usize, [u8; 32])) {
    hash_messages_with(Engine::best(), buffer, messages, digest);
}

/// As [`hash_messages`], with the engine named; one that the processor lacks is replaced by [`Engine::Scalar`].
///
/// # Panics
/// As [`hash_messages`].
pub fn hash_messages_with(
    engine: Engine,
    buffer: &[u8],
    messages: &[Message],
    mut digest: impl FnMut(usize, [u8; 32]),
) {
    assert!(messages.iter().all(|message| message.lies_in(buffer)), "messages lie inside their buffer");
    let engine = if Engine::available().contains(&engine) { engine } else { Engine::Scalar };
    let mut order: Vec<u32> = (0..messages.len() as u32).collect();
    // Lanes of one length finish together.
    order.sort_by_key(|index| messages[*index as usize].blocks);
    match engine {
        #[cfg(target_arch = "x86_64")]
        Engine::Avx512 => in_lanes::<{ avx512::LANES }>(buffer, messages, &order, &mut digest, avx512::hash),
        #[cfg(target_arch = "x86_64")]
        Engine::Avx2 => in_lanes::<{ avx2::LANES }>(buffer, messages, &order, &mut digest, avx2::hash),
        _ => {
            for index in order {
                digest(index as usize, scalar::hash(buffer, messages[index as usize]));
            }
        }
    }
}

/// Keccak-256 of one message.
pub fn hash(message: &[u8]) -> [u8; 32] {
    esker_vm::crypto::keccak256(message)
}

/// Keccak-256 of each of these messages.
pub fn hash_each<M: AsRef<[u8]>>(messages: impl Iterator<Item = M>) -> Vec<alloy_primitives::B256> {
    let mut buffer = Vec::new();
    let mut padded = Vec::new();
    for message in messages {
        let start = buffer.len();
        buffer.extend_from_slice(message.as_ref());
        padded.push(Message::pad(&mut buffer, start));
    }
    let mut hashes = vec![alloy_primitives::B256::ZERO; padded.len()];
    hash_messages(&buffer, &padded, |index, hash| hashes[index] = hash.into());
    hashes
}

/// Hashes `LANES` messages at a time; one that is left alone goes the scalar way.
#[cfg(target_arch = "x86_64")]
fn in_lanes<const LANES: usize>(
    buffer: &[u8],
    messages: &[Message],
    order: &[u32],
    digest: &mut impl FnMut(usize, [u8; 32]),
    hash: impl Fn(&[u8], &[Message; LANES]) -> [[u8; 32]; LANES],
) {
    for group in order.chunks(LANES) {
        if let [index] = group {
            digest(*index as usize, scalar::hash(buffer, messages[*index as usize]));
            continue;
        }
        // Lanes without a message of their own repeat the first one.
        let mut lanes = [messages[group[0] as usize]; LANES];
        for (lane, index) in lanes.iter_mut().zip(group) {
            *lane = messages[*index as usize];
        }
        for (index, hash) in group.iter().zip(hash(buffer, &lanes)) {
            digest(*index as usize, hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use sha3::{Digest, Keccak256};

    use super::*;

    fn bytes(length: usize, seed: u8) -> Vec<u8> {
        (0..length).map(|i| (i as u8).wrapping_mul(31) ^ (i >> 8) as u8 ^ seed).collect()
    }

    #[test]
    fn every_engine_agrees_with_sha3_on_every_length_around_block_borders() {
        let lengths: Vec<usize> = (0..300).chain(530..550).chain([1000, 4096]).collect();
        for engine in Engine::available() {
            let mut buffer = Vec::new();
            let mut messages = Vec::new();
            let mut expected = Vec::new();
            for (index, length) in lengths.iter().enumerate() {
                let message = bytes(*length, index as u8);
                let start = buffer.len();
                buffer.extend_from_slice(&message);
                messages.push(Message::pad(&mut buffer, start));
                expected.push(<[u8; 32]>::from(Keccak256::digest(&message)));
            }
            let mut seen = vec![None; lengths.len()];
            hash_messages_with(engine, &buffer, &messages, |index, hash| {
                assert!(seen[index].replace(hash).is_none(), "{engine:?} hashed message {index} twice");
            });
            for (index, expected) in expected.into_iter().enumerate() {
                assert_eq!(seen[index], Some(expected), "{engine:?}, {} bytes", lengths[index]);
            }
        }
    }

    #[test]
    fn every_number_of_messages_fills_the_lanes_rightly() {
        for engine in Engine::available() {
            for count in 0..20 {
                let mut buffer = Vec::new();
                let mut messages = Vec::new();
                for index in 0..count {
                    let start = buffer.len();
                    buffer.extend_from_slice(&bytes(100 * (index % 3) + index, index as u8));
                    messages.push(Message::pad(&mut buffer, start));
                }
                let mut seen = 0;
                hash_messages_with(engine, &buffer, &messages, |index, digest| {
                    let message = bytes(100 * (index % 3) + index, index as u8);
                    assert_eq!(digest, <[u8; 32]>::from(Keccak256::digest(message)), "{engine:?}, {index} of {count}");
                    seen += 1;
                });
                assert_eq!(seen, count);
            }
        }
    }

    #[test]
    #[should_panic(expected = "messages lie inside their buffer")]
    fn a_message_outside_its_buffer_is_refused() {
        let mut buffer = Vec::new();
        let message = Message::pad(&mut buffer, 0);
        hash_messages(&buffer[..RATE - 1], &[message], |_, _| {});
    }
}
