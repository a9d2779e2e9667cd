//! DEFLATE (RFC 1951) in the fewest bytes that can be found: deploying pays for every byte, and a contract is built seldom.

use std::num::NonZeroU64;

use esker_vm::envelope;
use zopfli::{Format, Options};

/// Tries to better the splitting into blocks and matches. More find nothing in contracts of 8 to 66 KB.
const ITERATIONS: NonZeroU64 = NonZeroU64::new(5).expect("it is not zero");

/// A raw DEFLATE stream of `bytes`: the same for the same bytes.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let options = Options { iteration_count: ITERATIONS, ..Options::default() };
    let mut stream = Vec::new();
    zopfli::compress(options, Format::Deflate, bytes, &mut stream).expect("reading and writing memory does not fail");
    stream
}

/// The deploy envelope of a module.
///
/// # Panics
/// If the module is 4 GiB or longer.
pub fn envelope(wasm: &[u8]) -> Vec<u8> {
    envelope::wrap(wasm.len(), &deflate(wasm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_opens_to_its_module_and_is_no_longer_than_the_quick_one() {
        let mut wasm: Vec<u8> = (0..60_000u32).map(|number| (number.wrapping_mul(number) >> 7) as u8 & 0x1f).collect();
        for length in [0, 1, 2, 3, 300, 60_000] {
            wasm.truncate(60_000);
            let module = &wasm[..length];
            let packed = envelope(module);
            assert_eq!(envelope::decode_code(&packed, 1 << 20).as_deref(), Ok(module), "{length} bytes");
            assert!(packed.len() <= envelope::encode(module).len(), "{length} bytes");
        }
    }
}
