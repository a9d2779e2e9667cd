//! The logical stack: what a frame of a function takes, and which functions take it.

use crate::validate::{Function, Kind, Module};

/// Units of any frame: return address, saved registers, gas.
const FRAME_BASE: u32 = 128;
/// Units of a parameter, a local or an operand.
const FRAME_SLOT: u32 = 8;
/// A function that calls no function of the module and takes at most this many units takes none: it cannot recurse, and
/// only one such frame is live at a time.
const LEAF_FRAME_MAX: u32 = 4_096;

/// Stack units of a frame: 128 + 8 × (parameters + locals + highest operand stack) + 1 per produced value.
///
/// The last term is there because an optimiser keeps values alive across calls that are neither locals nor operands.
pub(super) fn units(function: &Function<'_>, params: usize) -> u32 {
    let params = u32::try_from(params).unwrap_or(u32::MAX);
    let slots = params.saturating_add(function.local_count).saturating_add(function.operands_max);
    FRAME_BASE.saturating_add(slots.saturating_mul(FRAME_SLOT)).saturating_add(function.produced_values)
}

/// Stack units that the function takes at its entry, or `None` if it takes none and does not check the stack.
pub(super) fn charged_units(module: &Module<'_>, function: &Function<'_>) -> Option<u32> {
    let params = module.types[function.type_index as usize].params.len();
    let units = units(function, params);
    let calls = function.code.iter().any(|instruction| match instruction.kind {
        Kind::Call(callee) => module.defined(callee).is_some(),
        Kind::CallIndirect(_) => true,
        _ => false,
    });
    (calls || units > LEAF_FRAME_MAX).then_some(units)
}
