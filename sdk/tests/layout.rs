//! Storage in Solidity's layout: the examples of Solidity's documentation, and what solc is known to do.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use alloy_primitives::{U256 as Word, keccak256};
use esker_sdk::{
    Address, Contract,
    native::{MemoryHost, Outcome},
    prelude::*,
    primitive_types::H256,
};

const AT: Address = Address::repeat_byte(0x11);
const SOMEBODY: Address = Address::repeat_byte(0xab);

/// Solidity's documentation, "JSON Output" of the storage layout:
/// `struct S { uint128 a; uint128 b; uint[2] staticArray; uint[] dynArray; }`
/// `uint x; uint y; S s; address addr; mapping(uint => mapping(address => bool)) map; uint[] array; string s1; bytes b1;`
#[contract]
mod documented {
    use super::*;

    #[storage(nested)]
    pub struct S {
        pub a: Cell<u128>,
        pub b: Cell<u128>,
        pub static_array: Array<U256, 2>,
        pub dyn_array: List<U256>,
    }

    #[storage]
    pub struct A {
        x: Cell<U256>,
        y: Cell<U256>,
        s: S,
        addr: Cell<Address>,
        map: Map<(U256, Address), bool>,
        array: List<U256>,
        s1: Text,
        b1: Blob,
    }

    impl A {
        pub fn fill(&mut self) {
            self.x.set(1);
            self.y.set(2);
            self.s.a.set(3);
            self.s.b.set(4);
            self.s.static_array.set(0, 5);
            self.s.static_array.set(1, 6);
            self.s.dyn_array.push(7);
            self.addr.set(SOMEBODY);
            self.map.set((U256::from(9), SOMEBODY), true);
            self.array.push(10);
            self.array.push(11);
            self.s1.set("short");
            self.b1.set(&[0xbb; 33]);
        }

        pub fn clear(&mut self) {
            use esker_sdk::storage::StorageType;
            self.s.clear();
            self.array.clear();
            self.s1.clear();
            self.b1.clear();
        }
    }
}

/// What packing does, and everything with a hash in it.
#[contract]
mod packed {
    use super::*;

    #[derive(Abi, Clone, Copy, PartialEq, Debug)]
    pub enum Phase {
        Open,
        Closed,
    }

    #[storage(nested)]
    pub struct Entry {
        pub a: Cell<u16>,
        pub b: Cell<u16>,
        pub c: Cell<U256>,
    }

    #[storage]
    pub struct P {
        pub flag: Cell<bool>,
        pub small: Cell<i16>,
        pub owner: Cell<Address>,
        pub tag: Cell<FixedBytes<4>>,
        pub phase: Cell<Phase>,
        pub odd: Cell<Uint<24>>,
        pub wide: Cell<i128>,
        pub locked: TransientCell<bool>,
        pub data: Map<U256, Map<U256, Entry>>,
        pub bytes3: List<FixedBytes<3>>,
        pub grid: List<List<u64>>,
        pub entries: List<Entry>,
        pub names: Map<String, U256>,
        pub blobs: Map<Bytes, Text>,
        pub signed: Map<i8, u8>,
        pub fixed: Array<u8, 33>,
        pub last: Cell<u8>,
        pub turn: TransientCell<u64>,
    }

    impl P {
        pub fn fill(&mut self) {
            self.flag.set(true);
            self.small.set(-2i16);
            self.owner.set(SOMEBODY);
            self.tag.set([1, 2, 3, 4]);
            self.phase.set(Phase::Closed);
            self.odd.set(Uint::new(U256::from(0x0a0b0c)).expect("fits"));
            self.wide.set(-5i128);
            let data = &mut self.data;
            data.at_mut(U256::from(4)).at_mut(U256::from(9)).c.set(77);
            data.at_mut(U256::from(4)).at_mut(U256::from(9)).b.set(66u16);
            for index in 0..11u8 {
                self.bytes3.push([index, index, 1]);
            }
            self.grid.grow();
            for number in [1u64, 2, 3, 4, 5] {
                self.grid.grow_last().push(number);
            }
            self.entries.grow().c.set(1);
            self.entries.grow().a.set(2u16);
            self.names.set("ann", 5);
            self.blobs.at_mut(&[9, 8]).set("a text that does not fit in one single slot");
            self.signed.set(-1, 3u8);
            self.fixed.set(0, 1u8);
            self.fixed.set(31, 2u8);
            self.fixed.set(32, 3u8);
            self.last.set(9u8);
            self.locked.set(true);
            self.turn.set(5u64);
        }

