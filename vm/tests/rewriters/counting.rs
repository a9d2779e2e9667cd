//! Counts what an original module runs, instruction by instruction, by the table of `docs/spec/metering.md`.

use esker_abi::{InstructionCosts, MeterCosts};
use wasm_encoder::{Function, InstructionSink, ValType};
use wasmparser::Operator;

use super::{locals, operators, rewrite, types_of_functions};

/// Counts into `test_0` what `wasm` runs, one instruction at a time.
pub fn counting(wasm: &[u8], costs: &MeterCosts) -> Vec<u8> {
    let types = types_of_functions(wasm);
    rewrite(wasm, &["test_0"], |globals, index, body| {
        let (mut declared, count) = locals(body);
        let scratch = types[index as usize].params().len() as u32 + count;
        declared.push((1, ValType::I32));
        let mut out = Function::new(declared);
        let counter = globals.first;
        let add = |out: &mut InstructionSink<'_>, amount: u64| {
            if amount > 0 {
                out.global_get(counter).i64_const(amount as i64).i64_add().global_set(counter);
            }
        };
        let handed_over = types[index as usize].params().len() + types[index as usize].results().len();
        add(&mut out.instructions(), costs.local * u64::from(count) + costs.parameter * handed_over as u64);
        for (operator, bytes) in operators(wasm, body) {
            let mut code = out.instructions();
            match operator {
                Operator::MemoryGrow { .. } => {
                    // Pages beyond the free ones that this growth brings, if it succeeds.
                    add(&mut code, costs.instructions.memory_grow);
                    code.local_tee(scratch).memory_grow(0).local_tee(scratch);
                    code.local_get(scratch).i32_const(-1).i32_ne().if_(wasm_encoder::BlockType::Empty);
                    let free = i64::from(costs.free_pages);
                    code.global_get(counter);
                    code.memory_size(0).i64_extend_i32_u().i64_const(free);
                    code.memory_size(0).i64_extend_i32_u().i64_const(free).i64_gt_s().select();
                    code.local_get(scratch).i64_extend_i32_u().i64_const(free);
                    code.local_get(scratch).i64_extend_i32_u().i64_const(free).i64_gt_s().select();
                    code.i64_sub().i64_const(costs.memory_page as i64).i64_mul().i64_add().global_set(counter).end();
                }
                Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } | Operator::MemoryInit { .. } => {
                    add(&mut code, costs.instructions.bulk);
                    code.local_tee(scratch).global_get(counter).local_get(scratch).i64_extend_i32_u();
                    code.i64_const(costs.bulk_byte as i64).i64_mul().i64_add().global_set(counter);
                    out.raw(bytes.iter().copied());
                }
                operator => {
                    add(&mut code, cost(&operator, &costs.instructions));
                    out.raw(bytes.iter().copied());
                }
            }
        }
        out
    })
}

/// The cost table once more, by the instructions' own names.
fn cost(operator: &Operator<'_>, costs: &InstructionCosts) -> u64 {
    let debug = format!("{operator:?}");
    let name: String = debug.chars().take_while(char::is_ascii_alphanumeric).collect();
    match name.as_str() {
        "End" | "Else" | "Unreachable" => 0,
        "Nop" | "Drop" | "Block" | "I32Const" | "I64Const" | "LocalGet" | "LocalSet" | "LocalTee" => costs.trivial,
        "If" | "Br" | "BrIf" | "Return" => costs.branch,
        "BrTable" => costs.branch_table,
        "Call" => costs.call,
        "CallIndirect" => costs.call_indirect,
        "GlobalGet" | "GlobalSet" => costs.global,
        "MemorySize" => costs.memory_size,
        "DataDrop" => costs.bulk,
        "I32Mul" | "I64Mul" | "I32Clz" | "I32Ctz" | "I32Popcnt" | "I64Clz" | "I64Ctz" | "I64Popcnt" => costs.multiply,
        name if name.contains("Load") => costs.load,
        name if name.contains("Store") => costs.store,
        name if name.contains("Div") || name.contains("Rem") => costs.divide,
        _ => costs.simple,
    }
}
