//! From bytes to text.
//!
//! The standard library's validation is made for speed and takes some 700 bytes of a module; this one takes a third.

use alloc::{string::String, vec::Vec};

/// The bytes as text, if they are UTF-8.
pub fn text(bytes: Vec<u8>) -> Option<String> {
    #[cfg(not(target_arch = "wasm32"))]
    return String::from_utf8(bytes).ok();
    #[cfg(target_arch = "wasm32")]
    if is_utf8(&bytes) {
        #[allow(unsafe_code, reason = "validated by our own code")]
        // SAFETY: `is_utf8` accepts UTF-8 only.
        Some(unsafe { String::from_utf8_unchecked(bytes) })
    } else {
        None
    }
}

/// Whether the bytes are UTF-8: the table "Well-Formed UTF-8 Byte Sequences" of the Unicode standard.
#[cfg(any(test, target_arch = "wasm32"))]
fn is_utf8(bytes: &[u8]) -> bool {
    // How many continuation bytes are still to come, and what the next one may be.
    let (mut missing, mut low, mut high) = (0, 0x80, 0xbf);
    for &byte in bytes {
        if missing > 0 {
            if byte < low || byte > high {
                return false;
            }
            missing -= 1;
            (low, high) = (0x80, 0xbf);
        } else if byte >= 0x80 {
            missing = match byte {
                0xc2..=0xdf => 1,
                0xe0..=0xef => 2,
                0xf0..=0xf4 => 3,
                _ => return false,
            };
            match byte {
                0xe0 => low = 0xa0,
                0xed => high = 0x9f,
                0xf0 => low = 0x90,
                0xf4 => high = 0x8f,
                _ => {}
            }
        }
    }
    missing == 0
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
