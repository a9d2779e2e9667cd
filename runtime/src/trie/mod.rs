//! Ethereum's Merkle-Patricia trie over 32-byte keys, kept as branch records beside flat tables.
//!
//! A trie is never stored node by node. Its leaves are the rows of a flat table; of its inner nodes only the branches
//! are kept, each as one record at its path ([`branch`]) with a reference to every child. Extensions and leaf nodes
//! follow from those. [`update()`] takes sorted changes and gives the new root and the records that changed; [`proof`]
//! makes Merkle proofs, and [`verify`] checks them, which is `esker-light`'s; [`ordered`] gives the root of a list; [`sorted`] builds a
//! trie from all its leaves in the memory of one path, to check what is stored; [`scratch`] builds a root from all leaves,
//! sharing nothing with either, as their oracle in tests.

pub mod branch;
mod forest;
mod hashing;
pub mod keccak;
mod node;
pub mod ordered;
pub mod path;
pub mod proof;
pub mod scratch;
pub mod sorted;
mod update;

use std::sync::Arc;

use alloy_primitives::B256;

use crate::db::StoreError;

pub use alloy_trie::EMPTY_ROOT_HASH;
pub use esker_light::trie as verify;
pub use path::Path;
pub use update::{BranchChange, Hashed, TrieChanges, TrieUpdate, update};

/// Where a trie's records and leaves are read from: the content before the change that is being computed.
pub trait TrieReader: Sync {
    /// The record of the branch at `path`.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn branch(&self, path: &Path) -> Result<Option<Arc<[u8]>>, StoreError>;

    /// The leaf with the lowest key that starts with `prefix`, and its trie value.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    fn first_leaf(&self, prefix: &Path) -> Result<Option<(B256, Vec<u8>)>, StoreError>;
}

/// What a trie's root node is: all that is needed to enter it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// No leaves.
    #[default]
    Empty,
    /// One leaf.
    Leaf,
    /// A branch at this path, below an extension if the path is not empty.
    Branch(Path),
}

/// A change of one leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafChange {
    /// The leaf's key.
    pub key: B256,
    /// Whether the leaf was there before.
    pub existed: bool,
    /// The trie value (for state: RLP of the account or of the slot's number); `None` removes the leaf.
    pub value: Option<Vec<u8>>,
}
