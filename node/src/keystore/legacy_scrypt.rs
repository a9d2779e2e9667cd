//! scrypt (RFC 7914) for parameters that the RFC forbids and old keystores have: N of 2^(16 × r) and more.
//!
//! Ethereum's own test vectors hold such a file (N = 2^18, r = 1). Only reading uses this: what is written here has
//! parameters inside the RFC, and goes through the `scrypt` crate.

use sha2::Sha256;

/// Derives 32 bytes. `n` is a power of two of at least 2; 128 × `n` × `r` bytes of memory are used.
pub fn derive(password: &[u8], salt: &[u8], n: usize, r: usize, p: usize) -> [u8; 32] {
    let block_bytes = 128 * r;
    let mut blocks = vec![0; p * block_bytes];
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, 1, &mut blocks);
    for block in blocks.chunks_exact_mut(block_bytes) {
        let words: Vec<u32> = block.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let mixed = rom_mix(words, n);
        for (bytes, word) in block.as_chunks_mut::<4>().0.iter_mut().zip(mixed) {
            *bytes = word.to_le_bytes();
        }
    }
    let mut derived = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(password, &blocks, 1, &mut derived);
    derived
}

/// scryptROMix (RFC 7914, section 5).
fn rom_mix(mut block: Vec<u32>, n: usize) -> Vec<u32> {
    let words = block.len();
    let mut memory = Vec::with_capacity(n * words);
    for _ in 0..n {
        memory.extend_from_slice(&block);
        block = block_mix(&block);
    }
    for _ in 0..n {
        // Integerify: the last 64 bytes as a little-endian number; N is far below 2^32.
        let index = block[words - 16] as usize & (n - 1);
        for (word, other) in block.iter_mut().zip(&memory[index * words..][..words]) {
            *word ^= other;
        }
        block = block_mix(&block);
    }
    block
}

/// scryptBlockMix (section 4): even results first, then the odd ones.
fn block_mix(block: &[u32]) -> Vec<u32> {
    let (cells, _) = block.as_chunks::<16>();
    let mut state = cells[cells.len() - 1];
    let mut mixed = vec![0; block.len()];
    let half = cells.len() / 2;
    for (index, cell) in cells.iter().enumerate() {
        for (word, other) in state.iter_mut().zip(cell) {
            *word ^= other;
        }
        state = salsa20_8(state);
        let place = index / 2 + if index % 2 == 0 { 0 } else { half };
        mixed[place * 16..][..16].copy_from_slice(&state);
    }
    mixed
}

/// The Salsa20/8 core (section 3).
fn salsa20_8(input: [u32; 16]) -> [u32; 16] {
    /// Each row is a quarter round: four places in the matrix, first columns, then rows.
    const QUARTERS: [[usize; 4]; 8] = [
        [0, 4, 8, 12],
        [5, 9, 13, 1],
        [10, 14, 2, 6],
        [15, 3, 7, 11],
        [0, 1, 2, 3],
        [5, 6, 7, 4],
        [10, 11, 8, 9],
        [15, 12, 13, 14],
    ];
    let mut state = input;
    for _ in 0..4 {
        for [a, b, c, d] in QUARTERS {
            state[b] ^= state[a].wrapping_add(state[d]).rotate_left(7);
            state[c] ^= state[b].wrapping_add(state[a]).rotate_left(9);
            state[d] ^= state[c].wrapping_add(state[b]).rotate_left(13);
            state[a] ^= state[d].wrapping_add(state[c]).rotate_left(18);
        }
    }
    std::array::from_fn(|index| state[index].wrapping_add(input[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_crate_where_both_may_be_used() {
        for (log_n, r, p) in [(1, 1, 1), (4, 8, 1), (10, 1, 3), (6, 3, 2)] {
            let params = scrypt::Params::new(log_n, r, p, 32).expect("inside the RFC");
            let mut expected = [0; 32];
            scrypt::scrypt(b"password", b"salt", &params, &mut expected).expect("the length is right");
            assert_eq!(derive(b"password", b"salt", 1 << log_n, r as usize, p as usize), expected, "{log_n} {r} {p}");
        }
    }
}
