//! Hashes, signatures and pairing curves: memory in, [`crate::crypto`], memory out.

use esker_abi::PairingStatus;

use super::{HostCall, arguments};
use crate::crypto::{self, bls12_381, bn254};
use crate::instance::Exit;
use crate::memory::{Length, ReadAddress, WriteAddress};

/// Writes what was computed, or leaves memory alone: 1 or 0 for the guest.
fn write_if_some(call: &mut HostCall<'_>, dst: WriteAddress, result: Option<impl AsRef<[u8]>>) -> Result<u32, Exit> {
    match result {
        Some(bytes) => {
            call.memory.write(dst, bytes.as_ref())?;
            Ok(1)
        }
        None => Ok(0),
    }
}

fn pairing_status(result: Option<bool>) -> u32 {
    let status = match result {
        Some(true) => PairingStatus::One,
        Some(false) => PairingStatus::NotOne,
        None => PairingStatus::Invalid,
    };
    status as u32
}

pub(super) fn keccak256(call: &mut HostCall<'_>, args: arguments::keccak256) -> Result<(), Exit> {
    let hash = crypto::keccak256(call.memory.read(args.ptr, args.len)?);
    call.memory.write(args.dst, &hash)?;
    Ok(())
}

pub(super) fn sha256(call: &mut HostCall<'_>, args: arguments::sha256) -> Result<(), Exit> {
    let hash = crypto::sha256(call.memory.read(args.ptr, args.len)?);
    call.memory.write(args.dst, &hash)?;
    Ok(())
}

pub(super) fn ripemd160(call: &mut HostCall<'_>, args: arguments::ripemd160) -> Result<(), Exit> {
    let hash = crypto::ripemd160(call.memory.read(args.ptr, args.len)?);
    call.memory.write(args.dst, &hash)?;
    Ok(())
}

pub(super) fn ecrecover(call: &mut HostCall<'_>, args: arguments::ecrecover) -> Result<u32, Exit> {
    let (hash, signature) = (call.memory.array(args.hash)?, call.memory.array(args.signature)?);
    call.memory.check(args.dst, 20)?;
    write_if_some(call, args.dst, crypto::secp256k1_recover(&hash, &signature, args.recovery_id))
}

pub(super) fn ed25519_verify(call: &mut HostCall<'_>, args: arguments::ed25519_verify) -> Result<u32, Exit> {
    let (key, signature) = (call.memory.array(args.public_key)?, call.memory.array(args.signature)?);
    let message = call.memory.read(args.message, args.message_len)?;
    Ok(u32::from(crypto::ed25519_verify(&key, &signature, message)))
}

pub(super) fn p256_verify(call: &mut HostCall<'_>, args: arguments::p256_verify) -> Result<u32, Exit> {
    let hash = call.memory.array(args.hash)?;
    let (signature, key) = (call.memory.array(args.signature)?, call.memory.array(args.public_key)?);
    Ok(u32::from(crypto::p256_verify(&hash, &signature, &key)))
}

/// A curve operation with input and output of fixed size.
fn fixed<const IN: usize, const OUT: usize>(
    call: &mut HostCall<'_>,
    input: ReadAddress,
    dst: WriteAddress,
    operation: fn(&[u8; IN]) -> Option<[u8; OUT]>,
) -> Result<u32, Exit> {
    let input = call.memory.array(input)?;
    call.memory.check(dst, OUT)?;
    write_if_some(call, dst, operation(&input))
}

/// A multi-scalar multiplication.
fn sum<const OUT: usize>(
    call: &mut HostCall<'_>,
    input: ReadAddress,
    len: Length,
    dst: WriteAddress,
    operation: fn(&[u8]) -> Option<[u8; OUT]>,
) -> Result<u32, Exit> {
    call.memory.check(dst, OUT)?;
    let result = operation(call.memory.read(input, len)?);
    write_if_some(call, dst, result)
}

pub(super) fn bn254_add(call: &mut HostCall<'_>, args: arguments::bn254_add) -> Result<u32, Exit> {
    fixed(call, args.input, args.dst, bn254::add)
}

pub(super) fn bn254_mul(call: &mut HostCall<'_>, args: arguments::bn254_mul) -> Result<u32, Exit> {
    fixed(call, args.input, args.dst, bn254::mul)
}

pub(super) fn bn254_pairing(call: &mut HostCall<'_>, args: arguments::bn254_pairing) -> Result<u32, Exit> {
    Ok(pairing_status(bn254::pairing(call.memory.read(args.input, args.len)?)))
}

pub(super) fn bls12_381_g1_add(call: &mut HostCall<'_>, args: arguments::bls12_381_g1_add) -> Result<u32, Exit> {
    fixed(call, args.input, args.dst, bls12_381::g1_add)
}

pub(super) fn bls12_381_g1_msm(call: &mut HostCall<'_>, args: arguments::bls12_381_g1_msm) -> Result<u32, Exit> {
    sum(call, args.input, args.len, args.dst, bls12_381::g1_msm)
}

pub(super) fn bls12_381_g2_add(call: &mut HostCall<'_>, args: arguments::bls12_381_g2_add) -> Result<u32, Exit> {
    fixed(call, args.input, args.dst, bls12_381::g2_add)
}

pub(super) fn bls12_381_g2_msm(call: &mut HostCall<'_>, args: arguments::bls12_381_g2_msm) -> Result<u32, Exit> {
    sum(call, args.input, args.len, args.dst, bls12_381::g2_msm)
}

pub(super) fn bls12_381_pairing(call: &mut HostCall<'_>, args: arguments::bls12_381_pairing) -> Result<u32, Exit> {
    Ok(pairing_status(bls12_381::pairing(call.memory.read(args.input, args.len)?)))
}

pub(super) fn bls12_381_map_fp_to_g1(
    call: &mut HostCall<'_>,
    args: arguments::bls12_381_map_fp_to_g1,
) -> Result<u32, Exit> {
    fixed(call, args.input, args.dst, bls12_381::map_fp_to_g1)
}

pub(super) fn bls12_381_map_fp2_to_g2(
    call: &mut HostCall<'_>,
    args: arguments::bls12_381_map_fp2_to_g2,
) -> Result<u32, Exit> {
    fixed(call, args.input, args.dst, bls12_381::map_fp2_to_g2)
}
