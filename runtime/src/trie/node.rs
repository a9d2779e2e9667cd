//! RLP of trie nodes (Yellow Paper, appendix D) and references to them.

use super::path::{self, KEY_NIBBLES, Path};

/// How a parent refers to a node: its keccak hash, or the node's RLP itself if that is shorter than 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeRef {
    bytes: [u8; 32],
    length: u8,
}

impl NodeRef {
    /// A reference by hash.
    pub fn hash(hash: [u8; 32]) -> Self {
        Self { bytes: hash, length: 32 }
    }

    /// A node of fewer than 32 bytes, embedded in its parent; `None` if it is longer or empty.
    pub fn embedded(rlp: &[u8]) -> Option<Self> {
        if rlp.is_empty() || rlp.len() >= 32 {
            return None;
        }
        let mut bytes = [0; 32];
        bytes[..rlp.len()].copy_from_slice(rlp);
        Some(Self { bytes, length: rlp.len() as u8 })
    }

    /// The hash, or the embedded node.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Appends what stands in the parent.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_reference(self.as_slice(), out);
    }
}

/// Appends what stands in a parent for a child referred to by `reference` (32 bytes: a hash, fewer: embedded RLP).
#[inline]
pub fn write_reference(reference: &[u8], out: &mut Vec<u8>) {
    match <&[u8; 32]>::try_from(reference) {
        Ok(hash) => {
            out.push(0xa0);
            out.extend_from_slice(hash);
        }
        Err(_) => out.extend_from_slice(reference),
    }
}

/// Appends RLP of a byte string.
pub fn write_string(bytes: &[u8], out: &mut Vec<u8>) {
    match bytes {
        [byte] if *byte < 0x80 => out.push(*byte),
        _ => {
            write_length(0x80, bytes.len(), out);
            out.extend_from_slice(bytes);
        }
    }
}

/// Length of RLP of a byte string, in bytes.
pub fn string_length(bytes: &[u8]) -> usize {
    match bytes {
        [byte] if *byte < 0x80 => 1,
        _ => header_length(bytes.len()) + bytes.len(),
    }
}

/// Length of an RLP header in bytes, for a payload of so many bytes.
fn header_length(payload: usize) -> usize {
    if payload < 56 { 1 } else { 1 + (usize::BITS as usize - payload.leading_zeros() as usize).div_ceil(8) }
}

/// Appends an RLP header; `base` is 0x80 for strings, 0xc0 for lists.
pub fn write_length(base: u8, payload: usize, out: &mut Vec<u8>) {
    if payload < 56 {
        out.push(base + payload as u8);
    } else {
        let bytes = payload.to_be_bytes();
        let skip = payload.leading_zeros() as usize / 8;
        out.push(base + 55 + (bytes.len() - skip) as u8);
        out.extend_from_slice(&bytes[skip..]);
    }
}

/// The hex-prefix encoding of nibbles `from..to` of `key`: at most 33 bytes.
fn hex_prefix(key: &[u8; 32], from: usize, to: usize, leaf: bool) -> ([u8; 33], usize) {
    let mut out = [0; 33];
    let flag = if leaf { 0x20 } else { 0 };
    let count = to - from;
    let mut at = from;
    out[0] = flag;
    if count % 2 == 1 {
        out[0] |= 0x10 | path::nibble(key, at);
        at += 1;
    }
    let mut length = 1;
    if at.is_multiple_of(2) && to.is_multiple_of(2) {
        let bytes = &key[at / 2..to / 2];
        out[1..1 + bytes.len()].copy_from_slice(bytes);
        length += bytes.len();
    } else {
        while at < to {
            out[length] = path::nibble(key, at) << 4 | path::nibble(key, at + 1);
            length += 1;
            at += 2;
        }
    }
    (out, length)
}

/// Appends the leaf node whose path begins at nibble `from` of `key`.
pub fn write_leaf(key: &[u8; 32], from: usize, value: &[u8], out: &mut Vec<u8>) {
    let (encoded, length) = hex_prefix(key, from, KEY_NIBBLES, true);
    let encoded = &encoded[..length];
    write_length(0xc0, string_length(encoded) + string_length(value), out);
    write_string(encoded, out);
    write_string(value, out);
}

/// Appends the extension node from nibble `from` down to the branch at `branch`, to which `child` refers.
pub fn write_extension(branch: &Path, from: usize, child: &NodeRef, out: &mut Vec<u8>) {
    let (encoded, length) = hex_prefix(&branch.lowest_key().0, from, branch.len(), false);
    let encoded = &encoded[..length];
    let child_length = child.as_slice().len() + usize::from(child.as_slice().len() == 32);
    write_length(0xc0, string_length(encoded) + child_length, out);
    write_string(encoded, out);
    child.write(out);
}
