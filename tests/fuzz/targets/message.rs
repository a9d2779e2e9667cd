//! Messages of consensus and sync, certificates among them: the first byte says which.

#![no_main]

use bytes::Bytes;
use esker_fuzz::node::oracles;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    oracles::message(*kind, &Bytes::copy_from_slice(data));
});
