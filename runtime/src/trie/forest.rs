//! The touched part of one or several tries: what changes make of their structure, before anything is hashed.
//!
//! [`Forest::plant`] descends along the changed keys only. Subtrees without a change stay references inside their
//! parent's record; a node enters the forest when its hash must be computed anew: because something below it changed,
//! or because it moved (a leaf or a branch whose last sibling went away, a branch whose extension was cut).

use std::sync::Arc;

use alloy_primitives::B256;

use super::branch::{Below, BranchRecord};
use super::node::NodeRef;
use super::path::{self, KEY_NIBBLES, Path};
use super::update::BranchChange;
use super::{LeafChange, TrieReader};
use crate::db::StoreError;

/// A node's place in the forest.
pub(super) type NodeId = u32;

/// No node.
pub(super) const NOTHING: NodeId = NodeId::MAX;

pub(super) enum Node<'a> {
    Leaf {
        key: B256,
        value: LeafValue<'a>,
    },
    Branch {
        path: Path,
        /// The record that stood at `path` before.
        stored: Option<Arc<[u8]>>,
        /// Children that stay as `stored` has them.
        kept: u16,
        /// Children in the forest.
        touched: [NodeId; 16],
    },
}

pub(super) enum LeafValue<'a> {
    Changed(&'a [u8]),
    Stored(Vec<u8>),
}

impl LeafValue<'_> {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Changed(value) => value,
            Self::Stored(value) => value,
        }
    }
}

/// A (sub)trie in the forest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    /// The topmost node, if a leaf is left.
    pub(super) node: Option<NodeId>,
    /// Nibbles above the subtrie; 0 for a whole trie.
    pub(super) depth: usize,
    /// Branches whose record goes away: this part of [`Forest::removed`].
    pub(super) removed: (usize, usize),
}

#[derive(Default)]
pub(super) struct Forest<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// References to the nodes, once hashed; for a branch behind an extension, at last the reference to the extension.
    pub(super) references: Vec<NodeRef>,
    pub(super) roots: Vec<Root>,
    /// Branches that went away, root after root.
    pub(super) removed: Vec<BranchChange>,
}

impl<'a> Forest<'a> {
    /// With room for what so many changes touch.
    pub(super) fn with_room(changes: usize) -> Self {
        let nodes = Vec::with_capacity(changes * 3);
        Self { nodes, references: Vec::with_capacity(changes * 3), ..Self::default() }
    }

    /// Adds the subtrie below `position`, where `stored` stands before, as `changes` (sorted, all below `position`)
    /// leave it.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if a change says otherwise than the trie whether its leaf existed (not every such lie
    /// is noticed), [`StoreError::Corrupt`] if records contradict each other, or as reading.
    pub(super) fn plant(
        &mut self,
        trie: &dyn TrieReader,
        position: Path,
        stored: Below,
        changes: &'a [LeafChange],
    ) -> Result<(), StoreError> {
        let first_removed = self.removed.len();
        let node = self.change(trie, position, stored, changes)?;
        let removed = (first_removed, self.removed.len());
        self.roots.push(Root { node, depth: position.len(), removed });
        Ok(())
    }

    fn add(&mut self, node: Node<'a>) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).ok().filter(|id| *id != NOTHING);
        self.nodes.push(node);
        self.references.push(NodeRef::default());
        id.expect("a block changes fewer than 2^32 leaves")
    }

    fn add_leaf(&mut self, key: B256, value: LeafValue<'a>) -> NodeId {
        self.add(Node::Leaf { key, value })
    }

