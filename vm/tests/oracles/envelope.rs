//! Deploy payloads.

use std::io::Read;

use esker_vm::envelope;

/// Most that these checks let a payload inflate to, in bytes. The chain's own limit, charged for beforehand, is lower.
const RAW_BYTES_MAX: u32 = 1 << 20;

/// Takes `payload` apart: an error, or parts that fit together and a module that is what another inflater gives.
/// Returns the module if there is one.
pub fn taken_apart(payload: &[u8]) -> Option<Vec<u8>> {
    let parsed = match envelope::parse(payload) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(
                envelope::decode_code(payload, u32::MAX),
                Err(error),
                "the whole decoder says what the first step says"
            );
            return None;
        }
    };
    assert_eq!([parsed.code, parsed.arguments].concat(), payload, "code and arguments are the payload");
    if parsed.raw_len > RAW_BYTES_MAX {
        return None;
    }
    let wasm = match parsed.inflate() {
        Ok(wasm) => wasm,
        Err(error) => {
            assert_eq!(envelope::decode_code(parsed.code, u32::MAX), Err(error));
            return None;
        }
    };
    assert_eq!(wasm.len(), parsed.raw_len as usize, "exactly the promised length");
    assert_eq!(envelope::decode_code(parsed.code, u32::MAX).as_ref(), Ok(&wasm));
    assert_eq!(envelope::decode_code(payload, u32::MAX).is_ok(), parsed.arguments.is_empty());
    let (theirs, used) = flate2_inflates(parsed.compressed());
    assert_eq!(theirs.as_ref(), Some(&wasm), "flate2 reads the same stream otherwise");
    assert_eq!(used, parsed.compressed().len() as u64, "nothing trails the stream");
    assert_eq!(envelope::decode_code(&envelope::encode(&wasm), u32::MAX).as_ref(), Ok(&wasm), "wrapped anew");
    Some(wasm)
}

fn flate2_inflates(stream: &[u8]) -> (Option<Vec<u8>>, u64) {
    let mut decoder = flate2::bufread::DeflateDecoder::new(stream);
    let mut out = Vec::new();
    let read = decoder.read_to_end(&mut out);
    (read.ok().map(|_| out), decoder.total_in())
}
