//! What a block's own tables may write beside its state: checked before anything of a block is published.

use alloy_primitives::hex;

use crate::db::keys::{KEY_LENGTH_MAX, NODE_TABLES};
use crate::db::{Batch, MAX_VALUE_BYTES, StoreError};

/// Every write must go to one of [`NODE_TABLES`] and be such as a store takes.
///
/// # Errors
/// [`StoreError::Mismatch`] names the first key that does not.
pub(super) fn check(tables: &Batch) -> Result<(), StoreError> {
    for (key, _) in tables.iter() {
        if key.first().is_none_or(|table| !NODE_TABLES.contains(table)) {
            let reason = format!("the key {} is of no table that a block brings with its state", shown(key));
            return Err(StoreError::Mismatch(reason));
        }
    }
    check_lengths(tables)
}

/// Every key and value must be of a length that a store takes.
///
/// # Errors
/// [`StoreError::Mismatch`] names the first key that is not, or whose value is not.
pub(super) fn check_lengths(batch: &Batch) -> Result<(), StoreError> {
    for (key, value) in batch.iter() {
        if key.len() > KEY_LENGTH_MAX {
            let reason = format!("the key {} has {} bytes, at most {KEY_LENGTH_MAX} can be", shown(key), key.len());
            return Err(StoreError::Mismatch(reason));
        }
        let length = value.map_or(0, <[u8]>::len);
        if length > MAX_VALUE_BYTES {
            let reason = format!("the value at {} has {length} bytes and is not cut into chunks", shown(key));
            return Err(StoreError::Mismatch(reason));
        }
    }
    Ok(())
}

/// The first bytes of a key.
fn shown(key: &[u8]) -> String {
    hex::encode_prefixed(&key[..key.len().min(42)])
}
