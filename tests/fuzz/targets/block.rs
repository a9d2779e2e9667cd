//! Blocks: what is built from any transactions validates, and never stops the node when it is changed.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Unstructured;
use esker_fuzz::runtime::oracles::block::Chain;
use esker_vm::{Engine, EngineConfig};
use libfuzzer_sys::fuzz_target;

static CHAIN: LazyLock<Chain> =
    LazyLock::new(|| Chain::begin(Engine::new(EngineConfig::default()).expect("the engine starts")));

fuzz_target!(|data: &[u8]| {
    // Too few bytes draw no block.
    let _ = CHAIN.builds_and_validates(&mut Unstructured::new(data));
});
