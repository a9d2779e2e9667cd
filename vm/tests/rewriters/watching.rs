//! Watches a rewritten module and records the most it charges between two tests.

use wasm_encoder::Function;
use wasmparser::Operator;

use super::{halt_and_imports, locals, operators, params_of_functions, rewrite};

/// Watches a rewritten module: `test_0` is what was charged since the last test, `test_1` the most it ever was.
///
/// Growth and bulk operations charge by a multiplication and test at once, so only constant charges are watched.
pub fn watching(wasm: &[u8]) -> Vec<u8> {
    let params = params_of_functions(wasm);
    let (halt, imports) = halt_and_imports(wasm);
    rewrite(wasm, &["test_0", "test_1"], |globals, index, body| {
        let (declared, _) = locals(body);
        let (pending, most) = (globals.first, globals.first + 1);
        let gas = (params[index as usize].len() as u32).saturating_sub(2);
        let mut out = Function::new(declared);
        let code = operators(wasm, body);
        let at = |index: usize| code.get(index).map(|(operator, _)| operator);
        for (index, (operator, bytes)) in code.iter().enumerate() {
            let is_test = matches!(operator, Operator::If { .. })
                && matches!(at(index + 1), Some(Operator::I32Const { value: 1 }))
                && (2..9).any(|ahead| matches!(at(index + ahead), Some(Operator::GlobalSet { global_index }) if *global_index == halt));
            let is_host_call = matches!(operator, Operator::Call { function_index } if *function_index < imports);
            if is_test || is_host_call {
                out.instructions().i64_const(0).global_set(pending);
            }
            out.raw(bytes.iter().copied());
            let writes_gas = matches!(operator, Operator::LocalSet { local_index } | Operator::LocalTee { local_index } if *local_index == gas);
            if writes_gas
                && matches!(index.checked_sub(1).and_then(at), Some(Operator::I64Sub))
                && let Some(Operator::I64Const { value }) = index.checked_sub(2).and_then(at)
            {
                let mut sink = out.instructions();
                sink.global_get(pending).i64_const(*value).i64_add().global_set(pending);
                sink.global_get(pending).global_get(most).global_get(pending).global_get(most).i64_gt_s().select();
                sink.global_set(most);
            }
        }
        out
    })
}
