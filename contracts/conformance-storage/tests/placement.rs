//! Where everything lies, natively and as wasm: the kit compares the runs, these tests compare the slots with Solidity's.

use esker_conformance_storage::{Proposal, Window, places::PlacesHandle};
use esker_sdk::{Address, B256, FixedBytes, U256, abi::keccak256};
use esker_sdk_test::{Chain, User};

fn word(number: u128) -> B256 {
    FixedBytes(U256::from(number).to_be_bytes())
}

/// What is at the places of a slot, each given as offset and value.
fn packed(fields: &[(u32, U256)]) -> B256 {
    let word = fields.iter().fold(U256::ZERO, |word, (offset, value)| word | (*value << (8 * offset)));
    FixedBytes(word.to_be_bytes())
}

fn number(address: Address) -> U256 {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address.0);
    U256::from_be_bytes(word)
}

fn slot(hex: &str) -> B256 {
    let byte = |index: usize| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).expect("hexadecimal");
    FixedBytes(std::array::from_fn(byte))
}

fn behind(slot: B256, count: u128) -> B256 {
    FixedBytes((U256::from_be_bytes(slot.0) + U256::from(count)).to_be_bytes())
}

fn places(chain: &mut Chain, by: User) -> PlacesHandle {
    chain.deploy(by, PlacesHandle::constructor())
}

fn proposal(by: User) -> Proposal {
    Proposal {
        proposer: by.address,
        id: 7,
        votes: U256::from(100),
        title: "a title that is longer than a slot has room for".into(),
        window: Window { from: 11, to: 12 },
        choices: vec![1, 2, 3],
        marks: [5, 6, 7, 8, 9],
    }
}

#[esker_sdk::test]
fn flattened_and_fixed_fields_lie_where_solidity_has_them(chain: &mut Chain, alice: User) {
    let places = places(chain, alice);
    assert_eq!(chain.send(alice, places.fill()).returned(), 12);
    let (here, sender) = (places.address(), number(alice.address));
    let one = |value: u64| U256::from(value);
    // contract Places is Stoppable, Roles would give the same, with `first` in a base before them and `count` between.
    for (slot, value) in [
        (word(0), packed(&[(0, one(1)), (1, sender), (21, one(1)), (22, one(3))])),
        (word(1), packed(&[(0, sender)])),
        (word(2), packed(&[(0, number(here))])),
        (word(3), packed(&[(0, one(4)), (2, one(5))])),
        // `others`, a struct: three guardians and its level.
        (word(4), word(0)),
        (word(7), word(9)),
        // `proposals` has slot 8, `queue` 9, `current` those from 10 to 16, `texts` 17.
        (slot("183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500"), word(6)),
        (slot("183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab501"), word(7)),
        (slot("b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"), packed(&[(0, number(here))])),
        (B256::repeat_byte(0xff), word(8)),
    ] {
        assert_eq!(chain.storage(here, slot), value, "{slot}");
    }
}

#[esker_sdk::test]
fn a_struct_is_one_in_storage_and_in_the_abi(chain: &mut Chain, alice: User) {
    let places = places(chain, alice);
    let mut expected = proposal(alice);
    chain.send(alice, places.propose(expected.clone())).succeeds();
    assert_eq!(chain.send(alice, places.vote(7, 11)).returned(), 111);
    expected.votes = U256::from(111);
    assert_eq!(chain.read(places.proposal(7)), expected);
    assert_eq!(chain.read(places.current()), expected);
    assert_eq!(chain.read(places.window(7)), Window { from: 11, to: 12 });
    assert_eq!(chain.read(places.marked(7)), 35);

    // keccak256(key ‖ slot): proposer and id share the first slot, then votes, title, window, choices and two of marks.
    let mut preimage = [0; 64];
    (preimage[31], preimage[63]) = (7, 8);
    let entry = FixedBytes(keccak256(&preimage));
    let one = |value: u64| U256::from(value);
    let four =
        |marks: &[u64]| marks.iter().enumerate().map(|(at, mark)| (8 * at as u32, one(*mark))).collect::<Vec<_>>();
    for first in [entry, word(10)] {
        for (behind_it, value) in [
            (0, packed(&[(0, number(alice.address)), (20, one(7))])),
            (1, word(111)),
            (2, word(2 * 47 + 1)),
            (3, packed(&[(0, one(11)), (8, one(12))])),
            (4, word(3)),
            (5, packed(&four(&[5, 6, 7, 8]))),
            (6, word(9)),
        ] {
            assert_eq!(chain.storage(places.address(), behind(first, behind_it)), value, "{behind_it}");
        }
    }
    let choices = FixedBytes(keccak256(&behind(entry, 4).0));
    assert_eq!(chain.storage(places.address(), choices), packed(&[(0, one(1)), (2, one(2)), (4, one(3))]));

    // Shorter values leave nothing of longer ones behind.
    let short = Proposal { title: "short".into(), choices: vec![9], ..proposal(alice) };
    chain.send(alice, places.propose(short.clone())).succeeds();
    assert_eq!(chain.read(places.proposal(7)), short);
    assert_eq!(chain.storage(places.address(), choices), word(9));
    assert_eq!(chain.read(places.titles()), ["short".to_owned(), proposal(alice).title]);
    assert_eq!(chain.send(alice, places.dequeue(0)).returned(), proposal(alice));
    assert_eq!(chain.read(places.titles()), ["short".to_owned()]);
    chain.send(alice, places.forget(7)).succeeds();
    assert_eq!(chain.read(places.proposal(7)), empty());
    for behind_it in 0..7 {
        assert_eq!(chain.storage(places.address(), behind(entry, behind_it)), B256::ZERO, "{behind_it}");
    }
}

fn empty() -> Proposal {
    Proposal {
        proposer: Address::ZERO,
        id: 0,
        votes: U256::ZERO,
        title: String::new(),
        window: Window { from: 0, to: 0 },
        choices: Vec::new(),
        marks: [0; 5],
    }
}

#[esker_sdk::test]
fn a_mapping_of_text_is_read_and_written_whole(chain: &mut Chain, alice: User) {
    let places = places(chain, alice);
    for text in ["", "short", "a text of more than thirty-one bytes, over two slots"] {
        assert_eq!(chain.send(alice, places.name(3, text)).returned(), text);
    }
}
