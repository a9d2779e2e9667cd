//! Chains of trie nodes whose hashes link up, with whatever inside.

use alloy_primitives::{B256, Bytes, keccak256};
use arbitrary::{Result, Unstructured};

/// A root and nodes of which each but the first is named, by its hash, somewhere in the one before.
pub fn nodes(bytes: &mut Unstructured<'_>) -> Result<(B256, Vec<Bytes>)> {
    let count = bytes.int_in_range(1..=5)?;
    let mut below: Option<B256> = None;
    let mut nodes = Vec::new();
    for _ in 0..count {
        let node = node(bytes, below)?;
        below = Some(keccak256(&node));
        nodes.push(Bytes::from(node));
    }
    nodes.reverse();
    Ok((below.unwrap_or_default(), nodes))
}

fn node(bytes: &mut Unstructured<'_>, below: Option<B256>) -> Result<Vec<u8>> {
    let items = match bytes.int_in_range(0..=5)? {
        0 => bytes.int_in_range(0..=19)?,
        1 | 2 => 2,
        _ => 17,
    };
    let mut payload = Vec::new();
    for index in 0..items {
        let last = index + 1 == items;
        match bytes.int_in_range(0..=7)? {
            0 => {
                let length = bytes.int_in_range(0..=40)?.min(bytes.len());
                payload.extend_from_slice(bytes.bytes(length)?);
            }
            1 => {
                let length = bytes.int_in_range(0..=34)?.min(bytes.len());
                string(bytes.bytes(length)?, &mut payload);
            }
            2 => {
                let length = bytes.int_in_range(0..=33)?.min(bytes.len());
                let inner = bytes.bytes(length)?;
                payload.push(0xc0 + inner.len() as u8);
                payload.extend_from_slice(inner);
            }
            3 if items == 2 && index == 0 => string(&[0x20, bytes.arbitrary()?], &mut payload),
            4 if items == 2 && index == 0 => string(&[0x10 | bytes.int_in_range(0..=15)?], &mut payload),
            _ if last && items == 17 => payload.push(0x80),
            _ => match below {
                Some(hash) => string(hash.as_slice(), &mut payload),
                None => payload.push(0x80),
            },
        }
    }
    let mut node = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut node);
    node.extend_from_slice(&payload);
    Ok(node)
}

fn string(bytes: &[u8], out: &mut Vec<u8>) {
    alloy_rlp::Encodable::encode(bytes, out);
}
