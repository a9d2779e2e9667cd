//! Keccak-f\[1600\] (FIPS 202) of one state, unrolled, with the processor's rotations and and-not where it has them.
//!
//! A contract's hashes come one at a time, each needing the one before, so they cannot share lanes.

/// The permutation's state: word x + 5 y stands in column x of row y.
pub type State = [u64; 25];

/// What each round adds to the first word (iota).
pub const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// One row of the new state: theta's column sums added, rho's rotations, pi's places, then chi along the row. The words
/// are named one by one: an array of them would be kept in memory.
macro_rules! row {
    ($a:ident, $d:ident, $out:ident, $y:literal: ($f0:literal, $c0:literal, $r0:literal), ($f1:literal, $c1:literal, $r1:literal),
     ($f2:literal, $c2:literal, $r2:literal), ($f3:literal, $c3:literal, $r3:literal), ($f4:literal, $c4:literal, $r4:literal)) => {
        let b0 = ($a[$f0] ^ $d[$c0]).rotate_left($r0);
        let b1 = ($a[$f1] ^ $d[$c1]).rotate_left($r1);
        let b2 = ($a[$f2] ^ $d[$c2]).rotate_left($r2);
        let b3 = ($a[$f3] ^ $d[$c3]).rotate_left($r3);
        let b4 = ($a[$f4] ^ $d[$c4]).rotate_left($r4);
        $out[5 * $y] = b0 ^ (!b1 & b2);
        $out[5 * $y + 1] = b1 ^ (!b2 & b3);
        $out[5 * $y + 2] = b2 ^ (!b3 & b4);
        $out[5 * $y + 3] = b3 ^ (!b4 & b0);
        $out[5 * $y + 4] = b4 ^ (!b0 & b1);
    };
}

/// One round from `a` to `out`.
#[inline(always)]
fn round(a: &State, out: &mut State, constant: u64) {
    let c = [
        a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20],
        a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21],
        a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22],
        a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23],
        a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24],
    ];
    let d = [
        c[4] ^ c[1].rotate_left(1),
        c[0] ^ c[2].rotate_left(1),
        c[1] ^ c[3].rotate_left(1),
        c[2] ^ c[4].rotate_left(1),
        c[3] ^ c[0].rotate_left(1),
    ];
    row!(a, d, out, 0: (0, 0, 0), (6, 1, 44), (12, 2, 43), (18, 3, 21), (24, 4, 14));
    row!(a, d, out, 1: (3, 3, 28), (9, 4, 20), (10, 0, 3), (16, 1, 45), (22, 2, 61));
    row!(a, d, out, 2: (1, 1, 1), (7, 2, 6), (13, 3, 25), (19, 4, 8), (20, 0, 18));
    row!(a, d, out, 3: (4, 4, 27), (5, 0, 36), (11, 1, 10), (17, 2, 15), (23, 3, 56));
    row!(a, d, out, 4: (2, 2, 62), (8, 3, 55), (14, 4, 39), (15, 0, 41), (21, 1, 2));
    out[0] ^= constant;
}

/// The 24 rounds, two at a time: the state moves to a second one and back, so no round copies it.
#[inline(always)]
fn rounds(state: &mut State) {
    let mut other = [0; 25];
    for pair in ROUNDS.as_chunks::<2>().0 {
        round(state, &mut other, pair[0]);
        round(&other, state, pair[1]);
    }
}

/// Applies the permutation.
#[allow(unsafe_code, reason = "instructions that not every processor has")]
pub fn keccak_f1600(state: &mut State) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("bmi1") && std::arch::is_x86_feature_detected!("bmi2") {
        // SAFETY: the processor has both features.
        return unsafe { rounds_bmi(state) };
    }
    rounds(state);
}

/// The same rounds compiled for processors with `andn` and `rorx`: a third faster.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2")]
fn rounds_bmi(state: &mut State) {
    rounds(state);
}

/// Bytes that one permutation absorbs for a digest of 256 bits.
const RATE: usize = 136;

fn absorb(state: &mut State, block: &[u8; RATE]) {
    for (word, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
        *word ^= u64::from_le_bytes(*bytes);
    }
    keccak_f1600(state);
}

/// Keccak-256 with Ethereum's padding (not FIPS 202's SHA3-256). Yellow Paper, section 3.
#[must_use]
pub fn keccak256(data: &[u8]) -> [u8; 32] {
    let mut state = [0; 25];
    let (blocks, rest) = data.as_chunks::<RATE>();
    for block in blocks {
        absorb(&mut state, block);
    }
    let mut last = [0; RATE];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x01;
    last[RATE - 1] |= 0x80;
    absorb(&mut state, &last);
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use sha3::{Digest as _, Keccak256};

    use super::*;
    use crate::crypto::signature::tests::hex;

    #[test]
    fn digests_are_the_published_ones() {
        assert_eq!(keccak256(b"").to_vec(), hex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"));
        assert_eq!(
            keccak256(b"Transfer(address,address,uint256)").to_vec(),
            hex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
        );
    }

    #[test]
    fn digests_are_those_of_an_independent_implementation_at_every_length_of_some_blocks() {
        let data: Vec<u8> = (0..600u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for len in 0..data.len() {
            assert_eq!(keccak256(&data[..len]), <[u8; 32]>::from(Keccak256::digest(&data[..len])), "length {len}");
        }
    }

    #[test]
    fn every_processor_permutes_alike() {
        let mut plain: State = std::array::from_fn(|index| (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut fast = plain;
        for step in 0..1_000 {
            rounds(&mut plain);
            keccak_f1600(&mut fast);
            assert_eq!(plain, fast, "after {step} permutations");
        }
    }
}
