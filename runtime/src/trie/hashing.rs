//! Hashes a forest from its deepest level up, a level's nodes together, so that many of them share the lanes of one
//! keccak.

use super::branch::{BranchRecord, BranchWriter};
use super::forest::{Forest, NOTHING, Node, NodeId};
use super::keccak::{self, Message};
use super::node::{self, NodeRef};
use super::path::KEY_NIBBLES;
use super::update::{BranchChange, Hashed};
use crate::db::StoreError;

/// Nodes encoded before they are hashed: enough to fill the lanes with nodes of one length, few enough to stay in the
/// processor's cache.
const NODES_AT_ONCE: usize = 256;

/// What is hashed at one level.
#[derive(Clone, Copy)]
enum Item {
    /// A leaf or branch that begins there.
    Node(NodeId),
    /// The extension that begins there and leads to this branch.
    Extension(NodeId),
}

impl Item {
    fn node(self) -> NodeId {
        match self {
            Self::Node(id) | Self::Extension(id) => id,
        }
    }
}

/// Hashes everything below the roots and leaves the references in [`Forest::references`]. Returns, for each root, the
/// records that changed.
///
/// # Errors
/// [`StoreError::Corrupt`] if a stored record is not well formed.
pub(super) fn hash(forest: &mut Forest<'_>, hashed: &mut Hashed) -> Result<Vec<Vec<BranchChange>>, StoreError> {
    let mut levels: Vec<Vec<Item>> = vec![Vec::new(); KEY_NIBBLES + 1];
    let mut owners = vec![0u32; forest.nodes.len()];
    for (index, root) in forest.roots.iter().enumerate() {
        if let Some(node) = root.node {
            place(forest, node, root.depth, index as u32, &mut levels, &mut owners);
        }
    }
    let mut written = vec![Vec::new(); forest.roots.len()];
    let mut buffer = Vec::new();
    let mut messages = Vec::new();
    let mut waiting = Vec::new();
    for (depth, level) in levels.iter().enumerate().rev() {
        for items in level.chunks(NODES_AT_ONCE) {
            buffer.clear();
            messages.clear();
            waiting.clear();
            for item in items {
                let id = item.node();
                let start = encode(forest, *item, depth, &mut buffer, &mut written[owners[id as usize] as usize])?;
                match NodeRef::embedded(&buffer[start..]) {
                    Some(embedded) => forest.references[id as usize] = embedded,
                    None => {
                        hashed.count(buffer.len() - start);
                        messages.push(Message::pad(&mut buffer, start));
                        waiting.push(id);
                    }
                }
            }
            keccak::hash_messages(&buffer, &messages, |index, digest| {
                forest.references[waiting[index] as usize] = NodeRef::hash(digest);
            });
        }
    }
    Ok(written)
}

/// Sorts the nodes below (and with) `id` into levels. `depth` is where its path begins.
fn place(forest: &Forest<'_>, id: NodeId, depth: usize, owner: u32, levels: &mut [Vec<Item>], owners: &mut [u32]) {
    owners[id as usize] = owner;
    match &forest.nodes[id as usize] {
        Node::Leaf { .. } => levels[depth].push(Item::Node(id)),
        Node::Branch { path, touched, .. } => {
            levels[path.len()].push(Item::Node(id));
            if depth < path.len() {
                levels[depth].push(Item::Extension(id));
            }
            for child in touched.iter().filter(|child| **child != NOTHING) {
                place(forest, *child, path.len() + 1, owner, levels, owners);
            }
        }
    }
}

/// Appends the node's RLP to `buffer` (and a branch's record to `written`, if it changed); returns where it begins.
fn encode(
    forest: &Forest<'_>,
    item: Item,
    depth: usize,
    buffer: &mut Vec<u8>,
    written: &mut Vec<BranchChange>,
) -> Result<usize, StoreError> {
    let start = buffer.len();
    match (item, &forest.nodes[item.node() as usize]) {
        (Item::Node(_), Node::Leaf { key, value }) => {
            node::write_leaf(key, depth, value.as_slice(), buffer);
            Ok(start)
        }
        (Item::Extension(id), Node::Branch { path, .. }) => {
            node::write_extension(path, depth, &forest.references[id as usize], buffer);
            Ok(start)
        }
        (Item::Node(_), Node::Branch { path, stored, kept, touched }) => {
            let before = stored.as_deref().map(|bytes| BranchRecord::read(path, bytes)).transpose()?;
            let mut writer = BranchWriter::new(*path, buffer);
            for (nibble, id) in touched.iter().enumerate() {
                match &before {
                    Some(before) if kept & (1 << nibble) != 0 => writer.unchanged(before),
                    _ if *id == NOTHING => writer.empty(),
                    _ => {
                        let reference = &forest.references[*id as usize];
                        match &forest.nodes[*id as usize] {
                            Node::Leaf { .. } => writer.leaf(reference),
                            Node::Branch { path: below, .. } => writer.branch(below, reference),
                        }
                    }
                }
            }
            let (start, record) = writer.finish();
            if stored.as_deref() != Some(record.as_slice()) {
                written.push(BranchChange { path: *path, before: stored.clone(), after: Some(record) });
            }
            Ok(start)
        }
        (Item::Extension(_), Node::Leaf { .. }) => unreachable!("extensions lead to branches"),
    }
}

/// The root hash of a whole trie, whose root node has this reference: a node that is shorter than a hash is embedded
/// everywhere but here.
pub(super) fn root_hash(reference: &NodeRef, hashed: &mut Hashed) -> [u8; 32] {
    match <[u8; 32]>::try_from(reference.as_slice()) {
        Ok(hash) => hash,
        Err(_) => {
            hashed.count(reference.as_slice().len());
            keccak::hash(reference.as_slice())
        }
    }
}
