//! The host's hashes, signatures and curves.

use crate::{
    Address, B256, FixedBytes, U256,
    host::{self, Curve},
};

/// keccak256.
#[must_use]
pub fn keccak256(data: &[u8]) -> B256 {
    host::keccak256(data).into()
}

/// SHA-256.
#[must_use]
pub fn sha256(data: &[u8]) -> B256 {
    host::sha256(data).into()
}

/// RIPEMD-160.
#[must_use]
pub fn ripemd160(data: &[u8]) -> FixedBytes<20> {
    host::ripemd160(data).into()
}

/// Who signed `hash` with secp256k1, if the signature is valid: `v` is 27 or 28, as Ethereum writes it.
///
/// Signatures whose `s` lies in the upper half of the order are valid here, as for Ethereum's precompile: where a
/// signature must be unique, use [`recover`].
#[must_use]
pub fn ecrecover(hash: B256, v: u8, r: B256, s: B256) -> Option<Address> {
    let recovery_id = u32::from(v.checked_sub(27)?);
    if recovery_id > 1 {
        return None;
    }
    let mut signature = [0; 64];
    let (high, low) = signature.split_at_mut(32);
    high.copy_from_slice(&r.0);
    low.copy_from_slice(&s.0);
    host::ecrecover(&hash.0, &signature, recovery_id)
}

/// Half the order of secp256k1.
const HALF_ORDER: U256 = crate::u256!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0);

/// Who signed `hash` with secp256k1, if the signature is valid and the only form that it has: `v` is 27 or 28, `s` lies in
/// the lower half of the order (as EIP-2 demands of transactions), and the signer is not the zero address.
///
/// OpenZeppelin's `ECDSA.tryRecover`.
#[must_use]
pub fn recover(hash: B256, v: u8, r: B256, s: B256) -> Option<Address> {
    if U256::from_be_bytes(s.0) > HALF_ORDER {
        return None;
    }
    ecrecover(hash, v, r, s).filter(|signer| !signer.is_zero())
}

/// Whether an Ed25519 signature of `message` is valid, by ZIP-215's rules.
#[must_use]
pub fn ed25519_verify(public_key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    host::ed25519_verify(public_key, signature, message)
}

/// Whether a P-256 signature r ‖ s of `hash` by the key x ‖ y is valid (RIP-7212).
#[must_use]
pub fn p256_verify(hash: &B256, signature: &[u8; 64], public_key: &[u8; 64]) -> bool {
    host::p256_verify(&hash.0, signature, public_key)
}

fn point<const N: usize>(operation: Curve, input: &[u8]) -> Option<[u8; N]> {
    let mut output = [0; N];
    (host::curve(operation, input, &mut output) == 1).then_some(output)
}

/// Several points or pairs in a row, each of `unit` bytes, at least one.
fn points<const N: usize>(operation: Curve, unit: usize, input: &[u8]) -> Option<[u8; N]> {
    if input.is_empty() || !input.len().is_multiple_of(unit) { None } else { point(operation, input) }
}

fn pairing(operation: Curve, input: &[u8]) -> Option<bool> {
    match host::curve(operation, input, &mut []) {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// The sum of two bn254 points (EIP-196), or `None` if one is invalid.
#[must_use]
pub fn bn254_add(points: &[u8; 128]) -> Option<[u8; 64]> {
    point(Curve::bn254_add, points)
}

/// A bn254 point times a scalar (EIP-196), or `None` if the point is invalid.
#[must_use]
pub fn bn254_mul(point_and_scalar: &[u8; 96]) -> Option<[u8; 64]> {
    point(Curve::bn254_mul, point_and_scalar)
}

/// Whether the product of bn254 pairings is one (EIP-197; 192 bytes a pair), or `None` if the input is invalid.
#[must_use]
pub fn bn254_pairing(pairs: &[u8]) -> Option<bool> {
    pairing(Curve::bn254_pairing, pairs)
}

/// The sum of two BLS12-381 G1 points (EIP-2537), or `None` if one is invalid.
#[must_use]
pub fn bls12_381_g1_add(points: &[u8; 256]) -> Option<[u8; 128]> {
    point(Curve::bls12_381_g1_add, points)
}

/// A BLS12-381 G1 multi-scalar multiplication (EIP-2537; 160 bytes a pair), or `None` if the input is invalid.
#[must_use]
pub fn bls12_381_g1_msm(pairs: &[u8]) -> Option<[u8; 128]> {
    points(Curve::bls12_381_g1_msm, 160, pairs)
}

/// The sum of two BLS12-381 G2 points (EIP-2537), or `None` if one is invalid.
#[must_use]
pub fn bls12_381_g2_add(points: &[u8; 512]) -> Option<[u8; 256]> {
    point(Curve::bls12_381_g2_add, points)
}

/// A BLS12-381 G2 multi-scalar multiplication (EIP-2537; 288 bytes a pair), or `None` if the input is invalid.
#[must_use]
pub fn bls12_381_g2_msm(pairs: &[u8]) -> Option<[u8; 256]> {
    points(Curve::bls12_381_g2_msm, 288, pairs)
}

/// Whether the product of BLS12-381 pairings is one (EIP-2537; 384 bytes a pair), or `None` if the input is invalid.
#[must_use]
pub fn bls12_381_pairing(pairs: &[u8]) -> Option<bool> {
    pairing(Curve::bls12_381_pairing, pairs)
}

/// The G1 point that a field element maps to (EIP-2537), or `None` if it is no field element.
#[must_use]
pub fn bls12_381_map_fp_to_g1(element: &[u8; 64]) -> Option<[u8; 128]> {
    point(Curve::bls12_381_map_fp_to_g1, element)
}

/// The G2 point that an element of Fp2 maps to (EIP-2537), or `None` if it is none.
#[must_use]
pub fn bls12_381_map_fp2_to_g2(element: &[u8; 128]) -> Option<[u8; 256]> {
    point(Curve::bls12_381_map_fp2_to_g2, element)
}