        pub fn read_back(&self) -> bool {
            self.flag.get()
                && self.small.get() == -2
                && self.owner.get() == SOMEBODY
                && self.tag.get().0 == [1, 2, 3, 4]
                && self.phase.get() == Phase::Closed
                && self.odd.get().get() == 0x0a0b0c
                && self.wide.get() == -5
                && self.data.at(U256::from(4)).at(U256::from(9)).c.get() == 77
                && self.data.at(U256::from(4)).at(U256::from(9)).a.get() == 0
                && self.bytes3.len() == 11
                && self.bytes3.get(10).0 == [10, 10, 1]
                && self.grid.at(0).to_vec() == [1, 2, 3, 4, 5]
                && self.names.get("ann") == 5
                && self.blobs.at(&[9, 8]).get() == "a text that does not fit in one single slot"
                && self.signed.get(-1) == 3
                && self.fixed.get(32) == 3
        }

        pub fn shrink(&mut self) {
            let popped = self.bytes3.pop();
            assert!(popped.is_some_and(|bytes| bytes.0 == [10, 10, 1]), "the last one");
            self.entries.shrink();
            self.grid.shrink();
            self.blobs.at_mut(&[9, 8]).set("tiny");
            self.small.set(0i16);
        }

        pub fn beyond(&self, index: u64) -> u8 {
            self.fixed.get(index as usize)
        }

        pub fn pop_empty(&mut self) {
            self.entries.shrink();
        }

        pub fn text(&self, key: &[u8]) -> String {
            self.blobs.at(key).get()
        }
    }

    trait GrowLast {
        fn grow_last(&mut self) -> esker_sdk::storage::ViewMut<'_, List<u64>>;
    }

    impl GrowLast for List<List<u64>> {
        fn grow_last(&mut self) -> esker_sdk::storage::ViewMut<'_, List<u64>> {
            let last = self.len() - 1;
            self.at_mut(last)
        }
    }
}

fn slot(number: u64) -> Word {
    Word::from(number)
}

/// keccak256 of words and bytes one after the other.
fn hash(parts: &[&[u8]]) -> Word {
    keccak256(parts.concat()).into()
}

fn bytes(word: Word) -> [u8; 32] {
    word.to_be_bytes()
}

fn filled<C: Contract>(input: &[u8]) -> MemoryHost {
    let mut chain = MemoryHost::new();
    chain.install::<C>(AT);
    assert_eq!(chain.send_raw(SOMEBODY, AT, 0.into(), input), Outcome::Return(Vec::new()));
    chain
}

/// Exactly these slots are not zero.
fn assert_storage(chain: &MemoryHost, expected: &[(Word, Word)]) {
    let mut actual: Vec<(Word, Word)> =
        chain.storage_of(AT).into_iter().map(|(slot, value)| (slot.0.into(), value.0.into())).map(widen).collect();
    let mut expected = expected.to_vec();
    actual.sort();
    expected.sort();
    assert_eq!(actual, expected);
}

fn widen((slot, value): (alloy_primitives::B256, alloy_primitives::B256)) -> (Word, Word) {
    (slot.into(), value.into())
}

fn somebody() -> Word {
    Word::from_be_slice(&SOMEBODY.0)
}

fn text(text: &str) -> Word {
    let mut word = [0; 32];
    word[..text.len()].copy_from_slice(text.as_bytes());
    word[31] = 2 * text.len() as u8;
    Word::from_be_bytes(word)
}

