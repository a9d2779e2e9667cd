//! Modules: whatever the validator accepts is rewritten to a valid module and compiles on every engine.

#![no_main]

use std::sync::LazyLock;

use esker_fuzz::vm::oracles;
use esker_vm::Engine;
use libfuzzer_sys::fuzz_target;

static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(oracles::execution::engines);

fuzz_target!(|data: &[u8]| {
    oracles::module::accepted(&ENGINES, data);
});
