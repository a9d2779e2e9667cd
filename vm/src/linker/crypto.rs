//! Hashes, signatures and pairing curves: memory in, [`crate::crypto`], memory out.

use esker_abi::PairingStatus;

use super::{Args, HostCall};
use crate::crypto::{self, bls12_381, bn254};
use crate::instance::Exit;

/// Writes what was computed, or leaves memory alone: 1 or 0 for the guest.
fn write_if_some(call: &mut HostCall<'_>, dst: u32, result: Option<impl AsRef<[u8]>>) -> Result<u64, Exit> {
    match result {
        Some(bytes) => {
            call.memory.write(dst, bytes.as_ref())?;
            Ok(1)
        }
        None => Ok(0),
    }
}

fn pairing_status(result: Option<bool>) -> u64 {
    let status = match result {
        Some(true) => PairingStatus::One,
        Some(false) => PairingStatus::NotOne,
        None => PairingStatus::Invalid,
    };
    status as u64
}

pub(super) fn keccak256(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let hash = crypto::keccak256(call.memory.read(args.u32(0), args.u32(1))?);
    call.memory.write(args.u32(2), &hash)?;
    Ok(0)
}

pub(super) fn sha256(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let hash = crypto::sha256(call.memory.read(args.u32(0), args.u32(1))?);
    call.memory.write(args.u32(2), &hash)?;
    Ok(0)
}

pub(super) fn ripemd160(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let hash = crypto::ripemd160(call.memory.read(args.u32(0), args.u32(1))?);
    call.memory.write(args.u32(2), &hash)?;
    Ok(0)
}

pub(super) fn ecrecover(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (hash, signature) = (call.memory.array(args.u32(0))?, call.memory.array(args.u32(1))?);
    call.memory.check(args.u32(3), 20)?;
    write_if_some(call, args.u32(3), crypto::secp256k1_recover(&hash, &signature, args.u32(2)))
}

pub(super) fn ed25519_verify(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (key, signature) = (call.memory.array(args.u32(0))?, call.memory.array(args.u32(1))?);
    let message = call.memory.read(args.u32(2), args.u32(3))?;
    Ok(u64::from(crypto::ed25519_verify(&key, &signature, message)))
}

pub(super) fn p256_verify(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let hash = call.memory.array(args.u32(0))?;
    let (signature, key) = (call.memory.array(args.u32(1))?, call.memory.array(args.u32(2))?);
    Ok(u64::from(crypto::p256_verify(&hash, &signature, &key)))
}

/// A curve operation with input and output of fixed size.
fn fixed<const IN: usize, const OUT: usize>(
    call: &mut HostCall<'_>,
    args: Args,
    operation: fn(&[u8; IN]) -> Option<[u8; OUT]>,
) -> Result<u64, Exit> {
    let input = call.memory.array(args.u32(0))?;
    call.memory.check(args.u32(1), OUT)?;
    write_if_some(call, args.u32(1), operation(&input))
}

/// A multi-scalar multiplication.
fn sum<const OUT: usize>(
    call: &mut HostCall<'_>,
    args: Args,
    operation: fn(&[u8]) -> Option<[u8; OUT]>,
) -> Result<u64, Exit> {
    call.memory.check(args.u32(2), OUT)?;
    let result = operation(call.memory.read(args.u32(0), args.u32(1))?);
    write_if_some(call, args.u32(2), result)
}

pub(super) fn bn254_add(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    fixed(call, args, bn254::add)
}

pub(super) fn bn254_mul(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    fixed(call, args, bn254::mul)
}

pub(super) fn bn254_pairing(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    Ok(pairing_status(bn254::pairing(call.memory.read(args.u32(0), args.u32(1))?)))
}

pub(super) fn bls12_381_g1_add(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    fixed(call, args, bls12_381::g1_add)
}

pub(super) fn bls12_381_g1_msm(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    sum(call, args, bls12_381::g1_msm)
}

pub(super) fn bls12_381_g2_add(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    fixed(call, args, bls12_381::g2_add)
}

pub(super) fn bls12_381_g2_msm(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    sum(call, args, bls12_381::g2_msm)
}

pub(super) fn bls12_381_pairing(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    Ok(pairing_status(bls12_381::pairing(call.memory.read(args.u32(0), args.u32(1))?)))
}

pub(super) fn bls12_381_map_fp_to_g1(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    fixed(call, args, bls12_381::map_fp_to_g1)
}

pub(super) fn bls12_381_map_fp2_to_g2(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    fixed(call, args, bls12_381::map_fp2_to_g2)
}
