//! Calls of other contracts and what they returned.

use esker_abi::CallStatus;
use primitive_types::{H160, U256};

use super::frame::{length, section};
use super::{HostCall, arguments};
use crate::instance::Exit;
use crate::memory::{Length, ReadAddress, WriteAddress};
use crate::{CallKind, CallRequest, CallResult, CreateRequest, CreateResult};

/// Whom to call, with what, and where the input lies.
struct Target {
    kind: CallKind,
    gas: u64,
    account: H160,
    value: U256,
    input: ReadAddress,
    input_len: Length,
}

/// The callee runs on an instance of its own, so the input can be lent straight from the caller's memory.
fn message_call(call: &mut HostCall<'_>, target: &Target) -> Result<u32, Exit> {
    let input = call.memory.read(target.input, target.input_len)?;
    call.state.return_data = Vec::new();
    let request =
        CallRequest { kind: target.kind, gas: target.gas, target: target.account, value: target.value, input };
    let (status, data) = match call.state.host().call(request, &mut call.meter)? {
        CallResult::Success(data) => (CallStatus::Success, data),
        CallResult::Revert(data) => (CallStatus::Revert, data),
        CallResult::Halt => (CallStatus::Halt, Vec::new()),
    };
    call.state.return_data = data;
    Ok(status as u32)
}

pub(super) fn call(call: &mut HostCall<'_>, args: arguments::call) -> Result<u32, Exit> {
    let arguments::call { gas, account, value, input, input_len } = args;
    let account = call.memory.account(account)?;
    let value = call.memory.wei(value)?;
    message_call(call, &Target { kind: CallKind::Call, gas, account, value, input, input_len })
}

pub(super) fn static_call(call: &mut HostCall<'_>, args: arguments::static_call) -> Result<u32, Exit> {
    let arguments::static_call { gas, account, input, input_len } = args;
    let account = call.memory.account(account)?;
    message_call(call, &Target { kind: CallKind::Static, gas, account, value: U256::zero(), input, input_len })
}

pub(super) fn delegate_call(call: &mut HostCall<'_>, args: arguments::delegate_call) -> Result<u32, Exit> {
    let arguments::delegate_call { gas, account, input, input_len } = args;
    let account = call.memory.account(account)?;
    message_call(call, &Target { kind: CallKind::Delegate, gas, account, value: U256::zero(), input, input_len })
}

/// Where a creation's parts lie.
struct Creation {
    value: ReadAddress,
    code: ReadAddress,
    code_len: Length,
    salt: Option<ReadAddress>,
    dst: WriteAddress,
}

fn creation(call: &mut HostCall<'_>, parts: &Creation) -> Result<u32, Exit> {
    let value = call.memory.wei(parts.value)?;
    let salt = parts.salt.map(|at| call.memory.word(at)).transpose()?;
    call.memory.check(parts.dst, 20)?;
    let payload = call.memory.read(parts.code, parts.code_len)?;
    call.state.return_data = Vec::new();
    let request = CreateRequest { value, payload, salt };
    let status = match call.state.host().create(request, &mut call.meter)? {
        CreateResult::Success(address) => {
            call.memory.write(parts.dst, address.as_bytes())?;
            CallStatus::Success
        }
        CreateResult::Revert(data) => {
            call.state.return_data = data;
            CallStatus::Revert
        }
        CreateResult::Halt => CallStatus::Halt,
    };
    Ok(status as u32)
}

pub(super) fn create(call: &mut HostCall<'_>, args: arguments::create) -> Result<u32, Exit> {
    let arguments::create { value, code, code_len, dst } = args;
    creation(call, &Creation { value, code, code_len, salt: None, dst })
}

pub(super) fn create2(call: &mut HostCall<'_>, args: arguments::create2) -> Result<u32, Exit> {
    let arguments::create2 { value, code, code_len, salt, dst } = args;
    creation(call, &Creation { value, code, code_len, salt: Some(salt), dst })
}

pub(super) fn return_data_size(call: &mut HostCall<'_>, _: arguments::return_data_size) -> Result<u32, Exit> {
    length(&call.state.return_data)
}

pub(super) fn return_data_copy(call: &mut HostCall<'_>, args: arguments::return_data_copy) -> Result<(), Exit> {
    let source = section(&call.state.return_data, args.offset, args.len)?;
    call.memory.write(args.dst, source)?;
    Ok(())
}
