//! Checks Merkle proofs of Ethereum's tries over 32-byte keys. Needs nothing but the proof: no store, no state.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, b256, keccak256};
use alloy_rlp::Header;

/// Root of a trie without leaves: keccak256 of the empty RLP string.
pub const EMPTY_ROOT_HASH: B256 = b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/// Nibbles of a key.
const KEY_NIBBLES: usize = 64;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A node's hash is not the one that its parent (or the root) names.
    #[error("node {0} of the proof does not have the hash that the node above it (or the root) names")]
    WrongHash(usize),
    /// A node is not well-formed RLP of a trie node.
    #[error("node {0} of the proof is not a well-formed trie node")]
    Malformed(usize),
    /// The proof ends before the key does.
    #[error("the proof ends after {0} nodes, before the path does")]
    TooShort(usize),
    /// Nodes are left when the path has ended.
    #[error("the proof goes on after node {0}, where the path has ended")]
    TooLong(usize),
    /// A node that several paths need is not there.
    #[error("the proof lacks the node with the hash {0}")]
    Missing(B256),
    /// A node that stands there twice, or that no path leads to.
    #[error("no path needs node {0} of the proof, or it stands there twice")]
    Superfluous(usize),
}

/// What hangs at a place of a node.
enum Child<'a> {
    Nothing,
    Hash(B256),
    /// RLP of the node itself.
    Embedded(&'a [u8]),
}

/// Follows `key` (already hashed) from `root` through the nodes of `proof`. Returns its value, or `None` if the proof
/// shows that the trie has no such key.
///
/// # Errors
/// [`ProofError`] if the nodes do not link up from the root to the end of the path.
pub fn verify(root: B256, key: B256, proof: &[Bytes]) -> Result<Option<Vec<u8>>, ProofError> {
    if root == EMPTY_ROOT_HASH {
        // Some nodes list the empty root node, some list nothing.
        let empty = proof.is_empty() || (proof.len() == 1 && proof[0].as_ref() == [0x80]);
        return if empty { Ok(None) } else { Err(ProofError::TooLong(0)) };
    }
    let mut used = 0;
    let value = walk(root, &key, |hash| {
        let index = used;
        let node = proof.get(index).ok_or(ProofError::TooShort(index))?;
        if keccak256(node) != hash {
            return Err(ProofError::WrongHash(index));
        }
        used += 1;
        Ok((index, node))
    })?;
    if used == proof.len() { Ok(value.map(<[u8]>::to_vec)) } else { Err(ProofError::TooLong(used)) }
}

/// The nodes of many paths through one trie, each of them once, in any order.
pub struct NodeSet<'a> {
    root: B256,
    nodes: BTreeMap<B256, Listed<'a>>,
}

struct Listed<'a> {
    index: usize,
    node: &'a [u8],
    is_used: bool,
}

impl<'a> NodeSet<'a> {
    /// Hashes each node once. Keys are looked up from `root` on.
    ///
    /// # Errors
    /// [`ProofError::Superfluous`] if one stands there twice.
    pub fn new(root: B256, nodes: &'a [Bytes]) -> Result<Self, ProofError> {
        let mut set = Self { root, nodes: BTreeMap::new() };
        for (index, node) in nodes.iter().enumerate() {
            if set.nodes.insert(keccak256(node), Listed { index, node, is_used: false }).is_some() {
                return Err(ProofError::Superfluous(index));
            }
        }
        Ok(set)
    }

    /// The value at `key` (already hashed), or `None` if the trie has no such key.
    ///
    /// # Errors
    /// [`ProofError`] if the nodes do not link up from the root to the end of the path.
    pub fn get(&mut self, key: B256) -> Result<Option<&'a [u8]>, ProofError> {
        if self.root == EMPTY_ROOT_HASH {
            return Ok(None);
        }
        walk(self.root, &key, |hash| {
            let listed = self.nodes.get_mut(&hash).ok_or(ProofError::Missing(hash))?;
            listed.is_used = true;
            Ok((listed.index, listed.node))
        })
    }

    /// Ends the proof: every node must have been on a path.
    ///
    /// # Errors
    /// [`ProofError::Superfluous`] names the first one that was not.
    pub fn finish(self) -> Result<(), ProofError> {
        let unused = self.nodes.into_values().filter(|listed| !listed.is_used).map(|listed| listed.index).min();
        unused.map_or(Ok(()), |index| Err(ProofError::Superfluous(index)))
    }
}

