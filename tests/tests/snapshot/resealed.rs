//! Files whose maker knows the format: all seals fit, and what is inside is not the block's.

use alloy_primitives::{B256, keccak256};
use esker_tests::seeded;
use proptest::prelude::*;

use crate::format::{ACCOUNTS, ANCESTORS, CERTIFICATE, CODES, END, GENESIS, HEADER, Parts, RECEIPTS, TRANSACTIONS};
use crate::world::{World, refused};

/// A chain with a block of each kind of content.
fn sound() -> (Parts, B256) {
    let mut world = World::new();
    world.mine_empty(3);
    let mut raw = vec![world.wallets.send_legacy(1, alloy_primitives::Address::repeat_byte(0xaa), 12)];
    raw.push(world.ask(2, 1));
    world.mine(&raw);
    (Parts::read(&world.export()), world.hash())
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("8 bytes"))
}

/// Exchanges two records.
fn swapped(records: &[Vec<u8>], a: usize, b: usize) -> Vec<Vec<u8>> {
    let mut records = records.to_vec();
    records.swap(a, b);
    records
}

fn without(records: &[Vec<u8>], at: usize) -> Vec<Vec<u8>> {
    let mut records = records.to_vec();
    records.remove(at);
    records
}

fn twice(records: &[Vec<u8>], at: usize) -> Vec<Vec<u8>> {
    let mut records = records.to_vec();
    records.insert(at, records[at].clone());
    records
}

#[test]
fn other_accounts_and_slots_are_refused() {
    let (parts, trusted) = sound();
    let records = parts.records();
    let of = |tags: &[u8]| records.iter().position(|record| tags.contains(&record[0])).expect("there is such a record");
    let (plain, contract, slot) = (of(&[0]), of(&[1, 3]), of(&[4]));
    let storing = slot - 1;
    let changed = |at: usize, byte: usize, xor: u8| {
        let mut records = records.clone();
        records[at][byte] ^= xor;
        records
    };
    let last = |at: usize| records[at].len() - 1;
    let zero_slot = {
        let mut records = records.clone();
        records[slot].truncate(33);
        records[slot].push(0);
        records
    };
    let padded_slot = {
        let mut records = records.clone();
        let value = records[slot].split_off(34);
        records[slot][33] += 1;
        records[slot].push(0);
        records[slot].extend(value);
        records
    };
    let cases: Vec<(&str, Vec<Vec<u8>>, &str)> = vec![
        ("an account missing", without(&records, plain), "the accounts have the root"),
        ("a contract without slots missing", without(&records, contract), ""),
        ("a slot missing", without(&records, slot), "have the root"),
        ("a slot's account missing", without(&records, storing), ""),
        ("an account twice", twice(&records, plain), "none may come twice"),
        ("a slot twice", twice(&records, slot), "none may come twice"),
        ("two slots exchanged", swapped(&records, slot, slot + 1), "they must rise"),
        ("first and last exchanged", swapped(&records, 0, records.len() - 1), ""),
        ("another slot value", changed(slot, last(slot), 1), "it says"),
        ("another slot", changed(slot, 32, 1), "it says"),
        ("another balance", changed(plain, last(plain), 1), "the accounts have the root"),
        ("another nonce", changed(plain, 40, 1), "the accounts have the root"),
        ("another address", changed(plain, 32, 1), "the accounts have the root"),
        (
            "another code hash",
            changed(contract, last(contract) - if records[contract][0] == 3 { 32 } else { 0 }, 1),
            "is missing",
        ),
        ("another storage root", changed(storing, last(storing), 1), "it says"),
        ("an unknown kind of record", changed(slot, 0, 1), "neither an account nor a slot"),
        ("a slot of zero", zero_slot, "a slot is zero"),
        ("a slot with leading zeros", padded_slot, "leading zeros"),
        ("a balance of 33 bytes", changed(plain, 41, 32), ""),
        ("no accounts at all", Vec::new(), ""),
    ];
    for (what, records, words) in cases {
        let mut parts = parts.clone();
        parts.set_records(&records);
        let reason = refused(&parts.write(), trusted, what);
        assert!(reason.contains(words), "{what}: {reason}");
    }
}

