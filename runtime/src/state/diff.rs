//! Reverse diffs: what a block replaced, kept so that older state can be had again.
//!
//! One diff a block, chunked: the state record from before the block (length as u8), then the flat rows that it
//! changed as they were, in key order. Each begins with a tag: 0 an account (hashed address), 1 a slot of the same
//! account as the slot before it (hashed slot), 2 a slot of another account (account id, hashed slot); then the length
//! of the row (u8) and the row. Length 0: there was none.

use alloy_primitives::B256;

use super::record::{Input, StateRecord};
use crate::db::{StoreError, keys};

const TAG_ACCOUNT: u8 = 0;
const TAG_SLOT: u8 = 1;
const TAG_SLOT_OF: u8 = 2;

/// What a block replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseDiff {
    /// Root of the state before the block.
    pub root: B256,
    /// The flat rows that the block changed, by their store key, as they were before it (`None`: absent).
    pub rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Encodes the diff of a block that replaced `rows` (of the account and storage tables, sorted by key).
pub(super) fn encode(before: &StateRecord, rows: &[(&[u8], Option<&[u8]>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 80);
    let record = before.encode();
    out.push(u8::try_from(record.len()).expect("a state record has at most 90 bytes"));
    out.extend_from_slice(&record);
    let mut id: Option<&[u8]> = None;
    for (key, row) in rows {
        if key[0] == keys::ACCOUNT {
            out.push(TAG_ACCOUNT);
            out.extend_from_slice(&key[1..]);
        } else {
            let of = Some(&key[1..9]);
            if of == id {
                out.push(TAG_SLOT);
                out.extend_from_slice(&key[9..]);
            } else {
                out.push(TAG_SLOT_OF);
                out.extend_from_slice(&key[1..]);
                id = of;
            }
        }
        let row = row.unwrap_or_default();
        out.push(u8::try_from(row.len()).expect("an account's row has at most 148 bytes, a slot's 32"));
        out.extend_from_slice(row);
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Result<ReverseDiff, StoreError> {
    let damaged = || StoreError::Corrupt("a reverse diff is unreadable".into());
    let mut input = Input(bytes);
    let length = input.byte().ok_or_else(damaged)?;
    let record = StateRecord::decode(input.bytes(usize::from(length)).ok_or_else(damaged)?)?;
    let mut rows = Vec::new();
    let mut id = None;
    while !input.0.is_empty() {
        rows.push(row(&mut input, &mut id).ok_or_else(damaged)?);
    }
    Ok(ReverseDiff { root: record.root, rows })
}

fn row(input: &mut Input<'_>, id: &mut Option<u64>) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let key = match input.byte()? {
        TAG_ACCOUNT => keys::account(&input.hash()?),
        TAG_SLOT => keys::storage((*id)?, &input.hash()?),
        TAG_SLOT_OF => {
            let of = input.u64()?;
            *id = Some(of);
            keys::storage(of, &input.hash()?)
        }
        _ => return None,
    };
    let length = usize::from(input.byte()?);
    let row = input.bytes(length)?;
    Some((key.to_vec(), (!row.is_empty()).then(|| row.to_vec())))
}