/// Goes from `root` along `key`. `fetch` gives the node with a hash, and its place in the proof, for errors.
fn walk<'a>(
    root: B256,
    key: &B256,
    mut fetch: impl FnMut(B256) -> Result<(usize, &'a [u8]), ProofError>,
) -> Result<Option<&'a [u8]>, ProofError> {
    let (mut place, mut depth) = (0, 0);
    let mut next = Child::Hash(root);
    loop {
        let rlp: &[u8] = match next {
            Child::Nothing => return Ok(None),
            Child::Embedded(rlp) => rlp,
            Child::Hash(hash) => {
                let (index, node) = fetch(hash)?;
                place = index;
                node
            }
        };
        let malformed = ProofError::Malformed(place);
        let items = items(rlp).ok_or(malformed)?;
        match items.as_slice() {
            [encoded, content] => {
                let (path, leaf) = path(encoded).ok_or(malformed)?;
                let matches = depth + path.len() <= KEY_NIBBLES
                    && path.iter().enumerate().all(|(index, step)| nibble(key, depth + index) == *step);
                if leaf {
                    if depth + path.len() != KEY_NIBBLES {
                        return Err(malformed);
                    }
                    return if matches { string(content).ok_or(malformed).map(Some) } else { Ok(None) };
                }
                if path.is_empty() || depth + path.len() >= KEY_NIBBLES {
                    return Err(malformed);
                }
                let below = child(content).ok_or(malformed)?;
                if matches!(below, Child::Nothing) {
                    return Err(malformed);
                }
                if !matches {
                    return Ok(None);
                }
                depth += path.len();
                next = below;
            }
            [children @ .., value] if children.len() == 16 => {
                // Keys are all of one length, so no branch has a value.
                if depth >= KEY_NIBBLES || !string(value).is_some_and(<[u8]>::is_empty) {
                    return Err(malformed);
                }
                next = child(children[usize::from(nibble(key, depth))]).ok_or(malformed)?;
                depth += 1;
            }
            _ => return Err(malformed),
        }
    }
}

/// Nibble `index` of a key; there must be so many.
fn nibble(key: &B256, index: usize) -> u8 {
    let byte = key[index / 2];
    if index.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

/// The items of an RLP list that fills `rlp`, each with its header.
fn items(mut rlp: &[u8]) -> Option<Vec<&[u8]>> {
    let header = Header::decode(&mut rlp).ok()?;
    if !header.list || header.payload_length != rlp.len() {
        return None;
    }
    let mut items = Vec::new();
    while !rlp.is_empty() && items.len() <= 17 {
        let mut rest = rlp;
        let header = Header::decode(&mut rest).ok()?;
        let end = rlp.len() - rest.len() + header.payload_length;
        items.push(rlp.get(..end)?);
        rlp = &rlp[end..];
    }
    Some(items)
}

/// The bytes of an RLP string that fills `rlp`.
fn string(mut rlp: &[u8]) -> Option<&[u8]> {
    let bytes = Header::decode_bytes(&mut rlp, false).ok()?;
    rlp.is_empty().then_some(bytes)
}

fn child(rlp: &[u8]) -> Option<Child<'_>> {
    if rlp.first().is_some_and(|byte| *byte >= 0xc0) {
        return (rlp.len() < 32).then_some(Child::Embedded(rlp));
    }
    match string(rlp)? {
        [] => Some(Child::Nothing),
        hash => B256::try_from(hash).ok().map(Child::Hash),
    }
}

/// The nibbles of a hex-prefix encoded path, and whether it ends in a leaf.
fn path(encoded: &[u8]) -> Option<(Vec<u8>, bool)> {
    let bytes = string(encoded)?;
    let (first, rest) = bytes.split_first()?;
    let flag = first >> 4;
    if flag > 3 || (flag & 1 == 0 && first & 0x0f != 0) {
        return None;
    }
    let mut nibbles = Vec::with_capacity(2 * bytes.len());
    if flag & 1 == 1 {
        nibbles.push(first & 0x0f);
    }
    nibbles.extend(rest.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]));
    Some((nibbles, flag & 2 != 0))
}
