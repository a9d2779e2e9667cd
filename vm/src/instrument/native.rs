//! Which modules an optimising compiler may have: those that cannot make it take too long, nor make a frame larger than
//! its stack units pay for.
//!
//! No consensus rule: a module that stays on the baseline gives the same results.
//!
//! **Frames.** The native stack of a frame is at least 30 bytes for each of its units. A compiler that computes a value
//! once and keeps it (common subexpressions, code moved out of loops) may have every value that the code computes alive at
//! once. Those that the wasm stack produces are paid for: a local or operand 240 bytes, a produced value 30, where 8 are
//! needed. But it also makes values that no wasm value stands for: addresses, bounds, sums of both. They are counted here,
//! for each instruction the most that its translation computes, and must fit into what is left.
//!
//! **Time.** It is worse than linear in the blocks of a function, in the locals that are merged where blocks join, in the
//! locals that loops carry, and in the calls over which values live.

use super::frame;
use crate::validate::{Class, Function, Kind, Module};

/// Native stack behind a stack unit, in bytes: what [`crate::config::NATIVE_STACK_FACTOR`] keeps ready.
const UNIT_BYTES: u64 = crate::config::NATIVE_STACK_FACTOR as u64;
/// A value kept on the native stack, in bytes.
const VALUE_BYTES: u64 = 8;
/// Return address, frame pointer, saved registers and alignment, in bytes.
const FIXED_BYTES: u64 = 256;
/// Gas, stack units, the instance and a scratch local.
const ADDED_VALUES: u64 = 8;
/// Most work, in the units of [`work`], that a module may make: about two seconds for the worst found.
const WORK_MAX: u64 = 40_000_000;

/// Whether an optimising compiler may have the module.
pub(super) fn optimizable(module: &Module<'_>) -> bool {
    let work = module.functions.iter().fold(0, |sum: u64, function| sum.saturating_add(work(module, function)));
    work <= WORK_MAX && module.functions.iter().all(|function| frame_fits(module, function))
}

/// Whether every frame that a compiler could make of the function fits what its units pay for.
fn frame_fits(module: &Module<'_>, function: &Function<'_>) -> bool {
    let found = &module.types[function.type_index as usize];
    let units = u64::from(frame::units(function, found.params.len()));
    let slots = found.params.len() as u64 + u64::from(function.local_count) + u64::from(function.operands_max);
    let derived = function.code.iter().fold(0, |sum: u64, code| sum.saturating_add(derived_values(&code.kind)));
    let handed_over = function.code.iter().map(|code| handed_over(module, &code.kind)).max().unwrap_or(0);
    let values = slots
        .saturating_add(u64::from(function.produced_values))
        .saturating_add(derived)
        .saturating_add(handed_over)
        .saturating_add(ADDED_VALUES);
    FIXED_BYTES.saturating_add(values.saturating_mul(VALUE_BYTES)) <= units.saturating_mul(UNIT_BYTES)
}

/// Most values that translating an instruction computes beside the one it produces, those of the charge before it
/// included where it can begin a segment.
fn derived_values(kind: &Kind<'_>) -> u64 {
    match kind {
        // Made anew where they are needed, or plain names of values.
        Kind::I32Const(_) | Kind::LocalGet(_) | Kind::LocalSet(_) | Kind::LocalTee(_) | Kind::Barrier => 0,
        Kind::Plain(class) => match class {
            Class::Trivial | Class::Simple | Class::Multiply => 0,
            // Signs and shifts of narrow operands, the checks of division.
            Class::Divide => 4,
            Class::GlobalGet | Class::GlobalSet | Class::MemorySize => 1,
            // The address widened, added to the memory's base, and to the offset.
            Class::Load | Class::Store => 3,
            Class::DataDrop => 2,
        },
        // A charge, its test, a condition.
        Kind::Block(_) | Kind::Loop(_) | Kind::Else | Kind::End | Kind::Br(_) | Kind::Return | Kind::Unreachable => 2,
        Kind::If(_) | Kind::BrIf(_) | Kind::BrTable(_) => 4,
        // The fuel that comes back, a callee's instance and address.
        Kind::Call(_) => 3,
        // Bounds, entry, address, type and instance of the callee.
        Kind::CallIndirect(_) => 12,
        Kind::MemoryGrow => 4,
        // Both ends of both ranges widened and added, the memory's base and size, both addresses, the charge.
        Kind::Bulk => 14,
    }
}

