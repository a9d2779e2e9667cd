//! Calls of other contracts and what they returned.

use esker_abi::CallStatus;
use primitive_types::{H160, U256};

use super::frame::{length, section};
use super::{Args, HostCall};
use crate::instance::Exit;
use crate::{CallKind, CallRequest, CallResult, CreateRequest, CreateResult};

/// Where a call's input lies, and what goes with it.
struct Target {
    kind: CallKind,
    gas: u64,
    account: H160,
    value: U256,
    input: u32,
    input_len: u32,
}

/// The callee runs on an instance of its own, so the input can be lent straight from the caller's memory.
fn message_call(call: &mut HostCall<'_>, target: &Target) -> Result<u64, Exit> {
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
    Ok(status as u64)
}

pub(super) fn call(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let target = Target {
        kind: CallKind::Call,
        gas: args.u64(0),
        account: call.memory.account(args.u32(1))?,
        value: call.memory.wei(args.u32(2))?,
        input: args.u32(3),
        input_len: args.u32(4),
    };
    message_call(call, &target)
}

fn without_value(call: &mut HostCall<'_>, args: Args, kind: CallKind) -> Result<u64, Exit> {
    let target = Target {
        kind,
        gas: args.u64(0),
        account: call.memory.account(args.u32(1))?,
        value: U256::zero(),
        input: args.u32(2),
        input_len: args.u32(3),
    };
    message_call(call, &target)
}

pub(super) fn static_call(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    without_value(call, args, CallKind::Static)
}

pub(super) fn delegate_call(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    without_value(call, args, CallKind::Delegate)
}

fn creation(call: &mut HostCall<'_>, args: Args, salt: Option<u32>, dst: u32) -> Result<u64, Exit> {
    let value = call.memory.wei(args.u32(0))?;
    let salt = salt.map(|at| call.memory.word(at)).transpose()?;
    call.memory.check(dst, 20)?;
    let payload = call.memory.read(args.u32(1), args.u32(2))?;
    call.state.return_data = Vec::new();
    let request = CreateRequest { value, payload, salt };
    let status = match call.state.host().create(request, &mut call.meter)? {
        CreateResult::Success(address) => {
            call.memory.write(dst, address.as_bytes())?;
            CallStatus::Success
        }
        CreateResult::Revert(data) => {
            call.state.return_data = data;
            CallStatus::Revert
        }
        CreateResult::Halt => CallStatus::Halt,
    };
    Ok(status as u64)
}

pub(super) fn create(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    creation(call, args, None, args.u32(3))
}

pub(super) fn create2(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    creation(call, args, Some(args.u32(3)), args.u32(4))
}

pub(super) fn return_data_size(call: &mut HostCall<'_>, _: Args) -> Result<u64, Exit> {
    length(&call.state.return_data)
}

pub(super) fn return_data_copy(call: &mut HostCall<'_>, args: Args) -> Result<u64, Exit> {
    let source = section(&call.state.return_data, args.u32(1), args.u32(2))?;
    call.memory.write(args.u32(0), source)?;
    Ok(0)
}
