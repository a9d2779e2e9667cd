//! Hash functions.

use ripemd::Ripemd160;
use sha3::{Digest as _, Keccak256};

/// Keccak-256 with Ethereum's padding (not FIPS 202's SHA3-256). Yellow Paper, section 3.
#[must_use]
pub fn keccak256(data: &[u8]) -> [u8; 32] {
    Keccak256::digest(data).into()
}

/// SHA-256 (FIPS 180-4).
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(data).into()
}

/// RIPEMD-160.
#[must_use]
pub fn ripemd160(data: &[u8]) -> [u8; 20] {
    use sha2::Digest as _;
    Ripemd160::digest(data).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::signature::tests::hex;

    #[test]
    fn hashes_agree_with_published_digests() {
        assert_eq!(keccak256(b"").to_vec(), hex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"));
        assert_eq!(
            keccak256(b"Transfer(address,address,uint256)").to_vec(),
            hex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
        );
        // FIPS 180-4's example.
        assert_eq!(sha256(b"abc").to_vec(), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        // The digests of the function's authors.
        assert_eq!(ripemd160(b"").to_vec(), hex("9c1185a5c5e9fc54612808977ee8f548b2258d31"));
        assert_eq!(ripemd160(b"abc").to_vec(), hex("8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"));
    }

    #[test]
    fn keccak_agrees_with_an_independent_implementation_over_all_short_lengths() {
        let data: Vec<u8> = (0..600u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for len in 0..data.len() {
            assert_eq!(keccak256(&data[..len]), revm_precompile::primitives::keccak256(&data[..len]).0, "length {len}");
        }
    }
}
