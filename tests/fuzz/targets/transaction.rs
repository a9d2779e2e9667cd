//! Raw transactions: bytes as they come, or a signed transaction and changes to its encoding.

#![no_main]

use alloy_eips::eip2718::Encodable2718;
use arbitrary::Unstructured;
use esker_fuzz::runtime::{generators, oracles};
use esker_runtime::ChainConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let config = ChainConfig::new(generators::transaction::CHAIN_ID);
    let Some((kind, data)) = data.split_first() else { return };
    if kind % 2 == 0 {
        oracles::transaction::decoded(data, &config);
        return;
    }
    let mut bytes = Unstructured::new(data);
    let drawn = generators::transaction::transaction(&mut bytes, &mut [0; 4], &[], &[]);
    let Ok(mut raw) = drawn.map(|transaction| transaction.encoded_2718()) else { return };
    oracles::transaction::decoded(&raw, &config);
    for _ in 0..3 {
        let (Ok(place), Ok(byte)) = (bytes.choose_index(raw.len()), bytes.arbitrary()) else { return };
        raw[place] = byte;
        oracles::transaction::decoded(&raw, &config);
    }
});
