//! Lays open by how much a run that an injected test stopped was short of fuel or of stack.

use wasm_encoder::Function;
use wasmparser::{Operator, ValType};

use super::{halt_and_imports, locals, operators, params_of_functions, rewrite};

/// The global that holds what fuel was left where a test struck: below zero if fuel was short.
pub const FUEL: &str = "probe_fuel";
/// The same for stack units, as far as they reach there.
pub const STACK: &str = "probe_stack";

/// A rewritten module that keeps fuel and stack units in [`FUEL`] and [`STACK`] wherever a test strikes.
pub fn probed(wasm: &[u8]) -> Vec<u8> {
    let params = params_of_functions(wasm);
    let (halt, _) = halt_and_imports(wasm);
    rewrite(wasm, &[FUEL, STACK], |globals, index, body| {
        let (declared, _) = locals(body);
        let params = &params[index as usize];
        // Fuel is the last parameter, but for the stack units of an internal function.
        let (fuel, stack) = match params.as_slice() {
            [.., ValType::I64, ValType::I32] => (params.len() - 2, Some(params.len() - 1)),
            _ => (params.len() - 1, None),
        };
        let mut out = Function::new(declared);
        for (operator, bytes) in operators(wasm, body) {
            if matches!(operator, Operator::GlobalSet { global_index } if global_index == halt) {
                let mut code = out.instructions();
                code.local_get(fuel as u32).global_set(globals.first);
                if let Some(stack) = stack {
                    code.local_get(stack as u32).i64_extend_i32_s().global_set(globals.first + 1);
                }
            }
            out.raw(bytes.iter().copied());
        }
        out
    })
}
