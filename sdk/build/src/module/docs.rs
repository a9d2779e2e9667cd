//! The documentation that the linker's module carries, and the built one does not.

use super::section::custom_section;

/// Where `#[contract]` puts it.
pub(crate) const SECTION_DOCS: &str = "esker.docs";

/// The documentation of the contract, then of each item of its ABI in order: each with its length before it, a big-endian
/// `u32`. `None` if the module carries none.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn docs(wasm: &[u8]) -> Result<Option<Vec<String>>, String> {
    custom_section(wasm, SECTION_DOCS)?.map(|section| read(&section)).transpose()
}

fn read(mut rest: &[u8]) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let part = rest.split_first_chunk::<4>().and_then(|(length, after)| {
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            after.split_at_checked(length)
        });
        let (text, after) = part.ok_or("its documentation ends too early")?;
        texts.push(String::from_utf8(text.to_vec()).map_err(|_| "its documentation is not UTF-8")?);
        rest = after;
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_damage_is_refused() {
        let section = b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c";
        assert_eq!(read(section), Ok(vec!["ab".to_owned(), String::new(), "c".to_owned()]));
        assert_eq!(read(b""), Ok(Vec::new()));
        for odd in [&section[..section.len() - 1], b"\0\0\0", b"\0\0\0\x01\xff", b"\xff\xff\xff\xffab"] {
            assert!(read(odd).is_err(), "{odd:?}");
        }
    }
}
