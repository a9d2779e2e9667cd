//! A detour for wasmi 2.0.0, whose translator fuses a `select` with the comparison before it and, between another
//! comparison and a division, forgets where the comparison's operand lies. A condition that comes out of a local is not
//! fused.

use wasm_encoder::{Function, ValType};
use wasmparser::Operator;

use super::{locals, operators, params_of_functions, rewrite};

/// The module with every condition of a `select` passed through a local.
pub fn kept_apart(wasm: &[u8]) -> Vec<u8> {
    let params = params_of_functions(wasm);
    rewrite(wasm, &[], |_, index, body| {
        let (mut declared, count) = locals(body);
        let condition = params[index as usize].len() as u32 + count;
        let code = operators(wasm, body);
        if code.iter().any(|(operator, _)| matches!(operator, Operator::Select)) {
            declared.push((1, ValType::I32));
        }
        let mut out = Function::new(declared);
        for (operator, bytes) in code {
            if matches!(operator, Operator::Select) {
                out.instructions().local_set(condition).local_get(condition);
            }
            out.raw(bytes.iter().copied());
        }
        out
    })
}
