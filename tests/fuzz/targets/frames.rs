//! Native stack: whatever recurses ends alike on every compiler, and none of their frames outgrows what its units pay for.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Unstructured;
use esker_fuzz::vm::{generators, oracles};
use esker_vm::Engine;
use libfuzzer_sys::fuzz_target;

static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(oracles::execution::engines);

/// Fuel of a run: enough for the stack to end first.
const FUEL: u64 = 30_000_000_000;

fuzz_target!(|data: &[u8]| {
    let Ok(wasm) = generators::frames::contract(&mut Unstructured::new(data)) else { return };
    if oracles::module::accepted(&ENGINES, &wasm).is_some() {
        oracles::execution::same_everywhere(&ENGINES, &wasm, &[], FUEL);
    }
});
