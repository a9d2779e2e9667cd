//! Storage, accounts and logs. What state access costs beyond the table's prices the host charges itself.

use super::{Args, HostCall};
use crate::instance::Exit;
use crate::{Halt, Log};

/// Most topics of a log, as Ethereum's LOG4.
const TOPICS_MAX: u32 = 4;

pub(super) fn storage_load(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let key = call.memory.word(args.u32(0))?;
    call.memory.check(args.u32(1), 32)?;
    let value = call.state.host().storage_load(key, &mut call.meter)?;
    call.memory.write(args.u32(1), value.as_bytes())?;
    Ok(0)
}

pub(super) fn storage_store(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (key, value) = (call.memory.word(args.u32(0))?, call.memory.word(args.u32(1))?);
    call.state.host().storage_store(key, value, &mut call.meter)?;
    Ok(0)
}

pub(super) fn transient_load(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let key = call.memory.word(args.u32(0))?;
    call.memory.check(args.u32(1), 32)?;
    let value = call.state.host().transient_load(key, &mut call.meter)?;
    call.memory.write(args.u32(1), value.as_bytes())?;
    Ok(0)
}

pub(super) fn transient_store(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (key, value) = (call.memory.word(args.u32(0))?, call.memory.word(args.u32(1))?);
    call.state.host().transient_store(key, value, &mut call.meter)?;
    Ok(0)
}

pub(super) fn balance(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let account = call.memory.account(args.u32(0))?;
    call.memory.check(args.u32(1), 32)?;
    let balance = call.state.host().balance(account, &mut call.meter)?;
    call.memory.write_wei(args.u32(1), balance)?;
    Ok(0)
}

pub(super) fn code_hash(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let account = call.memory.account(args.u32(0))?;
    call.memory.check(args.u32(1), 32)?;
    let hash = call.state.host().code_hash(account, &mut call.meter)?;
    call.memory.write(args.u32(1), hash.as_bytes())?;
    Ok(0)
}

pub(super) fn code_size(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let account = call.memory.account(args.u32(0))?;
    Ok(u64::from(call.state.host().code_size(account, &mut call.meter)?))
}

pub(super) fn log(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let (at, count) = (args.u32(0), args.u32(1));
    if count > TOPICS_MAX {
        return Err(Exit::Halt(Halt::InvalidArgument));
    }
    // The base price covers the topics' bytes, at most 128.
    let topics = call.memory.read(at, 32 * count)?.chunks_exact(32).map(primitive_types::H256::from_slice).collect();
    let data = call.memory.read(args.u32(2), args.u32(3))?.to_vec();
    call.state.host().log(Log { topics, data }, &mut call.meter)?;
    Ok(0)
}
