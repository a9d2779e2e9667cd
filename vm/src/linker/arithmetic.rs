//! 256-bit arithmetic on operands in guest memory.

use super::{Args, HostCall};
use crate::crypto::u256;
use crate::instance::Exit;

/// Gas per significant byte of an exponent (EIP-160).
const EXPONENT_BYTE_GAS: u64 = 50;

pub(super) fn u256_add_mod(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (a, b) = (call.memory.operand(args.u32(0))?, call.memory.operand(args.u32(1))?);
    let m = call.memory.operand(args.u32(2))?;
    call.memory.write_operand(args.u32(3), u256::add_mod(a, b, m))?;
    Ok(0)
}

pub(super) fn u256_mul_mod(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (a, b) = (call.memory.operand(args.u32(0))?, call.memory.operand(args.u32(1))?);
    let m = call.memory.operand(args.u32(2))?;
    call.memory.write_operand(args.u32(3), u256::mul_mod(a, b, m))?;
    Ok(0)
}

pub(super) fn u256_div_rem(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (a, b) = (call.memory.operand(args.u32(0))?, call.memory.operand(args.u32(1))?);
    let (quotient, remainder) = u256::div_rem(a, b);
    call.memory.write_operand(args.u32(2), quotient)?;
    call.memory.write_operand(args.u32(3), remainder)?;
    Ok(0)
}

pub(super) fn u256_exp(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (base, exponent) = (call.memory.operand(args.u32(0))?, call.memory.operand(args.u32(1))?);
    call.meter.charge_gas(EXPONENT_BYTE_GAS * u256::significant_bytes(exponent))?;
    call.memory.write_operand(args.u32(2), u256::exp(base, exponent))?;
    Ok(0)
}
