//! A trie kept in maps, updated as the state updates its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use alloy_trie::{HashBuilder, Nibbles, proof::verify_proof};
use esker_runtime::db::StoreError;
use esker_runtime::trie::branch::BranchRecord;
use esker_runtime::trie::scratch::root_from_scratch;
use esker_runtime::trie::sorted::SortedTrie;
use esker_runtime::trie::{EMPTY_ROOT_HASH, LeafChange, Path, Shape, TrieChanges, TrieReader, proof, update, verify};

/// Leaves as a flat table, branches by path.
pub struct MemoryTrie {
    pub leaves: BTreeMap<B256, Vec<u8>>,
    pub branches: BTreeMap<Path, Vec<u8>>,
    pub shape: Shape,
    pub root: B256,
}

impl Default for MemoryTrie {
    fn default() -> Self {
        Self { leaves: BTreeMap::new(), branches: BTreeMap::new(), shape: Shape::Empty, root: EMPTY_ROOT_HASH }
    }
}

impl TrieReader for MemoryTrie {
    fn branch(&self, path: &Path) -> Result<Option<Arc<[u8]>>, StoreError> {
        Ok(self.branches.get(path).map(|record| Arc::from(record.as_slice())))
    }

    fn first_leaf(&self, prefix: &Path) -> Result<Option<(B256, Vec<u8>)>, StoreError> {
        let leaf = self.leaves.range(prefix.lowest_key()..).next();
        Ok(leaf.filter(|(key, _)| prefix.begins(key)).map(|(key, value)| (*key, value.clone())))
    }
}

impl MemoryTrie {
    /// Applies the writes (`None` removes; removing what is absent is left out) as one update.
    pub fn apply(&mut self, writes: &BTreeMap<B256, Option<Vec<u8>>>, threads: usize) {
        let changes: Vec<LeafChange> = writes
            .iter()
            .map(|(key, value)| LeafChange { key: *key, existed: self.leaves.contains_key(key), value: value.clone() })
            .filter(|change| change.existed || change.value.is_some())
            .collect();
        if changes.is_empty() {
            return;
        }
        let trie = TrieChanges { reader: self, shape: self.shape, changes: &changes };
        let (mut updates, _) = update(&[trie], threads).expect("the trie is sound");
        let updated = updates.pop().expect("one trie, one update");
        for change in updated.branches {
            let path = change.path;
            assert_eq!(change.before.as_deref(), self.branches.get(&path).map(Vec::as_slice), "what stood before");
            match change.after {
                Some(record) => {
                    BranchRecord::read(&path, &record).expect("a written record is well formed");
                    self.branches.insert(path, record);
                }
                None => assert!(self.branches.remove(&path).is_some(), "only stored branches are removed"),
            }
        }
        for change in changes {
            match change.value {
                Some(value) => self.leaves.insert(change.key, value),
                None => self.leaves.remove(&change.key),
            };
        }
        self.shape = updated.shape;
        self.root = updated.root;
    }

    /// Builds the trie from its sorted leaves: root, shape, and branches by path.
    pub fn sorted(&self) -> (B256, Shape, BTreeMap<Path, Vec<u8>>) {
        let mut branches = BTreeMap::new();
        let mut keep = |path: &Path, record: &[u8]| -> Result<(), StoreError> {
            assert!(branches.insert(*path, record.to_vec()).is_none(), "a branch is shown once");
            Ok(())
        };
        let mut sorted = SortedTrie::new();
        for (key, value) in &self.leaves {
            sorted.push(*key, value.clone(), &mut keep).expect("the keys rise");
        }
        let (root, shape, count) = sorted.finish(&mut keep).expect("nothing fails");
        assert_eq!(count, branches.len() as u64);
        (root, shape, branches)
    }

    /// Compares the root with three independent builders, and the set of branches with tries built in one go.
    pub fn check(&self, context: &str) {
        let leaves: Vec<_> = self.leaves.iter().collect();
        assert_eq!(self.root, root_from_scratch(&leaves), "{context}: from scratch");
        let mut builder = HashBuilder::default();
        for (key, value) in &self.leaves {
            builder.add_leaf(Nibbles::unpack(key), value);
        }
        assert_eq!(self.root, builder.root(), "{context}: alloy");
        let mut fresh = Self::default();
        fresh.apply(&self.leaves.iter().map(|(key, value)| (*key, Some(value.clone()))).collect(), 1);
        assert_eq!(fresh.root, self.root, "{context}: in one go");
        assert_eq!(fresh.shape, self.shape, "{context}: shape");
        assert_eq!(fresh.branches, self.branches, "{context}: branch records");
        assert_eq!(self.sorted(), (self.root, self.shape, self.branches.clone()), "{context}: from sorted leaves");
        assert_eq!(proof::top_hash(self, self.shape).expect("sound"), self.root, "{context}: top hash");
    }

    /// Proves `key` and checks the proof with our verifier and with alloy's.
    pub fn check_proof(&self, key: &B256, context: &str) {
        let (value, nodes) = proof::prove(self, self.shape, key).expect("sound");
        assert_eq!(value.as_ref(), self.leaves.get(key), "{context}: value of {key}");
        assert_eq!(verify::verify(self.root, *key, &nodes), Ok(value.clone()), "{context}: our verifier on {key}");
        verify_proof(self.root, Nibbles::unpack(key), value, &nodes)
            .unwrap_or_else(|error| panic!("{context}: alloy refuses the proof of {key}: {error}"));
        self.check_spoiled(key, &nodes, context);
    }

    /// A proof that is cut, prolonged or altered proves nothing.
    fn check_spoiled(&self, key: &B256, nodes: &[Bytes], context: &str) {
        if nodes.is_empty() {
            return;
        }
        let refused = |nodes: &[Bytes], how: &str| {
            assert!(verify::verify(self.root, *key, nodes).is_err(), "{context}: a proof {how} was accepted");
        };
        refused(&nodes[..nodes.len() - 1], "without its last node");
        refused(&[nodes, &[Bytes::from_static(&[0x80])]].concat(), "with a node too many");
        let mut altered = nodes.to_vec();
        let last = altered.len() - 1;
        let mut bytes = altered[last].to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        altered[last] = bytes.into();
        refused(&altered, "with a bit flipped");
    }
}