#[test]
fn other_codes_are_refused() {
    let (parts, trusted) = sound();
    let cut = |payload: &[u8]| {
        let length = 4 + u32::from_be_bytes(payload[..4].try_into().expect("4 bytes")) as usize;
        (payload[..length].to_vec(), payload[length..].to_vec())
    };
    let (first, second) = {
        let mut parts = parts.clone();
        cut(parts.payload(CODES))
    };
    let hash = |record: &[u8]| keccak256(&record[4..]);
    assert!(hash(&first) < hash(&second) && cut(&second).1.is_empty(), "two codes, by hash");
    let record = |code: &[u8]| [&(code.len() as u32).to_be_bytes()[..], code].concat();
    // A code of nobody that stands where its hash belongs: behind both.
    let extra = (0u64..).map(|nonce| record(&nonce.to_be_bytes())).find(|record| hash(record) > hash(&second));
    let extra = extra.expect("one in two");
    let mut longer = first.clone();
    longer[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut changed = first.clone();
    *changed.last_mut().expect("not empty") ^= 1;
    let cases = [
        ("a code missing", second.clone(), 1, "is missing"),
        ("the codes exchanged", [second.clone(), first.clone()].concat(), 2, "they must rise"),
        ("a code twice", [first.clone(), first.clone(), second.clone()].concat(), 3, "none may come twice"),
        ("a code of nobody", [first.clone(), second.clone(), extra].concat(), 3, "no account holds the code"),
        ("an empty code", [vec![0; 4], first.clone(), second.clone()].concat(), 3, "a code is empty"),
        ("a code of 4 GiB", longer, 2, "goes on behind the end"),
        ("another code", [changed, second.clone()].concat(), 2, ""),
    ];
    for (what, payload, count, words) in cases {
        let mut parts = parts.clone();
        *parts.payload(CODES) = payload;
        parts.payload(END)[16..].copy_from_slice(&u64::to_be_bytes(count));
        let reason = refused(&parts.write(), trusted, what);
        assert!(reason.contains(words), "{what}: {reason}");
    }
}

#[test]
fn other_counts_and_another_order_of_chunks_are_refused() {
    let (parts, trusted) = sound();
    for at in [0, 8, 16] {
        for wrong in [0, 1, u64::MAX] {
            let mut parts = parts.clone();
            let counts = parts.payload(END);
            if number(&counts[at..at + 8]) == wrong {
                continue;
            }
            counts[at..at + 8].copy_from_slice(&wrong.to_be_bytes());
            let reason = refused(&parts.write(), trusted, &format!("count {at} of {wrong}"));
            assert!(reason.contains("it counts others"), "{reason}");
        }
    }
    for at in 0..parts.chunks.len() {
        let kind = parts.chunks[at].0;
        let mut missing = parts.clone();
        missing.chunks.remove(at);
        refused(&missing.write(), trusted, &format!("no chunk of kind {kind}"));
        let mut twice = parts.clone();
        twice.chunks.insert(at, parts.chunks[at].clone());
        refused(&twice.write(), trusted, &format!("two chunks of kind {kind}"));
        for other in at + 1..parts.chunks.len() {
            let mut swapped = parts.clone();
            swapped.chunks.swap(at, other);
            refused(&swapped.write(), trusted, &format!("chunks {at} and {other} exchanged"));
        }
        for unknown in [0, 10, 255] {
            let mut strange = parts.clone();
            strange.chunks.insert(at, (unknown, vec![1]));
            refused(&strange.write(), trusted, &format!("a chunk of kind {unknown} before {at}"));
        }
    }
}

#[test]
fn another_block_around_the_state_is_refused() {
    let (parts, trusted) = sound();
    let cases: [(&str, u8, &str); 4] = [
        ("an ancestor", ANCESTORS, "the block after it names"),
        ("a transaction", TRANSACTIONS, "they have the root"),
        ("a receipt", RECEIPTS, "they have the root"),
        ("the header", HEADER, "the trusted hash is"),
    ];
    for (what, kind, words) in cases {
        let mut parts = parts.clone();
        let payload = parts.payload(kind);
        // A byte of the last field: still well formed.
        let at = payload.len() - 2;
        payload[at] ^= 1;
        let reason = refused(&parts.write(), trusted, what);
        assert!(reason.contains(words), "{what}: {reason}");
    }
    let mut short = parts.clone();
    short.payload(ANCESTORS).truncate(600);
    refused(&short.write(), trusted, "too few ancestors");
    let mut genesis = parts.clone();
    let text = String::from_utf8(genesis.payload(GENESIS).clone()).expect("JSON");
    *genesis.payload(GENESIS) = text.replace("\"balance\":\"0x", "\"balance\":\"0x1").into_bytes();
    let reason = refused(&genesis.write(), trusted, "another genesis");
    assert!(reason.contains("the chain began with"), "{reason}");
    let mut chain = parts;
    chain.chain_id += 1;
    let reason = refused(&chain.write(), trusted, "another chain id");
    assert!(reason.contains("it is that of chain"), "{reason}");
}

/// A change of one chunk's payload.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, prop::sample::Index),
    Replace(prop::sample::Index, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let noise = || prop::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        (at(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        at().prop_map(Change::Cut),
        (at(), noise()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), at()).prop_map(|(from, to)| Change::Remove(from, to)),
        (at(), noise()).prop_map(|(at, bytes)| Change::Replace(at, bytes)),
    ]
}

fn apply(change: &Change, payload: &mut Vec<u8>) {
    let length = payload.len();
    match change {
        Change::Flip(at, bit) => payload[at.index(length)] ^= 1 << bit,
        Change::Cut(at) => payload.truncate(at.index(length)),
        Change::Insert(at, bytes) => {
            let at = at.index(length + 1);
            payload.splice(at..at, bytes.iter().copied());
        }
        Change::Remove(from, to) => {
            let (from, to) = (from.index(length), to.index(length));
            payload.drain(from.min(to)..=from.max(to));
        }
        Change::Replace(at, bytes) => {
            let at = at.index(length);
            let end = (at + bytes.len()).min(length);
            payload.splice(at..end, bytes[..end - at].iter().copied());
        }
    }
}

/// Everything but genesis and certificate is proven by the trusted hash. (The genesis may be written in another way, such as
/// with a space.)
#[test]
fn whatever_is_changed_and_sealed_again_is_refused() {
    let (parts, trusted) = sound();
    let proven: Vec<usize> =
        (0..parts.chunks.len()).filter(|index| ![GENESIS, CERTIFICATE].contains(&parts.chunks[*index].0)).collect();
    assert!(proven.iter().any(|index| parts.chunks[*index].0 == ACCOUNTS));
    let strategy = prop::collection::vec((any::<prop::sample::Index>(), change()), 1..3);
    seeded::run(b"esker: snapshots sealed again...", 3_000, strategy, |changes| {
        let mut forged = parts.clone();
        for (chunk, change) in &changes {
            let payload = &mut forged.chunks[proven[chunk.index(proven.len())]].1;
            if !payload.is_empty() {
                apply(change, payload);
            }
        }
        if forged != parts {
            refused(&forged.write(), trusted, &format!("{changes:?}"));
        }
    });
}
