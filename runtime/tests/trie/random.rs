//! Random insertions, changes and removals over key spaces that make every shape of node.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use proptest::prelude::*;

use super::memory_trie::MemoryTrie;
use super::seeded;

const SEED: [u8; 32] = *b"esker: random tries, fixed seed.";

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    seeded::run(&SEED, cases, strategy, test);
}

/// Where the few nibbles that differ between keys stand; all others are equal.
#[derive(Clone, Copy, Debug)]
enum Space {
    /// Anywhere: keys are hashes.
    Hashed,
    /// At the beginning.
    Front,
    /// At the end: keys share 60 nibbles.
    Back,
    /// Spread, so that extensions of several lengths, even and odd, lie between branches.
    Spread,
}

fn key(space: Space, number: u16) -> B256 {
    let nibbles = [number >> 12 & 3, number >> 8 & 3, number >> 4 & 15, number & 15].map(|nibble| nibble as u8);
    let places = match space {
        Space::Hashed => return keccak256(number.to_be_bytes()),
        Space::Front => [0, 1, 2, 3],
        Space::Back => [60, 61, 62, 63],
        Space::Spread => [3, 9, 40, 63],
    };
    let mut key = B256::repeat_byte(0x77);
    for (place, nibble) in places.into_iter().zip(nibbles) {
        let byte = &mut key[place / 2];
        *byte = if place % 2 == 0 { *byte & 0x0f | nibble << 4 } else { *byte & 0xf0 | nibble };
    }
    key
}

fn space() -> impl Strategy<Value = Space> {
    prop_oneof![Just(Space::Hashed), Just(Space::Front), Just(Space::Back), Just(Space::Spread)]
}

/// A value: short ones make embedded nodes.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..3),
        prop::collection::vec(any::<u8>(), 28..36),
        prop::collection::vec(any::<u8>(), 100..120),
    ]
}

/// Writes of a block.
type Writes = Vec<(u16, Option<Vec<u8>>)>;

/// A block's writes: as many removals as insertions, over so few numbers that they meet.
fn block(numbers: u16) -> impl Strategy<Value = Writes> {
    let write = prop_oneof![value().prop_map(Some), Just(None)];
    prop::collection::vec((0..numbers, write), 1..24)
}

fn case() -> impl Strategy<Value = (Space, Vec<Writes>)> {
    let blocks = prop_oneof![
        prop::collection::vec(block(12), 1..12),
        prop::collection::vec(block(200), 1..12),
        prop::collection::vec(block(u16::MAX), 1..12),
    ];
    (space(), blocks)
}

#[test]
fn random_sequences_give_the_root_that_a_rebuild_gives() {
    run(600, case(), |(space, blocks)| {
        let mut trie = MemoryTrie::default();
        for (number, block) in blocks.into_iter().enumerate() {
            let writes: BTreeMap<B256, Option<Vec<u8>>> =
                block.into_iter().map(|(number, value)| (key(space, number), value)).collect();
            trie.apply(&writes, 1);
            trie.check(&format!("{space:?}, block {number}"));
        }
    });
}

#[test]
fn proofs_of_present_and_absent_keys_verify() {
    run(150, (case(), prop::collection::vec(any::<u16>(), 6)), |((space, blocks), absent)| {
        let mut trie = MemoryTrie::default();
        for block in blocks {
            trie.apply(&block.into_iter().map(|(number, value)| (key(space, number), value)).collect(), 1);
        }
        let present: Vec<B256> = trie.leaves.keys().copied().take(12).collect();
        for key in present {
            trie.check_proof(&key, &format!("{space:?}"));
        }
        for number in absent {
            trie.check_proof(&key(space, number), &format!("{space:?}"));
        }
    });
}

#[test]
fn removing_everything_in_one_block_leaves_the_empty_trie() {
    for space in [Space::Hashed, Space::Front, Space::Back, Space::Spread] {
        let mut trie = MemoryTrie::default();
        let keys: Vec<B256> = (0..600).map(|number| key(space, number * 101)).collect();
        trie.apply(&keys.iter().map(|key| (*key, Some(vec![1; 40]))).collect(), 2);
        trie.check("filled");
        trie.apply(&keys.iter().map(|key| (*key, None)).collect(), 2);
        trie.check("emptied");
        assert!(trie.branches.is_empty() && trie.leaves.is_empty(), "{space:?}: something is left");
    }
}

#[test]
fn threads_do_not_change_the_result() {
    let number = |index: u32| keccak256(index.to_be_bytes());
    let mut one = MemoryTrie::default();
    let mut many = MemoryTrie::default();
    let fill: BTreeMap<_, _> = (0..5000).map(|index| (number(index), Some(vec![index as u8 | 1; 70]))).collect();
    let change: BTreeMap<_, _> = (2000..8000)
        .map(|index| (number(index), if index % 2 == 0 { None } else { Some(vec![index as u8 | 1; 33]) }))
        .collect();
    // All but the keys of one top nibble go, so that the root branch collapses while the work is divided.
    let collapse: BTreeMap<_, _> =
        (0..8000).map(number).filter(|key| key[0] >> 4 != 5).map(|key| (key, None)).collect();
    for writes in [fill, change, collapse] {
        one.apply(&writes, 1);
        many.apply(&writes, 4);
        many.check("on four threads");
        assert_eq!(one.branches, many.branches);
        assert_eq!((one.root, one.shape), (many.root, many.shape));
    }
}

#[test]
fn a_change_that_lies_about_what_was_there_is_refused_where_it_shows() {
    use esker_runtime::trie::{LeafChange, TrieChanges, update};
    let mut trie = MemoryTrie::default();
    trie.apply(&[(B256::repeat_byte(0x11), Some(vec![1; 40]))].into(), 1);
    let changes = [LeafChange { key: B256::repeat_byte(0x11), existed: false, value: Some(vec![2]) }];
    let result = update(&[TrieChanges { reader: &trie, shape: trie.shape, changes: &changes }], 1);
    assert!(matches!(result, Err(esker_runtime::db::StoreError::Mismatch(_))));
    let empty = MemoryTrie::default();
    let changes = [LeafChange { key: B256::ZERO, existed: true, value: None }];
    let result = update(&[TrieChanges { reader: &empty, shape: empty.shape, changes: &changes }], 1);
    assert!(matches!(result, Err(esker_runtime::db::StoreError::Mismatch(_))));
}

#[test]
fn leaves_that_do_not_rise_make_no_sorted_trie() {
    use esker_runtime::db::StoreError;
    use esker_runtime::trie::sorted::SortedTrie;
    for second in [B256::repeat_byte(0x22), B256::repeat_byte(0x11)] {
        let mut trie = SortedTrie::new();
        let branch = &mut |_: &esker_runtime::trie::Path, _: &[u8]| -> Result<(), StoreError> { Ok(()) };
        trie.push(B256::repeat_byte(0x22), vec![1], branch).expect("the first may be any");
        assert!(matches!(trie.push(second, vec![1], branch), Err(StoreError::Corrupt(_))), "{second}");
    }
}
