//! The root of a trie from all its leaves, the slow and obvious way. It shares no code with the other builders: it is what
//! they are checked against in tests.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::{Encodable, Header};

use super::EMPTY_ROOT_HASH;

/// The root of the trie of these leaves: distinct keys (of any lengths) in rising order, with non-empty values.
pub fn root_from_scratch<K: AsRef<[u8]>, V: AsRef<[u8]>>(leaves: &[(K, V)]) -> B256 {
    let leaves: Vec<(Vec<u8>, &[u8])> =
        leaves.iter().map(|(key, value)| (nibbles(key.as_ref()), value.as_ref())).collect();
    if leaves.is_empty() { EMPTY_ROOT_HASH } else { keccak256(node(&leaves, 0)) }
}

fn nibbles(key: &[u8]) -> Vec<u8> {
    key.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

/// RLP of the node that holds all of `leaves` (at least one), which share their first `depth` nibbles.
fn node(leaves: &[(Vec<u8>, &[u8])], depth: usize) -> Vec<u8> {
    let (first, value) = &leaves[0];
    if leaves.len() == 1 {
        return list(&[string(&compact(&first[depth..], true)), string(value)]);
    }
    let last = &leaves[leaves.len() - 1].0;
    let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    if shared > depth {
        return list(&[string(&compact(&first[depth..shared], false)), reference(node(leaves, shared))]);
    }
    // A key that ends here is the lowest of all that go on.
    let (value, mut rest) = if first.len() == depth { (*value, &leaves[1..]) } else { (&[][..], leaves) };
    let mut items = Vec::with_capacity(17);
    for nibble in 0..16 {
        let (below, after) = rest.split_at(rest.partition_point(|(key, _)| key[depth] <= nibble));
        items.push(if below.is_empty() { string(&[]) } else { reference(node(below, depth + 1)) });
        rest = after;
    }
    items.push(string(value));
    list(&items)
}

/// What a parent holds for a node.
fn reference(rlp: Vec<u8>) -> Vec<u8> {
    if rlp.len() < 32 { rlp } else { string(keccak256(rlp).as_slice()) }
}

fn compact(nibbles: &[u8], leaf: bool) -> Vec<u8> {
    let flag = if leaf { 2 } else { 0 };
    let mut all = if nibbles.len() % 2 == 1 { vec![flag + 1] } else { vec![flag, 0] };
    all.extend_from_slice(nibbles);
    all.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    bytes.encode(&mut out);
    out
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let mut out = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend(payload);
    out
}
