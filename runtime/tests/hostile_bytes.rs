//! Bytes that nobody meant well with, into every decoder of the runtime: an error, never a panic, and what is accepted
//! says what it said.
//!
//! Deterministic: the seed below. `tests/fuzz` runs the same oracles on bytes that a fuzzer finds.

mod generators;
mod oracles;
#[path = "../../tests/src/seeded.rs"]
mod seeded;

use std::cell::Cell;

use alloy_consensus::Header;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, U256, keccak256};
use arbitrary::Unstructured;
use esker_runtime::block::check_header;
use esker_runtime::trie::{Path, verify};
use esker_runtime::{BlockEnv, ChainConfig, Genesis};
use esker_vm::{Engine, EngineConfig};
use proptest::prelude::*;
use serde_json::{Value, json};

const SEED: [u8; 32] = *b"esker: hostile bytes, fixed seed";

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    seeded::run(&SEED, cases, strategy, test);
}

fn bytes(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), length)
}

fn config() -> ChainConfig {
    ChainConfig::new(generators::transaction::CHAIN_ID)
}

#[test]
fn transactions_of_every_shape_and_their_mutations_decode_to_themselves_or_not_at_all() {
    let (whole, mutated) = (Cell::new(0), Cell::new(0));
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>()), 1..4);
    run(3_000, (bytes(500), edits), |(bytes, edits)| {
        let drawn = generators::transaction::transaction(&mut Unstructured::new(&bytes), &mut [0; 4], &[], &[]);
        let mut raw = drawn.expect("the bytes suffice").encoded_2718();
        whole.set(whole.get() + u32::from(oracles::transaction::decoded(&raw, &config()).is_some()));
        for (place, kind, byte) in edits {
            let at = place.index(raw.len());
            match kind {
                0 => raw[at] = byte,
                1 => raw[at] ^= 1 << (byte % 8),
                2 => raw.insert(at, byte),
                _ => raw.truncate(at.max(1)),
            }
        }
        mutated.set(mutated.get() + u32::from(oracles::transaction::decoded(&raw, &config()).is_some()));
    });
    println!("{} whole and {} mutated transactions accepted", whole.get(), mutated.get());
    assert!(whole.get() > 1_500 && mutated.get() > 100);
}

#[test]
fn arbitrary_bytes_are_no_transaction() {
    run(20_000, (0u8..4, prop::collection::vec(any::<u8>(), 0..300)), |(kind, mut bytes)| {
        if kind < 3
            && let Some(first) = bytes.first_mut()
        {
            *first = [1, 2, 0xf8][usize::from(kind)];
        }
        assert_eq!(oracles::transaction::decoded(&bytes, &config()), None);
    });
}

#[test]
fn a_damaged_store_gives_errors_and_no_wrong_values_that_verify() {
    let sound = generators::store::sound();
    let expected = oracles::store::expected(&sound);
    assert!(oracles::store::survives(&sound, &expected), "the sound store verifies");
    let found = Cell::new(0);
    run(1_200, bytes(160), |bytes| {
        let mut rows = sound.clone();
        generators::store::damaged(&mut rows, &mut Unstructured::new(&bytes)).expect("the bytes suffice");
        found.set(found.get() + u32::from(!oracles::store::survives(&rows, &expected)));
    });
    println!("damage found by opening or verifying in {} of 1200 stores", found.get());
    assert!(found.get() > 400);
}

#[test]
fn branch_records_are_read_whole_or_not_at_all() {
    let sound: Vec<(Path, Vec<u8>)> = generators::store::sound()
        .into_iter()
        .filter_map(|(key, record)| {
            let path = match key.split_first()? {
                (b'A', path) => path,
                (b'S', rest) => rest.get(8..)?,
                _ => return None,
            };
            let (length, packed) = path.split_first()?;
            Some((Path::from_packed(usize::from(*length), packed)?, record))
        })
        .collect();
    assert!(sound.len() > 20 && sound.iter().all(|(path, record)| oracles::branch::read(path, record)));
    let accepted = Cell::new(0);
    let mutation = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..4, any::<u8>(), 0usize..=64);
    run(30_000, mutation, |(which, place, kind, byte, length)| {
        let (path, record) = which.get(&sound);
        let mut record = record.clone();
        // The masks, at the beginning, decide how everything else is read.
        let at = if byte % 3 == 0 { place.index(6) } else { place.index(record.len()) };
        match kind {
            0 => record[at] = byte,
            1 => record[at] ^= 1 << (byte % 8),
            2 => record.insert(at, byte),
            _ => record.truncate(at),
        }
        let path = if byte.is_multiple_of(5) { Path::of(&B256::repeat_byte(byte), length) } else { *path };
        accepted.set(accepted.get() + u32::from(oracles::branch::read(&path, &record)));
    });
    run(30_000, (0usize..=64, prop::collection::vec(any::<u8>(), 0..120)), |(length, bytes)| {
        accepted.set(accepted.get() + u32::from(oracles::branch::read(&Path::of(&B256::ZERO, length), &bytes)));
    });
    println!("{} mutated records read", accepted.get());
    assert!(accepted.get() > 1_000);
}

