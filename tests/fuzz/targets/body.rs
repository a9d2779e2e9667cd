//! Proposed blocks: bytes as they come.

#![no_main]

use esker_fuzz::node::oracles;
use esker_runtime::ChainConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    oracles::block(data, &ChainConfig::new(31_337));
});