    fn change(
        &mut self,
        trie: &dyn TrieReader,
        position: Path,
        stored: Below,
        changes: &'a [LeafChange],
    ) -> Result<Option<NodeId>, StoreError> {
        match stored {
            Below::Branch(branch) => self.change_branch(trie, position, branch, changes),
            Below::Nothing => {
                if changes.iter().any(|change| change.existed) {
                    return Err(mismatch("a leaf said to exist is not there"));
                }
                Ok(self.change_leaves(position.len(), None, changes))
            }
            Below::Leaf => {
                let mut existing = changes.iter().filter(|change| change.existed);
                let known = existing.next().is_some();
                if existing.next().is_some() {
                    return Err(mismatch("two leaves said to exist where one stands"));
                }
                let stored = if known { None } else { Some(self.stored_leaf(trie, &position)?) };
                if let Some((key, _)) = &stored
                    && changes.iter().any(|change| change.key == *key)
                {
                    return Err(mismatch("a leaf said to be new exists"));
                }
                Ok(self.change_leaves(position.len(), stored, changes))
            }
        }
    }

    /// The only leaf below `position`, as it was before. No change touches a leaf that is looked up here.
    fn stored_leaf(&self, trie: &dyn TrieReader, position: &Path) -> Result<(B256, Vec<u8>), StoreError> {
        let leaf = trie.first_leaf(position)?.filter(|(key, _)| position.begins(key));
        leaf.ok_or_else(|| StoreError::Corrupt(format!("a trie leaf at depth {} has no row", position.len())))
    }

    /// The subtrie at nibble `depth` of the leaves that `changes` leave, with `other` among them.
    fn change_leaves(
        &mut self,
        depth: usize,
        other: Option<(B256, Vec<u8>)>,
        changes: &'a [LeafChange],
    ) -> Option<NodeId> {
        let first = self.nodes.len();
        let mut other = other;
        for change in changes {
            let Some(value) = &change.value else { continue };
            if let Some((key, value)) = other.take_if(|(key, _)| *key < change.key) {
                self.add_leaf(key, LeafValue::Stored(value));
            }
            self.add_leaf(change.key, LeafValue::Changed(value));
        }
        if let Some((key, value)) = other {
            self.add_leaf(key, LeafValue::Stored(value));
        }
        self.join_leaves(depth, first as NodeId, self.nodes.len() as NodeId)
    }

    fn leaf_key(&self, id: NodeId) -> &B256 {
        match &self.nodes[id as usize] {
            Node::Leaf { key, .. } => key,
            Node::Branch { .. } => unreachable!("only leaves are joined"),
        }
    }

    /// Joins the leaves `from..to`, which are sorted, differ, and share their first `depth` nibbles.
    fn join_leaves(&mut self, depth: usize, from: NodeId, to: NodeId) -> Option<NodeId> {
        if to - from <= 1 {
            return (to > from).then_some(from);
        }
        let (first, last) = (*self.leaf_key(from), *self.leaf_key(to - 1));
        let fork = path::shared_nibbles(&first, &last);
        debug_assert!((depth..KEY_NIBBLES).contains(&fork), "the leaves differ, and only below their common path");
        let mut touched = [NOTHING; 16];
        let mut start = from;
        while start < to {
            let nibble = path::nibble(self.leaf_key(start), fork);
            let mut end = start + 1;
            while end < to && path::nibble(self.leaf_key(end), fork) == nibble {
                end += 1;
            }
            touched[usize::from(nibble)] = self.join_leaves(fork + 1, start, end).expect("the range is not empty");
            start = end;
        }
        Some(self.add(Node::Branch { path: Path::of(&first, fork), stored: None, kept: 0, touched }))
    }