#[test]
fn the_documentations_example_lies_where_it_says() {
    let handle = documented::AHandle::at(AT);
    let mut chain = filled::<documented::A>(handle.fill().input());
    let inner = hash(&[&bytes(slot(9)), &bytes(slot(7))]);
    let mapped = hash(&[&bytes(somebody()), &bytes(inner)]);
    let long = hash(&[&bytes(slot(10))]);
    let kept = [(slot(0), Word::from(1)), (slot(1), Word::from(2)), (slot(6), somebody()), (mapped, Word::from(1))];
    let mut expected = kept.to_vec();
    expected.extend([
        // s: a and b share slot 2, the array takes 3 and 4, the dynamic one's length 5.
        (slot(2), Word::from(3) | (Word::from(4) << 128)),
        (slot(3), Word::from(5)),
        (slot(4), Word::from(6)),
        (slot(5), Word::from(1)),
        (hash(&[&bytes(slot(5))]), Word::from(7)),
        (slot(8), Word::from(2)),
        (hash(&[&bytes(slot(8))]), Word::from(10)),
        (hash(&[&bytes(slot(8))]) + slot(1), Word::from(11)),
        (slot(9), text("short")),
        (slot(10), Word::from(2 * 33 + 1)),
        (long, Word::from_be_bytes([0xbb; 32])),
        (long + slot(1), Word::from(0xbb) << 248),
    ]);
    assert_storage(&chain, &expected);

    assert_eq!(chain.send(SOMEBODY, &handle.clear()), Outcome::Return(Vec::new()));
    assert_storage(&chain, &kept);
}

#[test]
fn small_values_share_slots_as_solc_packs_them() {
    let handle = packed::PHandle::at(AT);
    let mut chain = filled::<packed::P>(handle.fill().input());
    // bool, int16, address, bytes4, uint8, uint24 are 1 + 2 + 20 + 4 + 1 + 3 = 31 bytes of slot 0; int128 opens slot 1.
    let first = Word::from(1)
        | (Word::from(0xfffe) << 8)
        | (somebody() << 24)
        | (Word::from(0x01020304) << 184)
        | (Word::from(1) << 216)
        | (Word::from(0x0a0b0c) << 224);
    // The slots behind: data 2, bytes3 3, grid 4, entries 5, names 6, blobs 7, signed 8, fixed 9 and 10, last 11.
    let entry = hash(&[&bytes(slot(9)), &bytes(hash(&[&bytes(slot(4)), &bytes(slot(2))]))]);
    let bytes3 = |from: u64, to: u64| {
        (from..to)
            .fold(Word::ZERO, |word, index| word | (Word::from(index << 16 | index << 8 | 1) << (24 * (index - from))))
    };
    let three = hash(&[&bytes(slot(3))]);
    let grid = hash(&[&bytes(slot(4))]);
    let row = hash(&[&bytes(grid)]);
    let entries = hash(&[&bytes(slot(5))]);
    let blob = hash(&[&[9, 8], &bytes(slot(7))]);
    let blob_text = b"a text that does not fit in one single slot";
    let blob_data = hash(&[&bytes(blob)]);
    let minus_one = hash(&[&[0xff; 32], &bytes(slot(8))]);
    let mut rest = [0; 32];
    rest[..11].copy_from_slice(&blob_text[32..]);
    let common = [
        (slot(1), Word::from(u128::MAX - 4)),
        (entry, Word::from(66) << 16),
        (entry + slot(1), Word::from(77)),
        (hash(&[b"ann", &bytes(slot(6))]), Word::from(5)),
        (minus_one, Word::from(3)),
        (slot(9), Word::from(1) | (Word::from(2) << 248)),
        (slot(10), Word::from(3)),
        (slot(11), Word::from(9)),
    ];
    let mut expected = common.to_vec();
    expected.extend([
        (slot(0), first),
        (slot(3), Word::from(11)),
        // Ten elements of three bytes share a slot; two bytes are left unused.
        (three, bytes3(0, 10)),
        (three + slot(1), Word::from(10 << 16 | 10 << 8 | 1)),
        (slot(4), Word::from(1)),
        (grid, Word::from(5)),
        (row, Word::from_limbs([1, 2, 3, 4])),
        (row + slot(1), Word::from(5)),
        (slot(5), Word::from(2)),
        (entries + slot(1), Word::from(1)),
        (entries + slot(2), Word::from(2)),
        (blob, Word::from(2 * blob_text.len() + 1)),
        (blob_data, Word::from_be_slice(&blob_text[..32])),
        (blob_data + slot(1), Word::from_be_bytes(rest)),
    ]);
    assert_storage(&chain, &expected);
    assert!(chain.query(SOMEBODY, &handle.read_back()));

    assert_eq!(chain.send(SOMEBODY, &handle.shrink()), Outcome::Return(Vec::new()));
    let mut expected = common.to_vec();
    expected.extend([
        (slot(0), first ^ (Word::from(0xfffe) << 8)),
        (slot(3), Word::from(10)),
        (three, bytes3(0, 10)),
        (slot(5), Word::from(1)),
        (entries + slot(1), Word::from(1)),
        (blob, text("tiny")),
    ]);
    assert_storage(&chain, &expected);
}