#[test]
fn nodes_that_link_up_with_anything_inside_are_verified_without_a_panic() {
    let (proven, refused) = (Cell::new(0), Cell::new(0));
    run(20_000, (bytes(400), any::<[u8; 32]>()), |(bytes, key)| {
        let (root, nodes) = generators::proof::nodes(&mut Unstructured::new(&bytes)).expect("the bytes suffice");
        match verify::verify(root, key.into(), &nodes) {
            Ok(value) => {
                proven.set(proven.get() + 1);
                let mut other = nodes.clone();
                other.push(nodes[0].clone());
                assert!(verify::verify(root, key.into(), &other).is_err(), "a node too many");
                assert!(verify::verify(keccak256(root), key.into(), &nodes).is_err(), "another root");
                assert!(value.is_none_or(|value| value.len() < 400));
            }
            Err(error) => {
                refused.set(refused.get() + 1);
                assert!(!error.to_string().is_empty());
            }
        }
    });
    println!("{} proofs held, {} were refused", proven.get(), refused.get());
    assert!(proven.get() > 100 && refused.get() > 100);
}

#[test]
fn blocks_validate_as_built_and_not_when_changed() {
    let engine = Engine::new(EngineConfig::default()).expect("the engine starts");
    let chain = oracles::block::Chain::begin(engine);
    let transactions = Cell::new(0);
    run(300, bytes(1_500), |bytes| {
        let count = chain.builds_and_validates(&mut Unstructured::new(&bytes)).expect("the bytes suffice");
        transactions.set(transactions.get() + count);
    });
    println!("{} transactions in 300 blocks", transactions.get());
    assert!(transactions.get() > 300);
}

/// A JSON value as a hostile file may hold one: numbers at every border, hex of every length, wrong kinds.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(1e300)),
        Just(json!(-0.5)),
        (0usize..70).prop_map(|digits| json!(format!("0x{}", "f".repeat(digits)))),
        (0usize..90).prop_map(|digits| json!("9".repeat(digits))),
        any::<u64>().prop_map(|number| json!(format!("{number:#x}"))),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z0-9x]{0,10}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn genesis() -> Value {
    let code = esker_vm::envelope::encode(b"\0asm\x01\0\0\0");
    json!({
        "config": {"chainId": 7},
        "gasLimit": "0x1c9c380",
        "baseFeePerGas": "0x3b9aca00",
        "timestamp": 1,
        "alloc": {
            "0x00000000000000000000000000000000000000aa": {"balance": "0xde0b6b3a7640000"},
            "0x00000000000000000000000000000000000000bb": {
                "balance": "5", "nonce": 1, "code": alloy_primitives::Bytes::from(code),
                "storage": {B256::with_last_byte(1).to_string(): B256::with_last_byte(2)},
            },
        },
    })
}

/// A genesis file: refused in words, or a block from which a chain can go on.
fn begins(text: &str) -> bool {
    let Ok(genesis) = serde_json::from_str::<Genesis>(text) else { return false };
    let written = serde_json::to_string(&genesis).expect("a genesis can be written");
    assert_eq!(serde_json::from_str::<Genesis>(&written).expect("and read back"), genesis);
    let built = match genesis.build() {
        Ok(built) => built,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let parent = built.header(B256::ZERO);
    let config = genesis.chain_config();
    let env = BlockEnv::child_of(&parent, 0, alloy_primitives::Address::ZERO, 0, &config);
    let child = Header {
        parent_hash: env.parent_hash,
        number: env.number,
        timestamp: env.timestamp,
        gas_limit: env.gas_limit,
        base_fee_per_gas: Some(env.base_fee),
        mix_hash: env.mix_hash,
        extra_data: env.extra_data.clone(),
        ..Header::default()
    };
    assert_eq!(check_header(&config, &parent, &child), Ok(()));
    let full = Header { gas_used: parent.gas_limit, ..parent };
    let dearer = BlockEnv::child_of(&full, u64::MAX, alloy_primitives::Address::ZERO, u32::MAX, &config);
    assert!(dearer.base_fee >= env.base_fee && dearer.timestamp == u64::MAX);
    true
}

#[test]
fn a_genesis_with_anything_in_it_is_refused_or_begins_a_chain() {
    let good = genesis();
    assert!(begins(&good.to_string()), "the genesis is sound");
    let mut pointers = Vec::new();
    collect_pointers(&good, String::new(), &mut pointers);
    let begun = Cell::new(0);
    run(6_000, (any::<prop::sample::Index>(), json_value()), |(place, value)| {
        let mut changed = good.clone();
        *changed.pointer_mut(place.get::<String>(&pointers)).expect("the pointer was collected") = value;
        begun.set(begun.get() + u32::from(begins(&changed.to_string())));
    });
    run(6_000, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), |edits| {
        let mut text = good.to_string().into_bytes();
        for (place, byte) in edits {
            let at = place.index(text.len());
            text[at] = byte;
        }
        begun.set(begun.get() + u32::from(begins(&String::from_utf8_lossy(&text))));
    });
    println!("{} changed genesis files begin a chain", begun.get());
    assert!(begun.get() > 200);
    let rich = json!({"config": {"chainId": 1}, "gasLimit": 30_000_000, "baseFeePerGas": u64::MAX, "timestamp": u64::MAX,
        "alloc": {"0x00000000000000000000000000000000000000aa": {"balance": U256::MAX}}});
    assert!(begins(&rich.to_string()), "extremes are numbers too");
}

fn collect_pointers(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect_pointers(value, format!("{at}/{name}"), pointers);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                collect_pointers(value, format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(at);
}
