//! Modules: only the validator decides validity, so what it accepts must compile on every engine.

use esker_vm::abi::{Limits, MeterCosts, MeterVersion};
use esker_vm::{Code, Engine, Preparation, crypto, envelope, execution, prepare_module};
use primitive_types::H256;
use wasmparser::{Validator, WasmFeatures};

/// Offers `wasm` to the validator: a reason in printable words, or a rewritten module that is valid, the same every time
/// and compiles on all of `engines`. Returns the rewritten module if there is one.
pub fn accepted(engines: &[Engine], wasm: &[u8]) -> Option<Vec<u8>> {
    let prepared = prepare_module(wasm, &Limits::V1, &MeterCosts::V1);
    assert_eq!(prepare_module(wasm, &Limits::V1, &MeterCosts::V1), prepared, "the same bytes, the same answer");
    let module = match prepared {
        Ok(module) => module,
        Err(reason) => {
            let text = reason.to_string();
            assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
            return None;
        }
    };
    assert!(wasm.len() <= Limits::V1.module_bytes_max as usize);
    assert!(module.facts.maximum_pages <= Limits::V1.memory_pages_max);
    assert!(module.facts.complexity <= Limits::V1.complexity_max);
    let mut validator = Validator::new_with_features(WasmFeatures::WASM2);
    validator.validate_all(&module.wasm).unwrap_or_else(|error| panic!("the rewritten module is invalid: {error}"));
    let envelope = envelope::encode(wasm);
    let code = Code { hash: H256(crypto::keccak256(&envelope)), envelope: &envelope, meter: MeterVersion::V1 };
    for engine in engines {
        let found = execution(engine, |session| session.prepare(code, u64::MAX));
        assert_eq!(found, Ok(Preparation::Ready(module.facts)), "an accepted module on {}", engine.kind());
    }
    Some(module.wasm)
}
