//! The root and the branch records of a trie whose leaves come in rising order, in memory for one path only.
//!
//! Beside the encoding of nodes it shares nothing with the incremental update, which is checked against it by
//! [`StateDb::verify`](crate::state::StateDb::verify).

use alloy_primitives::B256;

use super::branch::BranchWriter;
use super::node::{self, NodeRef};
use super::path::{self, Path};
use super::{EMPTY_ROOT_HASH, Shape, keccak};
use crate::db::StoreError;

/// What a complete branch is shown to: its path, and the record that a store must hold of it.
pub type OnBranch<'a, E> = &'a mut dyn FnMut(&Path, &[u8]) -> Result<(), E>;

/// Builds a trie from its leaves, one after the other. Holds the last leaf and the branches above it: at most 64, each
/// with 16 references.
#[derive(Default)]
pub struct SortedTrie {
    /// The branches on the way to the last leaf, the deepest last.
    open: Vec<Open>,
    last: Option<(B256, Vec<u8>)>,
    branches: u64,
    /// Room for the node that is being encoded.
    buffer: Vec<u8>,
}

/// A branch whose children are not all known yet.
struct Open {
    depth: usize,
    children: [Option<Child>; 16],
}

/// A finished node below a branch.
#[derive(Clone, Copy)]
struct Child {
    reference: NodeRef,
    /// The branch there, unless it is a leaf.
    below: Option<Path>,
}

impl SortedTrie {
    /// A trie without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a leaf (key and trie value, not empty) and shows each branch that is complete with it to `branch`: its path,
    /// and the record that a store must hold of it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the key is not above the one before; else what `branch` says. The trie is of no use
    /// then.
    pub fn push<E: From<StoreError>>(&mut self, key: B256, value: Vec<u8>, branch: OnBranch<'_, E>) -> Result<(), E> {
        if let Some((last, before)) = self.last.take() {
            if last >= key {
                return Err(StoreError::Corrupt(format!("the key {key} comes after {last}")).into());
            }
            let fork = path::shared_nibbles(&last.0, &key.0);
            let mut above = self.open.last().map_or(fork, |open| open.depth.max(fork));
            let mut child = Child { reference: self.leaf(&last, above + 1, &before), below: None };
            // All branches below the fork are complete: the new leaf leaves their paths.
            while above > fork {
                child = self.close(&last, child, branch)?;
                above = self.open.last().map_or(fork, |open| open.depth.max(fork));
                child.reference = self.extended(&child, above + 1);
            }
            if self.open.last().is_none_or(|open| open.depth < fork) {
                self.open.push(Open { depth: fork, children: [None; 16] });
            }
            self.hang(&last, child);
        }
        self.last = Some((key, value));
        Ok(())
    }

    /// Ends the trie: its root hash, its shape, and how many branches it has, the last of which are shown to `branch`.
    ///
    /// # Errors
    /// What `branch` says.
    pub fn finish<E: From<StoreError>>(mut self, branch: OnBranch<'_, E>) -> Result<(B256, Shape, u64), E> {
        let Some((last, value)) = self.last.take() else { return Ok((EMPTY_ROOT_HASH, Shape::Empty, 0)) };
        let position = self.open.last().map_or(0, |open| open.depth + 1);
        let mut child = Child { reference: self.leaf(&last, position, &value), below: None };
        while !self.open.is_empty() {
            child = self.close(&last, child, branch)?;
            let position = self.open.last().map_or(0, |open| open.depth + 1);
            child.reference = self.extended(&child, position);
        }
        // A root is hashed however short it is.
        let root = match <[u8; 32]>::try_from(child.reference.as_slice()) {
            Ok(hash) => hash,
            Err(_) => keccak::hash(child.reference.as_slice()),
        };
        Ok((root.into(), child.below.map_or(Shape::Leaf, Shape::Branch), self.branches))
    }

    /// Puts `child`, which holds the leaf with the key `last`, into the deepest open branch.
    fn hang(&mut self, last: &B256, child: Child) {
        if let Some(open) = self.open.last_mut() {
            open.children[usize::from(path::nibble(last, open.depth))] = Some(child);
        }
    }

    /// Puts `child` into the deepest open branch, whose last child it is, and makes that branch a finished node.
    fn close<E: From<StoreError>>(&mut self, last: &B256, child: Child, branch: OnBranch<'_, E>) -> Result<Child, E> {
        self.hang(last, child);
        let Some(Open { depth, children }) = self.open.pop() else { return Ok(child) };
        let path = Path::of(last, depth);
        self.buffer.clear();
        let mut writer = BranchWriter::new(path, &mut self.buffer);
        for child in &children {
            match child {
                None => writer.empty(),
                Some(Child { reference, below: None }) => writer.leaf(reference),
                Some(Child { reference, below: Some(below) }) => writer.branch(below, reference),
            }
        }
        let (start, record) = writer.finish();
        let reference = refer(&self.buffer[start..]);
        self.branches += 1;
        branch(&path, &record)?;
        Ok(Child { reference, below: Some(path) })
    }

    /// The reference to a node that begins at nibble `position`: to the extension, if it lies deeper.
    fn extended(&mut self, child: &Child, position: usize) -> NodeRef {
        match &child.below {
            Some(path) if path.len() > position => {
                self.buffer.clear();
                node::write_extension(path, position, &child.reference, &mut self.buffer);
                refer(&self.buffer)
            }
            _ => child.reference,
        }
    }

    fn leaf(&mut self, key: &B256, position: usize, value: &[u8]) -> NodeRef {
        self.buffer.clear();
        node::write_leaf(key, position, value, &mut self.buffer);
        refer(&self.buffer)
    }
}

fn refer(rlp: &[u8]) -> NodeRef {
    NodeRef::embedded(rlp).unwrap_or_else(|| NodeRef::hash(keccak::hash(rlp)))
}
