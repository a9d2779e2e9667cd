//! Call data in the SDK: what is accepted is what alloy reads.

#![no_main]

use esker_fuzz::sdk::abi;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, data)) = data.split_first() else { return };
    let (which, words) = (usize::from(which & 0x7f), which & 0x80 != 0);
    if words {
        abi::decoded(which, &abi::words(&data[..data.len().min(200)]));
    } else {
        abi::decoded(which, data);
    }
});
