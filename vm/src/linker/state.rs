//! Storage, accounts and logs. What state access costs beyond the table's prices the host charges itself.

use super::{HostCall, arguments};
use crate::instance::Exit;
use crate::{Halt, Log};

pub(super) fn storage_load(call: &mut HostCall<'_>, args: arguments::storage_load) -> Result<(), Exit> {
    let key = call.memory.word(args.key)?;
    call.memory.check(args.dst, 32)?;
    let value = call.state.host().storage_load(key, &mut call.meter)?;
    call.memory.write(args.dst, value.as_bytes())?;
    Ok(())
}

pub(super) fn storage_store(call: &mut HostCall<'_>, args: arguments::storage_store) -> Result<(), Exit> {
    let (key, value) = (call.memory.word(args.key)?, call.memory.word(args.value)?);
    call.state.host().storage_store(key, value, &mut call.meter)?;
    Ok(())
}

pub(super) fn transient_load(call: &mut HostCall<'_>, args: arguments::transient_load) -> Result<(), Exit> {
    let key = call.memory.word(args.key)?;
    call.memory.check(args.dst, 32)?;
    let value = call.state.host().transient_load(key, &mut call.meter)?;
    call.memory.write(args.dst, value.as_bytes())?;
    Ok(())
}

pub(super) fn transient_store(call: &mut HostCall<'_>, args: arguments::transient_store) -> Result<(), Exit> {
    let (key, value) = (call.memory.word(args.key)?, call.memory.word(args.value)?);
    call.state.host().transient_store(key, value, &mut call.meter)?;
    Ok(())
}

pub(super) fn balance(call: &mut HostCall<'_>, args: arguments::balance) -> Result<(), Exit> {
    let account = call.memory.account(args.account)?;
    call.memory.check(args.dst, 32)?;
    let balance = call.state.host().balance(account, &mut call.meter)?;
    call.memory.write_wei(args.dst, balance)?;
    Ok(())
}

pub(super) fn code_hash(call: &mut HostCall<'_>, args: arguments::code_hash) -> Result<(), Exit> {
    let account = call.memory.account(args.account)?;
    call.memory.check(args.dst, 32)?;
    let hash = call.state.host().code_hash(account, &mut call.meter)?;
    call.memory.write(args.dst, hash.as_bytes())?;
    Ok(())
}

pub(super) fn code_size(call: &mut HostCall<'_>, args: arguments::code_size) -> Result<u32, Exit> {
    let account = call.memory.account(args.account)?;
    Ok(call.state.host().code_size(account, &mut call.meter)?)
}

pub(super) fn log(call: &mut HostCall<'_>, args: arguments::log) -> Result<(), Exit> {
    if args.topic_count > call.state.rules.log_topics_max {
        return Err(Exit::Halt(Halt::InvalidArgument));
    }
    // The base price covers the topics' bytes, at most 128.
    let topics = call.memory.words(args.topics, args.topic_count)?;
    let data = call.memory.read(args.data, args.data_len)?.to_vec();
    call.state.host().log(Log { topics, data }, &mut call.meter)?;
    Ok(())
}