/// Values that a call hands over on the native stack, arguments and results together.
fn handed_over(module: &Module<'_>, kind: &Kind<'_>) -> u64 {
    let found = match kind {
        Kind::Call(callee) => module.function_type(*callee),
        Kind::CallIndirect(index) => &module.types[*index as usize],
        _ => return 0,
    };
    (found.params.len() + found.results.len() + 3) as u64
}

/// What an optimising compiler is worse than linear in.
fn work(module: &Module<'_>, function: &Function<'_>) -> u64 {
    let found = &module.types[function.type_index as usize];
    let locals = found.params.len() as u64 + u64::from(function.local_count) + 2;
    let (mut blocks, mut edges, mut calls, mut loops, mut depth) = (0_u64, 0_u64, 0_u64, Vec::new(), 0_u64);
    for code in &function.code {
        match &code.kind {
            Kind::Block(_) | Kind::If(_) => {
                blocks += 1;
                loops.push(false);
            }
            Kind::Loop(_) => {
                blocks += 1;
                loops.push(true);
                depth = depth.max(loops.iter().filter(|is_loop| **is_loop).count() as u64);
            }
            Kind::End => drop(loops.pop()),
            Kind::Br(_) | Kind::BrIf(_) | Kind::Return => blocks += 1,
            Kind::BrTable(targets) => {
                blocks += 1;
                edges = edges.saturating_add(u64::from(targets.len()) + 1);
            }
            Kind::Call(_) | Kind::CallIndirect(_) => {
                calls = calls.saturating_add(1 + handed_over(module, &code.kind) / 4);
            }
            Kind::MemoryGrow | Kind::Bulk => calls = calls.saturating_add(2),
            _ => {}
        }
    }
    let merged = blocks.saturating_mul(100).saturating_add(edges.saturating_mul(3)).saturating_mul(locals);
    let carried = depth.saturating_mul(locals);
    blocks
        .saturating_mul(blocks)
        .saturating_add(merged)
        .saturating_add(carried.saturating_mul(carried))
        .saturating_add(calls.saturating_mul(calls))
}

#[cfg(test)]
mod tests {
    use esker_abi::Limits;

    use super::*;
    use crate::validate::validate;

    fn artifact(name: &str) -> Vec<u8> {
        let path = format!("{}/../tests/vectors/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the artifact is committed");
        let artifact: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let code = artifact["bytecode"].as_str().and_then(|code| hex::decode(code.trim_start_matches("0x")).ok());
        crate::envelope::decode_code(&code.expect("it has bytecode"), u32::MAX).expect("it is an envelope")
    }

    #[test]
    fn ordinary_contracts_may_be_optimised() {
        for name in ["Erc20", "Erc721"] {
            let wasm = artifact(name);
            let module = validate(&wasm, &Limits::V1).expect("acceptable");
            for (index, function) in module.functions.iter().enumerate() {
                let found = &module.types[function.type_index as usize];
                let units = u64::from(frame::units(function, found.params.len()));
                let derived = function.code.iter().fold(0, |sum, code| sum + derived_values(&code.kind));
                assert!(
                    frame_fits(&module, function),
                    "{name}, function {index}: {} instructions, {} produced, {derived} derived, {units} units",
                    function.code.len(),
                    function.produced_values
                );
            }
            assert!(optimizable(&module), "{name}");
        }
    }

    #[test]
    fn sums_that_a_compiler_would_keep_across_a_recursive_call_stay_on_the_baseline() {
        let fills: String = (0..55)
            .flat_map(|one| (0..one).map(move |other| (one, other)))
            .map(|(one, other)| format!("(memory.fill (local.get {one}) (i32.const 0) (local.get {other}))"))
            .collect();
        let text = format!(
            r#"(module (memory (export "memory") 1)
                (func $deep {} (loop {fills} (call $deep {}) (br_if 0 (local.get 0)) {fills}))
                (func (export "call")))"#,
            "(param i32)".repeat(28) + &"(local i32)".repeat(27),
            "(local.get 0)".repeat(28)
        );
        let wasm = wat::parse_str(text).expect("valid text");
        assert!(!optimizable(&validate(&wasm, &Limits::V1).expect("acceptable")));
    }
}
