//! SHA-256 and RIPEMD-160.

use ripemd::Ripemd160;

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
        // FIPS 180-4's example.
        assert_eq!(sha256(b"abc").to_vec(), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        // The digests of the function's authors.
        assert_eq!(ripemd160(b"").to_vec(), hex("9c1185a5c5e9fc54612808977ee8f548b2258d31"));
        assert_eq!(ripemd160(b"abc").to_vec(), hex("8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"));
    }
}
