//! The alt_bn128 curve (bn254): EIP-196 and EIP-197.
//!
//! Points are x ‖ y, 32 bytes big-endian each, (0, 0) being infinity; coordinates must be below the field's modulus.

use revm_precompile::bn254;

/// Bytes of one pair of the pairing check: a G1 point and a G2 point.
pub const PAIR_BYTES: usize = bn254::PAIR_ELEMENT_LEN;

/// Point addition (EIP-196). `None` if a point is invalid.
#[must_use]
pub fn add(input: &[u8; 128]) -> Option<[u8; 64]> {
    bn254::run_add(input, 0, 0).ok()?.bytes.as_ref().try_into().ok()
}

/// Scalar multiplication (EIP-196): point ‖ scalar. `None` if the point is invalid.
#[must_use]
pub fn mul(input: &[u8; 96]) -> Option<[u8; 64]> {
    bn254::run_mul(input, 0, 0).ok()?.bytes.as_ref().try_into().ok()
}

/// Pairing check (EIP-197) over pairs of [`PAIR_BYTES`]: whether the product is one; the empty product is. `None` if the
/// length is no multiple or a point is not on its curve or in its subgroup.
#[must_use]
pub fn pairing(input: &[u8]) -> Option<bool> {
    let output = bn254::run_pair(input, 0, 0, 0).ok()?;
    output.bytes.last().map(|byte| *byte == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::signature::tests::{bytes, hex};

    /// The generator (1, 2).
    fn generator() -> Vec<u8> {
        let mut point = vec![0u8; 64];
        (point[31], point[63]) = (1, 2);
        point
    }

    /// 2 × (1, 2), from EIP-196's discussions and every implementation's tests.
    const TWICE: &str = "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3\
                         15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4";

    #[test]
    fn addition_and_multiplication_agree_on_twice_the_generator() {
        let both: [u8; 128] = [generator(), generator()].concat().try_into().expect("two points");
        assert_eq!(add(&both), Some(bytes(TWICE)));
        let mut input = [0u8; 96];
        input[..64].copy_from_slice(&generator());
        input[95] = 2;
        assert_eq!(mul(&input), Some(bytes(TWICE)));
        assert_eq!(add(&[0; 128]), Some([0; 64]), "infinity plus infinity");
    }

    #[test]
    fn points_off_the_curve_and_unreduced_coordinates_are_refused() {
        let mut input = [0u8; 128];
        input[31] = 1;
        input[63] = 3;
        assert_eq!(add(&input), None);
        // The modulus itself stands for zero only when reduced: (p, p) must not pass as infinity.
        let modulus = hex("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47");
        let mut input = [0u8; 128];
        input[..32].copy_from_slice(&modulus);
        input[32..64].copy_from_slice(&modulus);
        assert_eq!(add(&input), None);
    }

    #[test]
    fn a_pairing_cancels_with_its_inverse() {
        // e(P, Q) · e(−P, Q) = 1, with the G2 generator of EIP-197.
        let g2 = hex("198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2\
             1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed\
             090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b\
             12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa");
        let mut negative = generator();
        negative[32..].copy_from_slice(&hex("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45"));
        let input = [generator(), g2.clone(), negative, g2.clone()].concat();
        assert_eq!(pairing(&input), Some(true));
        assert_eq!(pairing(&input[..PAIR_BYTES]), Some(false));
        assert_eq!(pairing(&[]), Some(true));
        assert_eq!(pairing(&input[1..]), None);
        let mut broken = input;
        broken[100] ^= 1;
        assert_eq!(pairing(&broken), None);
    }
}
