//! Input, outcome, and what surrounds the frame: transaction and block.

use std::convert::Infallible;

use super::arguments::Offset;
use super::{HostCall, arguments};
use crate::Halt;
use crate::instance::Exit;
use crate::memory::{Length, ReadAddress};

/// Length of something that this host holds, as the guest's 32-bit number.
pub(super) fn length(bytes: &[u8]) -> Result<u32, Exit> {
    u32::try_from(bytes.len()).map_err(|_| Exit::Halt(Halt::InvalidArgument))
}

/// The `len` bytes of `source` from `offset`; asking beyond its end is an invalid argument.
pub(super) fn section(source: &[u8], offset: Offset, len: Length) -> Result<&[u8], Halt> {
    let start = offset.bytes() as usize;
    start.checked_add(len.bytes() as usize).and_then(|end| source.get(start..end)).ok_or(Halt::InvalidArgument)
}

pub(super) fn input_size(call: &mut HostCall<'_>, _: arguments::input_size) -> Result<u32, Exit> {
    length(&call.state.frame().input)
}

pub(super) fn input_copy(call: &mut HostCall<'_>, args: arguments::input_copy) -> Result<(), Exit> {
    let source = section(&call.state.frame().input, args.offset, args.len)?;
    call.memory.write(args.dst, source)?;
    Ok(())
}

/// The bytes that the guest hands over as its output, at most as many as the limits allow.
fn output<'a>(call: &'a HostCall<'_>, ptr: ReadAddress, len: Length) -> Result<&'a [u8], Exit> {
    if len.bytes() > call.state.rules.output_bytes_max {
        return Err(Exit::Halt(Halt::OutputTooLarge));
    }
    Ok(call.memory.read(ptr, len)?)
}

pub(super) fn set_output(call: &mut HostCall<'_>, args: arguments::set_output) -> Result<(), Exit> {
    let bytes = output(call, args.ptr, args.len)?.to_vec();
    call.state.output = bytes;
    Ok(())
}

pub(super) fn finish(call: &mut HostCall<'_>, args: arguments::finish) -> Result<Infallible, Exit> {
    Err(Exit::Finish(output(call, args.ptr, args.len)?.to_vec()))
}

pub(super) fn revert(call: &mut HostCall<'_>, args: arguments::revert) -> Result<Infallible, Exit> {
    Err(Exit::Revert(output(call, args.ptr, args.len)?.to_vec()))
}

pub(super) fn caller(call: &mut HostCall<'_>, args: arguments::caller) -> Result<(), Exit> {
    let caller = call.state.frame().caller;
    call.memory.write(args.dst, caller.as_bytes())?;
    Ok(())
}

pub(super) fn origin(call: &mut HostCall<'_>, args: arguments::origin) -> Result<(), Exit> {
    let origin = call.state.host().transaction().origin;
    call.memory.write(args.dst, origin.as_bytes())?;
    Ok(())
}

pub(super) fn address(call: &mut HostCall<'_>, args: arguments::address) -> Result<(), Exit> {
    let address = call.state.frame().address;
    call.memory.write(args.dst, address.as_bytes())?;
    Ok(())
}

pub(super) fn call_value(call: &mut HostCall<'_>, args: arguments::call_value) -> Result<(), Exit> {
    let value = call.state.frame().value;
    call.memory.write_wei(args.dst, value)?;
    Ok(())
}

pub(super) fn gas_price(call: &mut HostCall<'_>, args: arguments::gas_price) -> Result<(), Exit> {
    let price = call.state.host().transaction().gas_price;
    call.memory.write_wei(args.dst, price)?;
    Ok(())
}

pub(super) fn block_number(call: &mut HostCall<'_>, _: arguments::block_number) -> Result<u64, Exit> {
    Ok(call.state.host().block().number)
}

pub(super) fn block_timestamp(call: &mut HostCall<'_>, _: arguments::block_timestamp) -> Result<u64, Exit> {
    Ok(call.state.host().block().timestamp)
}

pub(super) fn block_hash(call: &mut HostCall<'_>, args: arguments::block_hash) -> Result<(), Exit> {
    call.memory.check(args.dst, 32)?;
    let hash = call.state.host().block_hash(args.number)?;
    call.memory.write(args.dst, hash.as_bytes())?;
    Ok(())
}

pub(super) fn block_gas_limit(call: &mut HostCall<'_>, _: arguments::block_gas_limit) -> Result<u64, Exit> {
    Ok(call.state.host().block().gas_limit)
}

pub(super) fn base_fee(call: &mut HostCall<'_>, args: arguments::base_fee) -> Result<(), Exit> {
    let fee = call.state.host().block().base_fee;
    call.memory.write_wei(args.dst, fee)?;
    Ok(())
}

pub(super) fn coinbase(call: &mut HostCall<'_>, args: arguments::coinbase) -> Result<(), Exit> {
    let coinbase = call.state.host().block().coinbase;
    call.memory.write(args.dst, coinbase.as_bytes())?;
    Ok(())
}

pub(super) fn prevrandao(call: &mut HostCall<'_>, args: arguments::prevrandao) -> Result<(), Exit> {
    let value = call.state.host().block().prevrandao;
    call.memory.write(args.dst, value.as_bytes())?;
    Ok(())
}

pub(super) fn chain_id(call: &mut HostCall<'_>, _: arguments::chain_id) -> Result<u64, Exit> {
    Ok(call.state.host().block().chain_id)
}

pub(super) fn gas_left(call: &mut HostCall<'_>, _: arguments::gas_left) -> Result<u64, Exit> {
    Ok(call.meter.gas())
}

pub(super) fn is_reentrant(call: &mut HostCall<'_>, _: arguments::is_reentrant) -> Result<u32, Exit> {
    Ok(u32::from(call.state.frame().is_reentrant))
}
