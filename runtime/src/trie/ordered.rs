//! The root of a trie whose keys are the RLP of 0, 1, 2 … (Yellow Paper, section 4.4): a block's transactions, its
//! receipts. A level's nodes are hashed together, so that many of them share the lanes of one keccak.

use alloy_primitives::B256;

use super::EMPTY_ROOT_HASH;
use super::keccak::{self, Engine, Message};
use super::node::{NodeRef, string_length, write_length, write_string};

/// Nodes encoded before they are hashed: enough to fill the lanes with nodes of one length, few enough to stay in the
/// processor's cache.
const NODES_AT_ONCE: usize = 64;

/// Most nibbles of a key: RLP of an index of 64 bits.
const NIBBLES_MAX: usize = 18;

/// The nibbles of an index's RLP.
#[derive(Clone, Copy)]
struct Key {
    nibbles: [u8; NIBBLES_MAX],
    length: u8,
}

impl Key {
    fn of(index: usize) -> Self {
        let bytes = index.to_be_bytes();
        let skip = index.leading_zeros() as usize / 8;
        let mut rlp = Vec::with_capacity(bytes.len() + 1);
        write_string(&bytes[skip..], &mut rlp);
        let mut nibbles = [0; NIBBLES_MAX];
        for (pair, byte) in nibbles.as_chunks_mut::<2>().0.iter_mut().zip(&rlp) {
            *pair = [byte >> 4, byte & 0x0f];
        }
        Self { nibbles, length: 2 * rlp.len() as u8 }
    }

    fn as_slice(&self) -> &[u8] {
        &self.nibbles[..usize::from(self.length)]
    }
}

/// Names a node in [`Builder::nodes`].
type NodeId = u32;

enum Node {
    /// The value with this index; what is left of its key begins at `from`.
    Leaf { index: usize, from: usize },
    /// Leads from nibble `from` down to a branch at nibble `to` of the key of `index`.
    Extension { index: usize, from: usize, to: usize, below: NodeId },
    /// No key ends in a branch: no RLP of a number begins another's.
    Branch([Option<NodeId>; 16]),
}

struct Builder {
    keys: Vec<Key>,
    nodes: Vec<Node>,
    /// The nodes that begin at each depth.
    levels: Vec<Vec<NodeId>>,
}

impl Builder {
    fn add(&mut self, depth: usize, node: Node) -> NodeId {
        let id = self.nodes.len() as NodeId;
        self.nodes.push(node);
        self.levels[depth].push(id);
        id
    }

    /// Adds the node that holds all of `indices` (at least one), sorted by key, which share their first `depth` nibbles.
    fn build(&mut self, indices: &[usize], depth: usize) -> NodeId {
        let (index, last) = (indices[0], indices[indices.len() - 1]);
        if index == last {
            return self.add(depth, Node::Leaf { index, from: depth });
        }
        let (a, b) = (self.keys[index], self.keys[last]);
        let shared = a.as_slice().iter().zip(b.as_slice()).take_while(|(a, b)| a == b).count();
        let mut children = [None; 16];
        let mut rest = indices;
        while let Some(first) = rest.first() {
            let nibble = self.keys[*first].nibbles[shared];
            let (below, after) = rest.split_at(rest.partition_point(|key| self.keys[*key].nibbles[shared] <= nibble));
            children[usize::from(nibble)] = Some(self.build(below, shared + 1));
            rest = after;
        }
        let branch = self.add(shared, Node::Branch(children));
        if shared == depth {
            return branch;
        }
        self.add(depth, Node::Extension { index, from: depth, to: shared, below: branch })
    }
}

/// The root of the trie of `count` values, the i-th of which `encode` appends to what it is given. No value is empty.
pub fn ordered_root(count: usize, encode: impl FnMut(usize, &mut Vec<u8>)) -> B256 {
    ordered_root_with(Engine::best(), count, encode)
}

/// As [`ordered_root`], with the engine named.
pub fn ordered_root_with(engine: Engine, count: usize, mut encode: impl FnMut(usize, &mut Vec<u8>)) -> B256 {
    if count == 0 {
        return EMPTY_ROOT_HASH;
    }
    let keys: Vec<Key> = (0..count).map(Key::of).collect();
    let mut indices: Vec<usize> = (0..count).collect();
    indices.sort_unstable_by(|a, b| keys[*a].as_slice().cmp(keys[*b].as_slice()));
    let mut builder = Builder { keys, nodes: Vec::with_capacity(2 * count), levels: vec![Vec::new(); NIBBLES_MAX + 1] };
    let root = builder.build(&indices, 0);

    let mut references = vec![NodeRef::default(); builder.nodes.len()];
    let mut hash = [0; 32];
    let (mut buffer, mut messages, mut waiting, mut value) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for level in builder.levels.iter().rev() {
        for ids in level.chunks(NODES_AT_ONCE) {
            buffer.clear();
            messages.clear();
            waiting.clear();
            for id in ids {
                let start = buffer.len();
                match &builder.nodes[*id as usize] {
                    Node::Leaf { index, from } => {
                        value.clear();
                        encode(*index, &mut value);
                        write_leaf(&builder.keys[*index].as_slice()[*from..], &value, &mut buffer);
                    }
                    Node::Extension { index, from, to, below } => {
                        let path = &builder.keys[*index].nibbles[*from..*to];
                        write_extension(path, &references[*below as usize], &mut buffer);
                    }
                    Node::Branch(children) => write_branch(children, &references, &mut buffer),
                }
                match NodeRef::embedded(&buffer[start..]) {
                    Some(embedded) if *id != root => references[*id as usize] = embedded,
                    _ => {
                        messages.push(Message::pad(&mut buffer, start));
                        waiting.push(*id);
                    }
                }
            }
            keccak::hash_messages_with(engine, &buffer, &messages, |index, digest| {
                references[waiting[index] as usize] = NodeRef::hash(digest);
                if waiting[index] == root {
                    hash = digest;
                }
            });
        }
    }
    hash.into()
}