#[test]
fn indices_out_of_bounds_and_empty_arrays_panic_like_solidity() {
    let handle = packed::PHandle::at(AT);
    let mut chain = MemoryHost::new();
    chain.install::<packed::P>(AT);
    assert_eq!(chain.query(SOMEBODY, &handle.beyond(32)), 0);
    assert_eq!(chain.send(SOMEBODY, &handle.beyond(33)), Outcome::Revert(Panic::IndexOutOfBounds.encode()));
    assert_eq!(chain.send(SOMEBODY, &handle.pop_empty()), Outcome::Revert(Panic::PopOnEmpty.encode()));
}

#[test]
fn a_slot_that_encodes_no_string_panics_like_solidity() {
    let handle = packed::PHandle::at(AT);
    let mut chain = MemoryHost::new();
    chain.install::<packed::P>(AT);
    let blob = H256(bytes(hash(&[&[1], &bytes(slot(7))])));
    // A long string's mark with a length that would be short, and a short one's with a length that would be long.
    for tag in [2 * 31 + 1, 2 * 32] {
        chain.set_storage(AT, blob, H256(bytes(slot(tag))));
        assert_eq!(chain.send(SOMEBODY, &handle.text(&[1])), Outcome::Revert(Panic::StorageEncoding.encode()), "{tag}");
    }
    // A byte that is no UTF-8.
    chain.set_storage(AT, blob, H256(bytes((Word::from(0xff) << 248) | slot(2))));
    assert_eq!(chain.send(SOMEBODY, &handle.text(&[1])), Outcome::Revert(Panic::StorageEncoding.encode()));
}

/// Structs that hold lists of their own kind.
#[contract]
mod trees {
    use super::*;
    use esker_sdk::storage::Value;

    #[derive(Stored, Clone, Debug, PartialEq, Eq)]
    pub struct Comment {
        pub by: u64,
        pub replies: Vec<Comment>,
        pub text: String,
    }

    #[storage(nested)]
    pub struct Branch<T: Value> {
        pub weight: Cell<T>,
        pub all: List<Self>,
        pub named: Map<u64, Branch<T>>,
    }

    #[storage]
    pub struct Trees {
        comments: List<Comment>,
        pub branch: Branch<u64>,
    }

    impl Trees {
        pub fn fill(&mut self) {
            let reply = |by, replies| Comment { by, replies, text: "yes".into() };
            let comment = reply(1, vec![reply(2, vec![]), reply(3, vec![reply(4, vec![])])]);
            self.comments.push(comment.clone());
            assert_eq!(self.comments.get(0), comment);
            self.comments.at_mut(0).replies.at_mut(1).by.set(5);
            self.branch.all.grow().named.at_mut(7).weight.set(9);
        }
    }
}

#[test]
fn structs_may_hold_lists_of_their_own_kind() {
    let chain = filled::<trees::Trees>(trees::TreesHandle::at(AT).fill().input());
    let stored = |place: Word| Word::from_be_bytes(chain.storage(AT, H256(bytes(place))).0);
    let contents = |place: Word| hash(&[&bytes(place)]);
    // comments[0].replies[1].by: a comment takes three slots, and its replies lie from the hash of the second on.
    let replies = contents(contents(slot(0)) + slot(1));
    assert_eq!(stored(replies), slot(2));
    assert_eq!(stored(replies + slot(3)), slot(5));
    assert_eq!(stored(contents(replies + slot(4))), slot(4));
    // branch.all[0].named[7].weight: a branch takes three slots too.
    let named = contents(slot(2)) + slot(2);
    assert_eq!(stored(hash(&[&bytes(slot(7)), &bytes(named)])), slot(9));
    // A struct inside itself is named without its members.
    let json: serde_json::Value =
        serde_json::from_str(&esker_sdk::storage::layout_json::<trees::Trees>()).expect("JSON");
    let inner = &json["storage"][0]["type"]["list"]["members"][1]["type"]["list"];
    assert_eq!((&inner["struct"], &inner["slots"]), (&"CommentStorage".into(), &3.into()));
    assert!(inner["members"].is_null());
    let inner = &json["storage"][1]["type"]["members"][2]["type"]["mapping"];
    assert_eq!((&inner["struct"], &inner["members"]), (&"Branch".into(), &serde_json::Value::Null));
}
