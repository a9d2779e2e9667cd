//! Words of 32 bytes, natively: what `wasm/words.rs` does for contracts on the chain, in plain Rust.

/// Four limbs, the least significant first, as 32 bytes, the most significant first.
pub fn be_bytes(limbs: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (limb, chunk) in limbs.iter().rev().zip(bytes.as_chunks_mut::<8>().0) {
        *chunk = limb.to_be_bytes();
    }
    bytes
}

/// What [`be_bytes`] undoes.
pub fn limbs(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*chunk);
    }
    limbs
}

/// Adds `other` to `number`, or subtracts it with `minus`, modulo 2^256. Whether the result is another than that.
pub fn add(number: &mut [u64; 4], other: &[u64; 4], minus: bool) -> bool {
    let (a, b) = (primitive_types::U256(*number), primitive_types::U256(*other));
    let (result, overflows) = if minus { a.overflowing_sub(b) } else { a.overflowing_add(b) };
    *number = result.0;
    overflows
}

/// Multiplies `number` by `other`, modulo 2^256. Whether the result is another than that.
pub fn mul(number: &mut [u64; 4], other: &[u64; 4]) -> bool {
    let (product, overflows) = primitive_types::U256(*number).overflowing_mul(primitive_types::U256(*other));
    *number = product.0;
    overflows
}

/// Two words one after the other.
pub fn joined(first: &[u8; 32], second: &[u8; 32]) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(first);
    both[32..].copy_from_slice(second);
    both
}

/// 12 zero bytes, then these 20.
pub fn address(bytes: &[u8; 20]) -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(bytes);
    word
}

/// The `index`-th word of some bytes, with zeros behind their end.
pub fn padded(bytes: &[u8], index: usize) -> [u8; 32] {
    let mut word = [0; 32];
    let rest = bytes.get(index * 32..).unwrap_or_default();
    for (target, byte) in word.iter_mut().zip(rest) {
        *target = *byte;
    }
    word
}
