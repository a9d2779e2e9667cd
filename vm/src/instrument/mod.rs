//! Gas and stack metering by rewriting the module: `docs/spec/metering.md`.
//!
//! Gas is threaded through every function as one more `i64` parameter and result, the stack units left as one more `i32`
//! parameter, so both live in registers. What is charged and where is this module's; engines only run the result.

mod checks;
mod encode;
mod frame;
mod function;
mod native;
mod segments;
mod sinking;
#[cfg(test)]
mod vectors;

use esker_abi::{Limits, MeterCosts};

use crate::validate::validate;
use crate::{DataSegment, ModuleFacts, RejectReason};

/// Raised by every change of what the rewritten module looks like or charges: part of the module cache's key.
pub const INSTRUMENTATION_VERSION: u32 = 4;

/// The export of the rewritten module that says why an injected `unreachable` struck: a mutable `i32` global.
pub const EXPORT_HALT: &str = "esker_halt";
/// Value of [`EXPORT_HALT`] when fuel ran out. Zero, its first value, means that the trap was the contract's own.
pub const HALT_OUT_OF_GAS: i32 = 1;
/// Value of [`EXPORT_HALT`] when the logical stack ran out.
pub const HALT_STACK_OVERFLOW: i32 = 2;

/// Most mutable globals of its own with which an instance of a module is used again.
pub const RESET_GLOBALS_MAX: usize = 16;

/// The export of the rewritten module that is its `index`th mutable global, the one behind [`EXPORT_HALT`] being the last.
///
/// All of them are exported, so that an instance can be reset, or none: if the module has more than
/// [`RESET_GLOBALS_MAX`], or has reachable `data.drop`, which no reset takes back.
#[must_use]
pub fn global_export(index: u32) -> String {
    format!("esker_global_{index}")
}

/// An accepted module, rewritten.
///
/// Exports `memory`, `call`, `deploy` if the contract has a constructor, [`EXPORT_HALT`], and those of [`global_export`]. The entry points have the
/// type `(fuel: i64, stack units: i32) -> (fuel left: i64)`; fuel left below zero means out of gas. Every import `(P) ->
/// (R)` has become `(P, fuel: i64) -> (R, fuel left: i64)` and must refuse negative fuel before any effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentedModule {
    /// The rewritten module. Its active data segments are empty passive ones, as they are once an instance has begun.
    pub wasm: Vec<u8>,
    /// What whoever instantiates it copies to its memory, in this order, before anything runs.
    pub data: Vec<DataSegment>,
    /// What the validator found out.
    pub facts: ModuleFacts,
}

/// Validates `wasm` under `limits` and rewrites it so that it charges `costs`.
///
/// Deterministic: the same bytes, limits and costs give the same bytes.
///
/// # Errors
/// Why the module is not acceptable.
pub fn prepare_module(wasm: &[u8], limits: &Limits, costs: &MeterCosts) -> Result<InstrumentedModule, RejectReason> {
    let module = validate(wasm, limits)?;
    let data: Vec<DataSegment> = module
        .data
        .iter()
        .filter_map(|segment| Some(DataSegment { offset: segment.offset?, bytes: segment.bytes.to_vec() }))
        .filter(|segment| !segment.bytes.is_empty())
        .collect();
    let data_bytes = data.iter().map(|segment| segment.bytes.len()).sum::<usize>();
    let facts = ModuleFacts {
        complexity: module.complexity,
        has_constructor: module.deploy.is_some(),
        initial_pages: module.memory.initial,
        maximum_pages: module.memory.maximum,
        table_entries: module.table_entries.unwrap_or(0),
        data_segments: u32::try_from(data.len()).unwrap_or(u32::MAX),
        data_bytes: u32::try_from(data_bytes).unwrap_or(u32::MAX),
        module_bytes: u32::try_from(wasm.len()).unwrap_or(u32::MAX),
        optimizable: native::optimizable(&module),
    };
    Ok(InstrumentedModule { wasm: encode::encode(&module, costs), data, facts })
}
