//! The host functions as the guest calls them.
//!
//! One trampoline serves every row of the table in `esker-abi`: it refuses when fuel is below zero, charges the row's base
//! and per-byte prices, and only then lets the row's implementation look at the arguments' bytes. No host function ever
//! calls an export of the guest it serves.

mod arguments;
mod arithmetic;
mod calls;
mod crypto;
mod frame;
mod state;
mod table;
#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;

use esker_abi::{HOST_FUNCTIONS, HostFunction, IMPORT_MODULE, Param};
use wasmtime::{Caller, Engine, FuncType, Linker, ValRaw, ValType};

use crate::instance::{Exit, FrameState, Stop};
use crate::memory::GuestMemory;
use crate::{Fatal, Halt, Meter};

/// A host call in progress: what an implementation may touch.
pub(crate) struct HostCall<'a> {
    memory: GuestMemory<'a>,
    state: &'a mut FrameState,
    meter: Meter,
}

/// Serves one row, given the slots of its parameters. The result is the import's, zero if it has none.
type Implementation = fn(&mut HostCall<'_>, &[ValRaw]) -> Result<u64, Exit>;

/// A row prepared for the trampoline.
#[derive(Clone, Copy)]
struct Plan {
    row: &'static HostFunction,
    implementation: Implementation,
    /// Which parameter counts the bytes that cross, if one does.
    length: Option<usize>,
}

/// The parameter whose bytes the row charges for.
fn length_param(row: &HostFunction) -> Option<usize> {
    row.params.iter().position(|(_, kind)| *kind == Param::Len)
}

/// Fuel for a call of `row` with `len` bytes crossing.
fn price(row: &HostFunction, len: u32) -> u64 {
    row.base_fuel.saturating_add(row.byte_fuel.saturating_mul(u64::from(len)))
}

fn value_type(kind: Param) -> ValType {
    match kind {
        Param::Ptr | Param::Mut | Param::Offset | Param::Len | Param::I32 => ValType::I32,
        Param::I64 => ValType::I64,
    }
}

/// The import's type in an instrumented module: fuel is one parameter more and one result more.
fn import_type(engine: &Engine, row: &HostFunction) -> FuncType {
    let params = row.params.iter().map(|(_, kind)| value_type(*kind)).chain([ValType::I64]);
    let results = row.result.map(value_type).into_iter().chain([ValType::I64]);
    FuncType::new(engine, params, results)
}

/// Makes the linker of one engine: every row of the table and nothing else.
pub(crate) fn link(engine: &Engine) -> Result<Linker<FrameState>, wasmtime::Error> {
    let mut linker = Linker::new(engine);
    for row in HOST_FUNCTIONS {
        let plan = Plan { row, implementation: table::implementation(row.id), length: length_param(row) };
        #[allow(unsafe_code, reason = "one trampoline for all rows, without boxing arguments")]
        // SAFETY: `serve` reads exactly the parameters and writes exactly the results that `import_type` declares for
        // the same row.
        unsafe {
            linker.func_new_unchecked(IMPORT_MODULE, row.name, import_type(engine, row), move |caller, slots| {
                serve(&plan, caller, slots)
            })?;
        }
    }
    Ok(linker)
}

fn serve(
    plan: &Plan,
    mut caller: Caller<'_, FrameState>,
    slots: &mut [MaybeUninit<ValRaw>],
) -> Result<(), wasmtime::Error> {
    let row = plan.row;
    let count = row.params.len();
    #[allow(unsafe_code, reason = "arguments cross as raw slots")]
    // SAFETY: the caller filled one slot for each parameter of `import_type`: the row's own, then the fuel.
    let filled = unsafe { slots[..=count].assume_init_ref() };
    let (params, fuel) = (&filled[..count], filled[count].get_i64());
    let Some(memory) = caller.data().memory else {
        return stop(
            caller.data_mut(),
            Exit::Fatal(Fatal::Engine("a host call before the memory was known".into())),
            0,
        );
    };
    let (bytes, state) = memory.data_and_store_mut(&mut caller);
    // Below zero already: the guest ran out before the call and was not yet told.
    let Ok(fuel) = u64::try_from(fuel) else {
        return stop(state, Exit::Halt(Halt::OutOfGas), 0);
    };
    let mut call = HostCall { memory: GuestMemory::new(bytes), state, meter: Meter::new(fuel) };
    let len = plan.length.map_or(0, |index| params[index].get_u32());
    let outcome = call
        .meter
        .charge_fuel(price(row, len))
        .map_err(Exit::from)
        .and_then(|()| (plan.implementation)(&mut call, params));
    let left = call.meter.fuel();
    match outcome {
        Ok(value) => {
            let fuel = ValRaw::i64(i64::try_from(left).unwrap_or(i64::MAX));
            match row.result {
                None => slots[0] = MaybeUninit::new(fuel),
                Some(Param::I64) => {
                    slots[0] = MaybeUninit::new(ValRaw::u64(value));
                    slots[1] = MaybeUninit::new(fuel);
                }
                Some(Param::Ptr | Param::Mut | Param::Offset | Param::Len | Param::I32) => {
                    slots[0] = MaybeUninit::new(ValRaw::u32(value as u32));
                    slots[1] = MaybeUninit::new(fuel);
                }
            }
            Ok(())
        }
        Err(exit) => stop(call.state, exit, left),
    }
}

/// Ends the frame: the guest is unwound to `instance::run`, which finds the reason in the store.
fn stop(state: &mut FrameState, exit: Exit, left: u64) -> Result<(), wasmtime::Error> {
    state.exit = Some((exit, left));
    Err(wasmtime::Error::new(Stop))
}
