//! Executions: a generated contract ends alike on every engine, with a cold and a warm cache.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Unstructured;
use esker_fuzz::vm::{generators, oracles};
use esker_vm::Engine;
use libfuzzer_sys::fuzz_target;

static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(oracles::execution::engines);
static SHAPE: LazyLock<Vec<u8>> =
    LazyLock::new(|| wat::parse_str(generators::smith::SHAPE).expect("the shape is sound"));

/// Most fuel of a run: some milliseconds.
const FUEL_MAX: u64 = 4_000_000_000;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Unstructured::new(data);
    let Ok((kind, fuel, input)) = bytes.arbitrary::<(u8, u64, [u8; 8])>() else { return };
    if kind % 2 == 0 {
        let Ok(wasm) = generators::host_calls::contract(&mut bytes) else { return };
        assert!(oracles::module::accepted(&ENGINES, &wasm).is_some(), "the generator makes acceptable modules");
        oracles::execution::same_everywhere(&ENGINES, &wasm, &input, fuel % FUEL_MAX);
    } else {
        let Some(module) = generators::smith::contract(&mut bytes, &SHAPE, kind % 4 == 1) else { return };
        let wasm = module.to_bytes();
        if oracles::module::accepted(&ENGINES, &wasm).is_some() {
            oracles::execution::exact_everywhere(&ENGINES, &wasm, &input, fuel % (FUEL_MAX / 100));
        }
    }
});
