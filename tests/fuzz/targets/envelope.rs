//! Deploy payloads: bytes as they come, or a stream behind a header that fits it.

#![no_main]

use esker_fuzz::vm::oracles;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    if kind % 2 == 0 {
        oracles::envelope::taken_apart(data);
        return;
    }
    // A header that promises what two bytes say, and as much of a stream as there is.
    let Some((raw_len, stream)) = data.split_first_chunk::<2>() else { return };
    let Ok(length) = u32::try_from(stream.len()) else { return };
    let mut payload = vec![0xef, b'E', b'S', b'K', 1, 0, 0];
    payload.extend_from_slice(raw_len);
    payload.extend_from_slice(&length.to_be_bytes());
    payload.extend_from_slice(stream);
    oracles::envelope::taken_apart(&payload);
});
