//! Gossiped transactions: bytes as they come.

#![no_main]

use bytes::Bytes;
use esker_fuzz::node::oracles;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    oracles::gossip(&Bytes::copy_from_slice(data));
});
