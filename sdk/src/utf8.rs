//! From bytes to text.
//!
//! The standard library's validation is made for speed and takes some 700 bytes of a module; this one takes a third.

use alloc::{string::String, vec::Vec};

/// Whether all bytes are zero. Called and not repeated, where a comparison of arrays would be.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub fn is_zero(bytes: &[u8]) -> bool {
    let mut seen = 0;
    for byte in bytes {
        seen |= byte;
    }
    seen == 0
}

/// Whether the bytes are the same. In less code than the standard library's comparison, which tells what is less, too.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub fn equal<const N: usize>(one: &[u8; N], other: &[u8; N]) -> bool {
    let mut differs = 0;
    for index in 0..N {
        differs |= one[index] ^ other[index];
    }
    differs == 0
}

/// The bytes as text, or `otherwise` if they are not UTF-8.
pub fn text(bytes: Vec<u8>, otherwise: impl FnOnce() -> String) -> String {
    #[cfg(not(target_arch = "wasm32"))]
    return String::from_utf8(bytes).unwrap_or_else(|_| otherwise());
    #[cfg(target_arch = "wasm32")]
    if is_utf8(&bytes) {
        #[allow(unsafe_code, reason = "validated by our own code")]
        // SAFETY: `is_utf8` accepts UTF-8 only.
        unsafe {
            String::from_utf8_unchecked(bytes)
        }
    } else {
        // The frame is about to end: giving the memory back would only take code.
        core::mem::forget(bytes);
        otherwise()
    }
}

/// Whether the bytes are UTF-8: each code point in its shortest form, none of them a surrogate or beyond the last.
#[cfg(any(test, target_arch = "wasm32"))]
#[cfg_attr(target_arch = "wasm32", inline(never))]
fn is_utf8(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter();
    while let Some(lead) = rest.next() {
        let mut sequence = u32::from(*lead);
        if sequence < 0x80 {
            continue;
        }
        // Neither a continuation byte, nor one that begins what a single byte says, nor what lies beyond the last.
        if sequence.wrapping_sub(0xc2) > 0xf4 - 0xc2 {
            return false;
        }
        let mut more = u32::from(sequence > 0xdf) + u32::from(sequence > 0xef);
        loop {
            match rest.next() {
                Some(next) if next & 0xc0 == 0x80 => sequence = sequence << 8 | u32::from(*next),
                _ => return false,
            }
            // The first two bytes tell what is not in its shortest form, a surrogate, or beyond the last.
            if let 0xe080..=0xe09f | 0xeda0..=0xedbf | 0xf080..=0xf08f | 0xf490..=0xf4bf = sequence {
                return false;
            }
            if more == 0 {
                break;
            }
            more -= 1;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_strings_are_judged_as_the_standard_library_judges_them() {
        // Every pair of bytes, and every three- and four-byte sequence over the bytes where the rules change.
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let bytes = [first, second];
                assert_eq!(is_utf8(&bytes), str::from_utf8(&bytes).is_ok(), "{bytes:x?}");
            }
        }
        let edges = [
            0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
            0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ];
        for a in edges {
            for b in edges {
                for c in edges {
                    assert_eq!(is_utf8(&[a, b, c]), str::from_utf8(&[a, b, c]).is_ok(), "{a:x} {b:x} {c:x}");
                    for d in edges {
                        let bytes = [a, b, c, d];
                        assert_eq!(is_utf8(&bytes), str::from_utf8(&bytes).is_ok(), "{bytes:x?}");
                    }
                }
            }
        }
    }
}
