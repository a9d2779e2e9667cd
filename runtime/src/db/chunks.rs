//! Values longer than [`MAX_VALUE_BYTES`], cut into chunks.
//!
//! Chunk `i` of the value at `key` stands at `key ‖ i` (u16, big-endian). Chunk 0 begins with the length of the whole
//! value (u32, big-endian); every chunk but the last is exactly [`MAX_VALUE_BYTES`] long.

use super::{Batch, MAX_VALUE_BYTES, Store, StoreError};

const LENGTH_BYTES: usize = 4;

/// Longest value that can be chunked, in bytes.
pub const MAX_CHUNKED_BYTES: usize = MAX_VALUE_BYTES * (u16::MAX as usize + 1) - LENGTH_BYTES;

/// Key of chunk `index` of the value at `key`.
fn chunk_key(key: &[u8], index: u16) -> Vec<u8> {
    let mut full = Vec::with_capacity(key.len() + 2);
    full.extend_from_slice(key);
    full.extend_from_slice(&index.to_be_bytes());
    full
}

fn chunk_count(value_bytes: usize) -> usize {
    (value_bytes + LENGTH_BYTES).div_ceil(MAX_VALUE_BYTES)
}

/// Writes `value` at `key`. A longer value that stood there before must be removed first with [`delete_chunked`],
/// else its last chunks stay behind.
///
/// # Panics
/// If the value is longer than [`MAX_CHUNKED_BYTES`] (256 MiB).
pub fn put_chunked(batch: &mut Batch, key: &[u8], value: &[u8]) {
    assert!(value.len() <= MAX_CHUNKED_BYTES, "a value of {} bytes is too long for the store", value.len());
    let length = u32::try_from(value.len()).expect("MAX_CHUNKED_BYTES is below 2^32");
    let (head, mut rest) = value.split_at(value.len().min(MAX_VALUE_BYTES - LENGTH_BYTES));
    let mut first = Vec::with_capacity(LENGTH_BYTES + head.len());
    first.extend_from_slice(&length.to_be_bytes());
    first.extend_from_slice(head);
    batch.put(chunk_key(key, 0), first);
    let mut index = 0u16;
    while !rest.is_empty() {
        index = index.checked_add(1).expect("MAX_CHUNKED_BYTES bounds the number of chunks");
        let (chunk, after) = rest.split_at(rest.len().min(MAX_VALUE_BYTES));
        batch.put(chunk_key(key, index), chunk);
        rest = after;
    }
}

/// The value that [`put_chunked`] wrote at `key`.
///
/// # Errors
/// [`StoreError::Io`] if the store fails, [`StoreError::Corrupt`] if a chunk is missing or has the wrong length.
pub fn get_chunked(store: &dyn Store, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    get_chunked_with(|key| store.get(key), key)
}

/// As [`get_chunked`], reading single values with `get`.
///
/// # Errors
/// As [`get_chunked`].
pub fn get_chunked_with<V: AsRef<[u8]>>(
    mut get: impl FnMut(&[u8]) -> Result<Option<V>, StoreError>,
    key: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(first) = get(&chunk_key(key, 0))? else { return Ok(None) };
    let (length, head) = split_length(first.as_ref(), key)?;
    let mut value = Vec::with_capacity(length);
    value.extend_from_slice(head);
    for index in 1..chunk_count(length) {
        let index = u16::try_from(index).map_err(|_| damaged(key))?;
        let chunk = get(&chunk_key(key, index))?.ok_or_else(|| damaged(key))?;
        value.extend_from_slice(chunk.as_ref());
    }
    if value.len() == length { Ok(Some(value)) } else { Err(damaged(key)) }
}

/// Removes the value that [`put_chunked`] wrote at `key`; nothing if there is none.
///
/// # Errors
/// As [`get_chunked`].
pub fn delete_chunked(store: &dyn Store, batch: &mut Batch, key: &[u8]) -> Result<(), StoreError> {
    delete_chunked_with(|key| store.get(key), batch, key)
}

/// As [`delete_chunked`], reading single values with `get`.
///
/// # Errors
/// As [`get_chunked`].
pub fn delete_chunked_with<V: AsRef<[u8]>>(
    mut get: impl FnMut(&[u8]) -> Result<Option<V>, StoreError>,
    batch: &mut Batch,
    key: &[u8],
) -> Result<(), StoreError> {
    let Some(first) = get(&chunk_key(key, 0))? else { return Ok(()) };
    let (length, _) = split_length(first.as_ref(), key)?;
    for index in 0..chunk_count(length) {
        batch.delete(chunk_key(key, u16::try_from(index).map_err(|_| damaged(key))?));
    }
    Ok(())
}

fn split_length<'a>(first: &'a [u8], key: &[u8]) -> Result<(usize, &'a [u8]), StoreError> {
    let (length, head) = first.split_first_chunk::<LENGTH_BYTES>().ok_or_else(|| damaged(key))?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > MAX_CHUNKED_BYTES || head.len() != length.min(MAX_VALUE_BYTES - LENGTH_BYTES) {
        return Err(damaged(key));
    }
    Ok((length, head))
}

fn damaged(key: &[u8]) -> StoreError {
    StoreError::Corrupt(format!("the chunks at key 0x{} do not fit together", alloy_primitives::hex::encode(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::MemoryStore;

    #[test]
    fn values_of_every_length_around_the_chunk_border_come_back() {
        let store = MemoryStore::new();
        for length in [0usize, 1, 4091, 4092, 4093, 4096, 8187, 8188, 8189, 8192, 100_000] {
            let value: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let mut batch = Batch::new();
            put_chunked(&mut batch, b"k", &value);
            assert_eq!(batch.len(), (length + 4).div_ceil(4096), "chunks of {length} bytes");
            store.apply(batch).expect("memory");
            assert_eq!(get_chunked(&store, b"k").expect("memory"), Some(value), "{length} bytes");
            let mut batch = Batch::new();
            delete_chunked(&store, &mut batch, b"k").expect("memory");
            store.apply(batch).expect("memory");
            let mut left = 0;
            store
                .scan(b"", b"", &mut |_, _| {
                    left += 1;
                    std::ops::ControlFlow::Continue(())
                })
                .expect("memory");
            assert_eq!(left, 0, "entries left after deleting {length} bytes");
        }
        assert_eq!(get_chunked(&store, b"k").expect("memory"), None);
    }

    #[test]
    fn a_missing_or_short_chunk_is_damage_not_a_shorter_value() {
        let store = MemoryStore::new();
        let mut batch = Batch::new();
        put_chunked(&mut batch, b"k", &[7; 9000]);
        batch.delete(chunk_key(b"k", 1));
        store.apply(batch).expect("memory");
        assert!(matches!(get_chunked(&store, b"k"), Err(StoreError::Corrupt(_))));
        let mut batch = Batch::new();
        batch.put(chunk_key(b"k", 1), vec![7; 4095]);
        store.apply(batch).expect("memory");
        assert!(matches!(get_chunked(&store, b"k"), Err(StoreError::Corrupt(_))));
        let mut batch = Batch::new();
        batch.put(chunk_key(b"k", 0), vec![0xff, 0xff, 0xff, 0xff]);
        store.apply(batch).expect("memory");
        assert!(matches!(get_chunked(&store, b"k"), Err(StoreError::Corrupt(_))));
    }
}