    /// What becomes of the stored branch at `branch`, which hangs (perhaps behind an extension) at `position`.
    fn change_branch(
        &mut self,
        trie: &dyn TrieReader,
        position: Path,
        branch: Path,
        changes: &'a [LeafChange],
    ) -> Result<Option<NodeId>, StoreError> {
        // Of sorted keys, the first or the last leaves a path earliest.
        let ends = [changes.first(), changes.last()];
        let fork = ends.iter().flatten().map(|change| branch.shared(&change.key)).min().unwrap_or(branch.len());
        debug_assert!(fork >= position.len(), "all changes lie below the position");
        if fork < branch.len() {
            return self.cut_extension(trie, branch, fork, changes);
        }
        let bytes = self.stored_branch(trie, &branch)?;
        let record = BranchRecord::read(&branch, &bytes)?;
        let mut touched = [NOTHING; 16];
        let mut kept = record.children();
        for (nibble, group) in by_nibble(changes, fork) {
            let below = self.change(trie, branch.child(nibble), record.below(nibble), group)?;
            kept &= !(1 << nibble);
            touched[usize::from(nibble)] = below.unwrap_or(NOTHING);
        }
        let left = kept.count_ones() as usize + touched.iter().filter(|id| **id != NOTHING).count();
        if left >= 2 {
            return Ok(Some(self.add(Node::Branch { path: branch, stored: Some(bytes), kept, touched })));
        }
        self.removed.push(BranchChange { path: branch, before: Some(Arc::clone(&bytes)), after: None });
        if kept == 0 {
            return Ok(touched.into_iter().find(|id| *id != NOTHING));
        }
        // One untouched child is left: it moves up to where the branch was and is hashed anew under its longer path.
        let nibble = kept.trailing_zeros() as u8;
        match record.below(nibble) {
            Below::Branch(below) => self.untouched_branch(trie, below).map(Some),
            Below::Leaf | Below::Nothing => {
                let (key, value) = self.stored_leaf(trie, &branch.child(nibble))?;
                Ok(Some(self.add_leaf(key, LeafValue::Stored(value))))
            }
        }
    }

    /// Some changes leave the path to the stored branch at nibble `fork`, inside its extension: a new branch stands
    /// there.
    fn cut_extension(
        &mut self,
        trie: &dyn TrieReader,
        branch: Path,
        fork: usize,
        changes: &'a [LeafChange],
    ) -> Result<Option<NodeId>, StoreError> {
        let at = branch.prefix(fork);
        let side = branch.nibble(fork);
        let mut touched = [NOTHING; 16];
        let mut side_changed = false;
        for (nibble, group) in by_nibble(changes, fork) {
            side_changed |= nibble == side;
            let stored = if nibble == side { Below::Branch(branch) } else { Below::Nothing };
            let below = self.change(trie, at.child(nibble), stored, group)?;
            touched[usize::from(nibble)] = below.unwrap_or(NOTHING);
        }
        if !side_changed {
            touched[usize::from(side)] = self.untouched_branch(trie, branch)?;
        }
        let mut left = touched.iter().copied().filter(|id| *id != NOTHING);
        match (left.next(), left.next()) {
            (only, None) => Ok(only),
            _ => Ok(Some(self.add(Node::Branch { path: at, stored: None, kept: 0, touched }))),
        }
    }

    /// A branch that is hashed anew without a change below it.
    fn untouched_branch(&mut self, trie: &dyn TrieReader, path: Path) -> Result<NodeId, StoreError> {
        let bytes = self.stored_branch(trie, &path)?;
        let kept = BranchRecord::read(&path, &bytes)?.children();
        Ok(self.add(Node::Branch { path, stored: Some(bytes), kept, touched: [NOTHING; 16] }))
    }

    fn stored_branch(&self, trie: &dyn TrieReader, path: &Path) -> Result<Arc<[u8]>, StoreError> {
        trie.branch(path)?
            .ok_or_else(|| StoreError::Corrupt(format!("the trie branch at depth {} is missing", path.len())))
    }
}

/// Groups sorted changes by their nibble at `depth`; they share all nibbles above.
fn by_nibble(changes: &[LeafChange], depth: usize) -> impl Iterator<Item = (u8, &[LeafChange])> {
    let same = move |a: &LeafChange, b: &LeafChange| path::nibble(&a.key, depth) == path::nibble(&b.key, depth);
    changes.chunk_by(same).filter_map(move |group| Some((path::nibble(&group.first()?.key, depth), group)))
}

fn mismatch(what: &str) -> StoreError {
    StoreError::Mismatch(what.into())
}
