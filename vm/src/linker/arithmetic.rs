//! 256-bit arithmetic on operands in guest memory.

use esker_abi::EXPONENT_BYTE_GAS;

use super::{HostCall, arguments};
use crate::crypto::u256;
use crate::instance::Exit;

pub(super) fn u256_add_mod(call: &mut HostCall<'_>, args: arguments::u256_add_mod) -> Result<(), Exit> {
    let (a, b) = (call.memory.operand(args.a)?, call.memory.operand(args.b)?);
    let m = call.memory.operand(args.m)?;
    call.memory.write_operand(args.dst, u256::add_mod(a, b, m))?;
    Ok(())
}

pub(super) fn u256_mul_mod(call: &mut HostCall<'_>, args: arguments::u256_mul_mod) -> Result<(), Exit> {
    let (a, b) = (call.memory.operand(args.a)?, call.memory.operand(args.b)?);
    let m = call.memory.operand(args.m)?;
    call.memory.write_operand(args.dst, u256::mul_mod(a, b, m))?;
    Ok(())
}

pub(super) fn u256_div_rem(call: &mut HostCall<'_>, args: arguments::u256_div_rem) -> Result<(), Exit> {
    let (a, b) = (call.memory.operand(args.a)?, call.memory.operand(args.b)?);
    let (quotient, remainder) = u256::div_rem(a, b);
    call.memory.write_operand(args.quotient, quotient)?;
    call.memory.write_operand(args.remainder, remainder)?;
    Ok(())
}

pub(super) fn u256_exp(call: &mut HostCall<'_>, args: arguments::u256_exp) -> Result<(), Exit> {
    let (base, exponent) = (call.memory.operand(args.base)?, call.memory.operand(args.exponent)?);
    call.meter.charge_gas(EXPONENT_BYTE_GAS * u256::significant_bytes(exponent))?;
    call.memory.write_operand(args.dst, u256::exp(base, exponent))?;
    Ok(())
}
