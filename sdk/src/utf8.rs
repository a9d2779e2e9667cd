//! From bytes to text.
//!
//! The standard library's validation is made for speed and takes some 700 bytes of a module; this one takes a third.

use alloc::{string::String, vec::Vec};

/// Whether all bytes are zero. Called and not repeated, where a comparison of arrays would be.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub fn is_zero(bytes: &[u8]) -> bool {
    // Four at a time, since what is asked about is mostly that long, and a load costs the same.
    let (words, rest) = bytes.as_chunks::<4>();
    words.iter().all(|word| u32::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
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
        // A lead byte begins with as many ones as the sequence has bytes; a continuation byte with one.
        let length = lead.leading_ones();
        if length == 0 {
            continue;
        }
        let mut point = u32::from(lead & 0x0f);
        if length == 2 {
            point = u32::from(lead & 0x1f);
        }
        let least = match length {
            2 => 0x80,
            3 => 0x800,
            4 => 0x1_0000,
            _ => return false,
        };
        for _ in 1..length {
            match rest.next() {
                Some(next) if next & 0xc0 == 0x80 => point = point << 6 | u32::from(next & 0x3f),
                _ => return false,
            }
        }
        if point < least || point > 0x10_ffff || point >> 11 == 0x1b {
            return false;
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