/// The hex-prefix encoding (Yellow Paper, appendix C).
fn hex_prefix(nibbles: &[u8], is_leaf: bool) -> ([u8; NIBBLES_MAX], usize) {
    let mut out = [0; NIBBLES_MAX];
    let (odd, pairs) = nibbles.split_at(nibbles.len() % 2);
    out[0] = if is_leaf { 0x20 } else { 0 } | odd.first().map_or(0, |nibble| 0x10 | nibble);
    for (byte, pair) in out[1..].iter_mut().zip(pairs.as_chunks::<2>().0) {
        *byte = pair[0] << 4 | pair[1];
    }
    (out, 1 + pairs.len() / 2)
}

fn write_leaf(path: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let (path, length) = hex_prefix(path, true);
    write_length(0xc0, string_length(&path[..length]) + string_length(value), out);
    write_string(&path[..length], out);
    write_string(value, out);
}

fn write_extension(path: &[u8], below: &NodeRef, out: &mut Vec<u8>) {
    let (path, length) = hex_prefix(path, false);
    write_length(0xc0, string_length(&path[..length]) + reference_length(below), out);
    write_string(&path[..length], out);
    below.write(out);
}

fn write_branch(children: &[Option<NodeId>; 16], references: &[NodeRef], out: &mut Vec<u8>) {
    let reference = |child: &Option<NodeId>| child.map(|id| references[id as usize]);
    let payload: usize =
        children.iter().map(|child| reference(child).map_or(1, |child| reference_length(&child))).sum();
    // The last item is the value that no branch has here.
    write_length(0xc0, payload + 1, out);
    for child in children {
        match reference(child) {
            Some(child) => child.write(out),
            None => out.push(0x80),
        }
    }
    out.push(0x80);
}

/// What a child takes in its parent, in bytes.
fn reference_length(reference: &NodeRef) -> usize {
    let length = reference.as_slice().len();
    length + usize::from(length == 32)
}

#[cfg(test)]
mod tests {
    use alloy_trie::root::ordered_trie_root_with_encoder;

    use super::*;

    fn compare(values: &[Vec<u8>], what: &str) {
        let expected = ordered_trie_root_with_encoder(values, |value, out| out.extend_from_slice(value));
        assert_eq!(ordered_root(values.len(), |index, out| out.extend_from_slice(&values[index])), expected, "{what}");
        for engine in Engine::available() {
            let root = ordered_root_with(engine, values.len(), |index, out| out.extend_from_slice(&values[index]));
            assert_eq!(root, expected, "{what}, {engine:?}");
        }
    }

    #[test]
    fn random_lists_give_the_root_that_alloy_computes_on_every_engine() {
        let mut random = 0x6f72_6465_7265_6431u64;
        let mut below = |bound: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % bound as u64) as usize
        };
        for case in 0..60 {
            let count = [below(20), below(300), below(2_001)][case % 3];
            let longest = [1, 33, 140, 700][below(4)];
            let values: Vec<Vec<u8>> =
                (0..count).map(|_| (0..1 + below(longest)).map(|_| below(256) as u8).collect()).collect();
            compare(&values, &format!("case {case}: {count} values of up to {longest} bytes"));
        }
    }

    #[test]
    fn every_count_gives_the_root_that_alloy_computes() {
        let values: Vec<Vec<u8>> = (0..700u32).map(|i| vec![i as u8 | 1; 1 + (i as usize * 37) % 300]).collect();
        for count in (0..300).chain([511, 512, 513, 700]) {
            compare(&values[..count], &format!("{count} values"));
        }
    }

    #[test]
    fn values_short_enough_to_be_embedded_count() {
        for length in [1, 2, 20, 27, 28, 29, 30, 31, 32, 33, 54, 55, 56, 57] {
            for count in [1, 2, 3, 17, 128, 129, 300] {
                compare(&vec![vec![0x7f; length]; count], &format!("{count} values of {length} bytes"));
                compare(&vec![vec![0x80; length]; count], &format!("{count} values of {length} high bytes"));
            }
        }
    }

    #[test]
    fn indices_of_three_bytes_come_last() {
        let values: Vec<Vec<u8>> = (0..65_600u32).map(|i| i.to_be_bytes().to_vec()).collect();
        compare(&values, "65,600 values");
    }
}
