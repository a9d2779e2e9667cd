//! The custom sections that are Esker's own, and how they are written: deflated, since deploying pays for every byte of a
//! module, and text shrinks to a fifth.

use std::io::Read;

use flate2::read::DeflateDecoder;
use wasmparser::{Parser, Payload};

use crate::deflate::deflate;

/// The first byte of a deflated section. The JSON of a section that is not deflated begins with another.
const DEFLATED: u8 = 1;

/// The most that the sections of one name may inflate to together, in bytes: as much as the largest module has room for.
const INFLATED_MAX: u64 = 1 << 20;

/// The section's content as it is stored: a byte 1 and raw DEFLATE (RFC 1951) of it; as it is, where that is no longer.
pub(crate) fn pack(content: &[u8]) -> Vec<u8> {
    if content.first() == Some(&DEFLATED) {
        return content.to_vec();
    }
    let packed = [&[DEFLATED], &*deflate(content)].concat();
    if packed.len() < content.len() { packed } else { content.to_vec() }
}

/// The content of a stored section, deflated or not.
///
/// # Errors
/// Says what is wrong with a deflated one.
pub(crate) fn unpack(stored: &[u8]) -> Result<Vec<u8>, String> {
    let mut room = INFLATED_MAX;
    unpack_into(stored, &mut room)
}

/// The content of a stored section, deflated or not. A deflated one may inflate to `room` bytes, and leaves what it does
/// not take of them.
///
/// # Errors
/// Says what is wrong with a deflated one.
fn unpack_into(stored: &[u8], room: &mut u64) -> Result<Vec<u8>, String> {
    let Some((&DEFLATED, stream)) = stored.split_first() else { return Ok(stored.to_vec()) };
    let mut content = Vec::new();
    let mut decoder = DeflateDecoder::new(stream);
    decoder
        .by_ref()
        .take(*room + 1)
        .read_to_end(&mut content)
        .map_err(|error| format!("it cannot be inflated: {error}"))?;
    *room = room
        .checked_sub(content.len() as u64)
        .ok_or_else(|| format!("it inflates to more than {INFLATED_MAX} bytes, with others of its name"))?;
    if decoder.total_in() != stream.len() as u64 {
        return Err("bytes follow its end".to_owned());
    }
    Ok(content)
}

/// Content of every custom section of that name, one after another, as the linker joins them. `None` if there is none.
///
/// # Errors
/// Says what is wrong with a deflated one.
pub(crate) fn custom_section(wasm: &[u8], name: &str) -> Result<Option<Vec<u8>>, String> {
    let mut found: Option<Vec<u8>> = None;
    let mut room = INFLATED_MAX;
    for payload in Parser::new(0).parse_all(wasm) {
        if let Ok(Payload::CustomSection(section)) = payload
            && section.name() == name
        {
            found.get_or_insert_default().extend(unpack_into(section.data(), &mut room)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_and_the_rest_is_taken_as_it_is() {
        let text =
            br#"[{"type":"receive","stateMutability":"payable"},{"type":"fallback","stateMutability":"payable"}]"#;
        let packed = pack(text);
        assert!(packed.len() < text.len() && packed[0] == DEFLATED, "{packed:?}");
        assert_eq!(unpack(&packed).as_deref(), Ok(&text[..]));
        assert_eq!(pack(&packed), packed, "packing twice changes nothing more");
        assert_eq!(pack(b"[]"), b"[]");
        for plain in [&b"[]"[..], b"", b"{\"abi\":[]}"] {
            assert_eq!(unpack(plain).as_deref(), Ok(plain));
        }
    }

    #[test]
    fn damaged_and_greedy_streams_are_refused() {
        let packed = pack(&[b'a'; 1000]);
        for length in 1..packed.len() {
            assert!(unpack(&packed[..length]).is_err(), "cut to {length} bytes");
        }
        assert!(unpack(&[packed.as_slice(), b"more"].concat()).is_err());
        let bomb = pack(&vec![b' '; 1 << 21]);
        assert!(bomb.len() < 4096 && unpack(&bomb).is_err_and(|reason| reason.contains("more than")));
    }

    #[test]
    fn sections_of_one_name_share_the_room() {
        let module = |contents: &[&[u8]]| {
            let mut module = wasm_encoder::Module::new();
            for content in contents {
                module.section(&wasm_encoder::CustomSection { name: "esker.abi".into(), data: (*content).into() });
                module.section(&wasm_encoder::CustomSection { name: "other".into(), data: (*content).into() });
            }
            module.finish()
        };
        let half = pack(&vec![b' '; 1 << 19]);
        let whole =
            custom_section(&module(&[&half, b"[]", &half]), "esker.abi").expect("it fits").expect("it is there");
        assert_eq!(whole.len() as u64, INFLATED_MAX + 2);
        let one_more = pack(&[b' '; 100]);
        let refused = custom_section(&module(&[&half, &half, &one_more]), "esker.abi");
        assert!(refused.is_err_and(|reason| reason.contains("more than")));
    }
}
