//! Input, outcome, and what surrounds the frame: transaction and block.

use super::{Args, HostCall};
use crate::Halt;
use crate::instance::Exit;

/// Length of something that this host holds, as the guest's 32-bit number.
pub(super) fn length(bytes: &[u8]) -> Result<u64, Exit> {
    u32::try_from(bytes.len()).map(u64::from).map_err(|_| Exit::Halt(Halt::InvalidArgument))
}

/// The `len` bytes of `source` from `offset`; asking beyond its end is an invalid argument.
pub(super) fn section(source: &[u8], offset: u32, len: u32) -> Result<&[u8], Halt> {
    let start = offset as usize;
    start.checked_add(len as usize).and_then(|end| source.get(start..end)).ok_or(Halt::InvalidArgument)
}

pub(super) fn input_size(call: &mut HostCall<'_>, _: Args) -> Result<u64, Exit> {
    length(&call.state.frame().input)
}

pub(super) fn input_copy(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let source = section(&call.state.frame().input, args.u32(1), args.u32(2))?;
    call.memory.write(args.u32(0), source)?;
    Ok(0)
}

/// The bytes that the guest hands over as its output, at most as many as the limits allow.
fn output<'a>(call: &'a HostCall<'_>, args: Args) -> Result<&'a [u8], Exit> {
    if args.u32(1) > call.state.output_bytes_max {
        return Err(Exit::Halt(Halt::OutputTooLarge));
    }
    Ok(call.memory.read(args.u32(0), args.u32(1))?)
}

pub(super) fn set_output(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let bytes = output(call, args)?.to_vec();
    call.state.output = bytes;
    Ok(0)
}

pub(super) fn finish(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    Err(Exit::Finish(output(call, args)?.to_vec()))
}

pub(super) fn revert(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    Err(Exit::Revert(output(call, args)?.to_vec()))
}

pub(super) fn caller(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let caller = call.state.frame().caller;
    call.memory.write(args.u32(0), caller.as_bytes())?;
    Ok(0)
}

pub(super) fn origin(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let origin = call.state.host().transaction().origin;
    call.memory.write(args.u32(0), origin.as_bytes())?;
    Ok(0)
}

pub(super) fn address(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let address = call.state.frame().address;
    call.memory.write(args.u32(0), address.as_bytes())?;
    Ok(0)
}

pub(super) fn call_value(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let value = call.state.frame().value;
    call.memory.write_wei(args.u32(0), value)?;
    Ok(0)
}

pub(super) fn gas_price(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let price = call.state.host().transaction().gas_price;
    call.memory.write_wei(args.u32(0), price)?;
    Ok(0)
}

pub(super) fn block_number(call: &mut HostCall<'_>, _: Args) -> Result<u64, Exit> {
    Ok(call.state.host().block().number)
}

pub(super) fn block_timestamp(call: &mut HostCall<'_>, _: Args) -> Result<u64, Exit> {
    Ok(call.state.host().block().timestamp)
}

pub(super) fn block_hash(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    call.memory.check(args.u32(1), 32)?;
    let hash = call.state.host().block_hash(args.u64(0))?;
    call.memory.write(args.u32(1), hash.as_bytes())?;
    Ok(0)
}

pub(super) fn block_gas_limit(call: &mut HostCall<'_>, _: Args) -> Result<u64, Exit> {
    Ok(call.state.host().block().gas_limit)
}

pub(super) fn base_fee(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let fee = call.state.host().block().base_fee;
    call.memory.write_wei(args.u32(0), fee)?;
    Ok(0)
}

pub(super) fn coinbase(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let coinbase = call.state.host().block().coinbase;
    call.memory.write(args.u32(0), coinbase.as_bytes())?;
    Ok(0)
}

pub(super) fn prevrandao(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let value = call.state.host().block().prevrandao;
    call.memory.write(args.u32(0), value.as_bytes())?;
    Ok(0)
}

pub(super) fn chain_id(call: &mut HostCall<'_>, _: Args) -> Result<u64, Exit> {
    Ok(call.state.host().block().chain_id)
}

pub(super) fn gas_left(call: &mut HostCall<'_>, _: Args) -> Result<u64, Exit> {
    Ok(call.meter.gas())
}

pub(super) fn is_reentrant(call: &mut HostCall<'_>, _: Args) -> Result<u64, Exit> {
    Ok(u64::from(call.state.frame().is_reentrant))
}
