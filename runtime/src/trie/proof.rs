//! Merkle proofs: the nodes from the root towards a key.

use alloy_primitives::{B256, Bytes};

use super::branch::{Below, BranchRecord, BranchWriter};
use super::keccak;
use super::node::{self, NodeRef};
use super::path::{self, Path};
use super::{Shape, TrieReader};
use crate::db::StoreError;

/// The value at `key`, if there is one, and the RLP of the nodes from the root towards it, as far as they exist. Nodes
/// that are embedded in their parent are not listed, except the root.
///
/// # Errors
/// [`StoreError`] if reading fails or records are damaged.
pub fn prove(trie: &dyn TrieReader, shape: Shape, key: &B256) -> Result<(Option<Vec<u8>>, Vec<Bytes>), StoreError> {
    let mut proof = Vec::new();
    let mut position = Path::ROOT;
    let mut below = match shape {
        Shape::Empty => Below::Nothing,
        Shape::Leaf => Below::Leaf,
        Shape::Branch(path) => Below::Branch(path),
    };
    loop {
        match below {
            Below::Nothing => return Ok((None, proof)),
            Below::Leaf => {
                let leaf = trie.first_leaf(&position)?.filter(|(key, _)| position.begins(key));
                let (found, value) = leaf.ok_or_else(|| {
                    StoreError::Corrupt(format!("a trie leaf at depth {} has no row", position.len()))
                })?;
                let mut rlp = Vec::new();
                node::write_leaf(&found.0, position.len(), &value, &mut rlp);
                list(rlp, &mut proof);
                return Ok(((found == *key).then_some(value), proof));
            }
            Below::Branch(branch) => {
                let bytes = trie.branch(&branch)?.ok_or_else(|| {
                    StoreError::Corrupt(format!("the trie branch at depth {} is missing", branch.len()))
                })?;
                let record = BranchRecord::read(&branch, &bytes)?;
                let rlp = branch_rlp(&branch, &record);
                if branch.len() > position.len() {
                    let mut extension = Vec::new();
                    node::write_extension(&branch, position.len(), &reference(&rlp), &mut extension);
                    list(extension, &mut proof);
                    if !branch.begins(key) {
                        return Ok((None, proof));
                    }
                }
                list(rlp, &mut proof);
                let nibble = path::nibble(&key.0, branch.len());
                below = record.below(nibble);
                position = branch.child(nibble);
            }
        }
    }
}

/// The root hash that the topmost stored branch has: a cheap check of a trie against the root that it should have.
///
/// # Errors
/// As [`prove`].
pub fn top_hash(trie: &dyn TrieReader, shape: Shape) -> Result<B256, StoreError> {
    let (_, proof) = prove(trie, shape, &B256::ZERO)?;
    Ok(proof.first().map_or(super::EMPTY_ROOT_HASH, |root| keccak::hash(root).into()))
}

fn list(rlp: Vec<u8>, proof: &mut Vec<Bytes>) {
    if proof.is_empty() || rlp.len() >= 32 {
        proof.push(rlp.into());
    }
}

fn branch_rlp(path: &Path, record: &BranchRecord<'_>) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut writer = BranchWriter::new(*path, &mut buffer);
    for nibble in 0..16 {
        if record.children() & (1 << nibble) == 0 {
            writer.empty();
        } else {
            writer.unchanged(record);
        }
    }
    let (start, _) = writer.finish();
    buffer.split_off(start)
}

fn reference(rlp: &[u8]) -> NodeRef {
    NodeRef::embedded(rlp).unwrap_or_else(|| NodeRef::hash(keccak::hash(rlp)))
}
