//! What a module's file looks like: artifact ‖ data ‖ facts ‖ length of data u32 ‖ keyed hash ‖ magic, numbers
//! little-endian. The data are the segments, each offset u32 ‖ length u32 ‖ bytes.

use crate::{DataSegment, ModuleFacts};

const MAGIC: [u8; 8] = *b"ESKMOD04";
const HASH_BYTES: usize = 32;
/// complexity u64 ‖ module bytes, initial pages, maximum pages, table entries, data segments, data bytes u32 ‖ constructor, optimizable u8.
const FACTS_BYTES: usize = 34;
const LENGTH_BYTES: usize = 4;
/// Facts, length of the data, hash and magic.
const TRAILER_BYTES: usize = FACTS_BYTES + LENGTH_BYTES + HASH_BYTES + MAGIC.len();

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("truncated")]
    Truncated,
    #[error("not a module file")]
    Foreign,
    #[error("its contents do not match its hash")]
    Corrupt,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) facts: ModuleFacts,
    pub(super) artifact_bytes: usize,
    data_bytes: usize,
}

impl Contents {
    /// Takes a file apart. `sound` is given what the hash covers and the hash, and says whether they agree.
    pub(super) fn read(bytes: &[u8], sound: impl FnOnce((&[u8], &[u8; HASH_BYTES])) -> bool) -> Result<Self, Unusable> {
        let hashed_bytes = bytes.len().checked_sub(HASH_BYTES + MAGIC.len()).ok_or(Unusable::Truncated)?;
        let trailer_at = bytes.len().checked_sub(TRAILER_BYTES).ok_or(Unusable::Truncated)?;
        let (hashed, end) = bytes.split_at_checked(hashed_bytes).ok_or(Unusable::Truncated)?;
        let (hash, magic) = end.split_first_chunk::<HASH_BYTES>().ok_or(Unusable::Truncated)?;
        if magic != MAGIC {
            return Err(Unusable::Foreign);
        }
        if !sound((hashed, hash)) {
            return Err(Unusable::Corrupt);
        }
        let trailer = hashed.get(trailer_at..).ok_or(Unusable::Corrupt)?;
        let (facts, length) = trailer.split_first_chunk::<FACTS_BYTES>().ok_or(Unusable::Corrupt)?;
        let length = <[u8; LENGTH_BYTES]>::try_from(length).map_err(|_| Unusable::Corrupt)?;
        let data_bytes = usize::try_from(u32::from_le_bytes(length)).map_err(|_| Unusable::Corrupt)?;
        let artifact_bytes = trailer_at.checked_sub(data_bytes).ok_or(Unusable::Corrupt)?;
        let facts = decode_facts(facts).ok_or(Unusable::Corrupt)?;
        Ok(Self { facts, artifact_bytes, data_bytes })
    }

    /// The data segments in `file`, the bytes that this was read from.
    pub(super) fn data(&self, file: &[u8]) -> Vec<DataSegment> {
        let mut rest = file.get(self.artifact_bytes..self.artifact_bytes + self.data_bytes).unwrap_or_default();
        let mut segments = Vec::new();
        while let Some((offset, after)) = rest.split_first_chunk::<4>()
            && let Some((length, after)) = after.split_first_chunk::<4>()
            && let Some((bytes, after)) = after.split_at_checked(u32::from_le_bytes(*length) as usize)
        {
            segments.push(DataSegment { offset: u32::from_le_bytes(*offset), bytes: bytes.to_vec() });
            rest = after;
        }
        segments
    }
}

/// What stands between the artifact and the hash.
pub(super) fn tail(data: &[DataSegment], facts: &ModuleFacts) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in data {
        bytes.extend_from_slice(&segment.offset.to_le_bytes());
        bytes.extend_from_slice(&(segment.bytes.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&segment.bytes);
    }
    let length = bytes.len() as u32;
    bytes.extend_from_slice(&encode_facts(facts));
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes
}

/// What stands at the very end.
pub(super) fn end(hash: &blake3::Hash) -> [u8; HASH_BYTES + MAGIC.len()] {
    let mut bytes = [0; HASH_BYTES + MAGIC.len()];
    let (for_hash, for_magic) = bytes.split_at_mut(HASH_BYTES);
    for_hash.copy_from_slice(hash.as_bytes());
    for_magic.copy_from_slice(&MAGIC);
    bytes
}

fn encode_facts(facts: &ModuleFacts) -> Vec<u8> {
    // Every field by name, so that a new one cannot be forgotten here.
    let ModuleFacts {
        module_bytes,
        complexity,
        has_constructor,
        initial_pages,
        maximum_pages,
        table_entries,
        data_segments,
        data_bytes,
        optimizable,
    } = *facts;
    let mut bytes = complexity.to_le_bytes().to_vec();
    for number in [module_bytes, initial_pages, maximum_pages, table_entries, data_segments, data_bytes] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&[u8::from(has_constructor), u8::from(optimizable)]);
    bytes
}

fn decode_facts(bytes: &[u8; FACTS_BYTES]) -> Option<ModuleFacts> {
    let (complexity, mut rest) = bytes.split_first_chunk::<8>()?;
    let mut number = || {
        let (number, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        Some(u32::from_le_bytes(*number))
    };
    let (module_bytes, initial_pages, maximum_pages) = (number()?, number()?, number()?);
    let (table_entries, data_segments, data_bytes) = (number()?, number()?, number()?);
    let [constructor @ (0 | 1), optimizable @ (0 | 1)] = rest else { return None };
    Some(ModuleFacts {
        module_bytes,
        complexity: u64::from_le_bytes(*complexity),
        has_constructor: *constructor == 1,
        initial_pages,
        maximum_pages,
        table_entries,
        data_segments,
        data_bytes,
        optimizable: *optimizable == 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: ModuleFacts = ModuleFacts {
        module_bytes: 1,
        complexity: u64::MAX - 2,
        has_constructor: true,
        initial_pages: 3,
        maximum_pages: 4,
        table_entries: 5,
        data_segments: 6,
        data_bytes: 7,
        optimizable: false,
    };

    #[test]
    fn a_file_comes_apart_as_it_was_put_together() {
        let data =
            vec![DataSegment { offset: 7, bytes: b"seven".to_vec() }, DataSegment { offset: 0, bytes: Vec::new() }];
        let hash = blake3::hash(b"any");
        let file = [b"artifact".as_slice(), &tail(&data, &FACTS), &end(&hash)].concat();
        let contents = Contents::read(&file, |(hashed, found)| {
            assert_eq!((hashed.len(), found), (file.len() - 40, hash.as_bytes()));
            true
        })
        .expect("sound");
        assert_eq!((contents.facts, contents.artifact_bytes), (FACTS, 8));
        assert_eq!(contents.data(&file), data);
        assert!(matches!(Contents::read(&file, |_| false), Err(Unusable::Corrupt)));
        for len in 0..file.len() {
            assert!(Contents::read(&file[..len], |_| true).is_err(), "cut at {len}");
        }
    }
}
