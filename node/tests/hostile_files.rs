//! Files, arguments and answers that nobody meant well with, into what the command line and the chain read: an error,
//! never a panic.
//!
//! Deterministic: the seed below.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use alloy_json_abi::{Function, JsonAbi, Param};
use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use alloy_signer_local::PrivateKeySigner;
use esker::chain::{Chain, memory_store};
use esker::cli::abi::decode::{Decoder, outputs};
use esker::cli::abi::method::Call;
use esker::cli::abi::source::{Artifact, InterfaceArgs};
use esker::cli::abi::values::parse_arguments;
use esker::cli::units::{parse_amount, parse_price, parse_quantity};
use esker::keystore::{ScryptCost, account};
use esker_runtime::Proposal;
use esker_runtime::block::InOrder;
use esker_runtime::db::{Batch, MAX_VALUE_BYTES, Store};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::types::SignedTransaction;
use esker_runtime::{ChainConfig, Genesis};
use esker_vm::{Engine, EngineConfig, Machine};
use proptest::prelude::*;
use serde_json::{Value, json};

#[path = "../../tests/src/seeded.rs"]
mod seeded;
mod support;

const SEED: [u8; 32] = *b"esker: hostile files, fixed seed";

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    seeded::run(&SEED, cases, strategy, test);
}

/// A JSON value as a hostile file may hold one.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![0u64, 1, 2, 3, 8, 1 << 32, u64::MAX]).prop_map(Value::from),
        prop::sample::select(vec![json!(-1), json!(0.5), json!(1e300)]),
        (0usize..70).prop_map(|digits| json!("f".repeat(digits))),
        (0usize..70).prop_map(|digits| json!(format!("0x{}", "0".repeat(digits)))),
        prop::sample::select(vec!["scrypt", "pbkdf2", "hmac-sha256", "tuple", "tuple[2][]", "uint256", "function"])
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,10}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn pointers(value: &Value) -> Vec<String> {
    fn collect(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| collect(value, &format!("{at}/{name}"), found));
            }
            Value::Array(values) => {
                values.iter().enumerate().for_each(|(index, value)| collect(value, &format!("{at}/{index}"), found));
            }
            _ => {}
        }
        found.push(at.to_owned());
    }
    let mut found = Vec::new();
    collect(value, "", &mut found);
    found
}

fn changed(good: &Value, place: &prop::sample::Index, value: Value) -> Value {
    let mut changed = good.clone();
    *changed.pointer_mut(place.get::<String>(&pointers(good))).expect("the pointer was collected") = value;
    changed
}

#[test]
fn a_keystore_with_anything_in_it_is_refused_or_holds_its_key() {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
    let cost = ScryptCost { log_n: 2, r: 1, p: 1 };
    let scrypt = account::encrypt(&signer, "password", cost).expect("the system has randomness");
    let mut pbkdf2 = scrypt.clone();
    pbkdf2["crypto"]["kdf"] = json!("pbkdf2");
    pbkdf2["crypto"]["kdfparams"] = json!({"dklen": 32, "c": 2, "prf": "hmac-sha256", "salt": "00ff"});
    let opened = Cell::new(0);
    run(6_000, (any::<bool>(), any::<prop::sample::Index>(), json_value()), |(kind, place, value)| {
        let file = changed(if kind { &scrypt } else { &pbkdf2 }, &place, value);
        assert!(account::address(&file).is_ok_and(|_| true) || account::decrypt(&file, "password").is_err());
        match account::decrypt(&file, "password") {
            Ok(found) => {
                assert_eq!(found.address(), signer.address(), "{file}");
                opened.set(opened.get() + 1);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
    println!("{} of 6000 keystores opened", opened.get());
}

const TYPES: &[&str] = &[
    "uint256",
    "uint8",
    "int256",
    "int8",
    "bool",
    "address",
    "bytes",
    "bytes4",
    "bytes32",
    "string",
    "uint256[]",
    "uint256[2]",
    "string[][]",
    "(uint256,bool)",
    "(address,string[])[]",
    "((bytes,int64),uint8[3])",
];

/// Texts that look like values, and are cut, joined and nested at will.
fn text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "0",
        "1",
        "255",
        "256",
        "-",
        "-1",
        "0x",
        "0xff",
        "ff",
        "1e18",
        "1e77",
        "1e78",
        "1e999999999",
        "1.5",
        ".",
        "ether",
        "gwei",
        "wei",
        " ",
        ",",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "'",
        "true",
        "false",
        "é",
        "\u{0}",
        "\\",
        "_",
        "{",
        "}",
        "0x00000000000000000000000000000000000000aa",
        "115792089237316195423570985008687907853269984665640564039457584007913129639935",
    ];
    prop_oneof![
        8 => prop::collection::vec(prop::sample::select(pieces), 0..10).prop_map(|pieces| pieces.concat()),
        1 => ".{0,20}",
        1 => (1usize..3_000, prop::sample::select(vec!["[", "(", "[(", "]", "0", "{"]))
            .prop_map(|(count, piece)| piece.repeat(count)),
    ]
}

#[test]
fn arguments_with_anything_in_them_are_read_or_refused() {
    let read = Cell::new(0);
    run(20_000, (prop::sample::select(TYPES), text()), |(kind, text)| {
        let param = Param::parse(kind).expect("the types are sound");
        if let Ok(values) = parse_arguments("f", std::slice::from_ref(&param), std::slice::from_ref(&text)) {
            read.set(read.get() + 1);
            let function = Function::parse(&format!("f({kind})")).expect("the types are sound");
            use alloy_dyn_abi::JsonAbiExt;
            assert!(function.abi_encode_input(&values).is_ok(), "{kind} {text:?}: what was read can be encoded");
        }
        for parsed in
            [parse_amount(&text).map(|_| ()), parse_price(&text).map(|_| ()), parse_quantity(&text).map(|_| ())]
        {
            assert!(parsed.is_ok() || parsed.is_err_and(|words| !words.is_empty()));
        }
    });
    println!("{} of 20000 arguments read", read.get());
    assert!(read.get() > 1_000);
}

#[test]
fn methods_and_signatures_with_anything_in_them_are_read_or_refused() {
    let abi =
        JsonAbi::parse(["function transfer(address to, uint256 value) returns (bool)", "function f((uint8,bool)[] a)"])
            .expect("the interface is sound");
    let name = prop::sample::select(vec!["transfer", "f", "transfr", "", "0x", "0xa9059cbb", "event", "error E", "é"]);
    let kinds =
        prop::collection::vec(prop::sample::select(TYPES), 0..3).prop_map(|kinds| format!("({})", kinds.join(",")));
    let signature = (name, prop_oneof![kinds, text()], prop_oneof![Just(String::new()), text()]);
    run(10_000, (signature, prop::collection::vec(text(), 0..3)), |((name, inputs, outputs), arguments)| {
        let method = format!("{name}{inputs}{outputs}");
        if let Err(failure) = Call::encode(&abi, &method, &arguments) {
            assert!(!failure.to_string().is_empty());
        }
        if method.contains('(') {
            let interface = InterfaceArgs { artifact: None, abi: vec![method] };
            let _ = interface.load();
        }
    });
}

/// Data in the likeness of an ABI encoding, or noise.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        4 => (0u64..12).prop_map(|words| U256::from(words * 32)),
        3 => (0u64..6).prop_map(U256::from),
        1 => Just(U256::MAX),
        1 => any::<u64>().prop_map(U256::from),
        1 => any::<[u8; 32]>().prop_map(U256::from_be_bytes),
    ];
    let words = prop::collection::vec(word, 0..24)
        .prop_map(|words| words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect());
    prop_oneof![4 => words, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

#[test]
fn answers_logs_and_reverts_with_anything_in_them_are_decoded_or_shown_raw() {
    let abi = JsonAbi::parse([
        "function f() returns (uint256, string, (address,bytes)[], int8)",
        "function g((uint8,bool)[] a, string b) returns (uint256[][][])",
        "error Bad(address who, string why, uint256[] which)",
        "event Paid(address indexed by, string note, uint256[] amounts)",
        "event Odd(string indexed name, (uint8,bool) pair)",
    ])
    .expect("the interface is sound");
    let decoder = Decoder::new(abi.clone());
    let selectors: Vec<[u8; 4]> = abi
        .functions()
        .map(|function| function.selector().0)
        .chain(abi.errors().map(|error| error.selector().0))
        .chain([[0x08, 0xc3, 0x79, 0xa0], [0x4e, 0x48, 0x7b, 0x71], [0; 4]])
        .collect();
    let mut topics: Vec<B256> = abi.events().map(alloy_json_abi::Event::selector).collect();
    topics.push("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef".parse().expect("a hash"));
    topics.push(B256::repeat_byte(0xff));
    let topics = prop::collection::vec(prop::sample::select(topics), 0..5);
    let decoded = Cell::new(0);
    run(20_000, (prop::sample::select(selectors), topics, data()), |(selector, topics, data)| {
        let called = [&selector[..], &data].concat();
        let revert = decoder.revert(&Bytes::from(called.clone()));
        assert!(!revert.text().is_empty() && !revert.text().contains('\u{1b}') && revert.json().is_object());
        let _ = decoder.input(&called);
        for function in abi.functions() {
            decoded.set(decoded.get() + u32::from(outputs(function, &data).is_ok()));
        }
        if topics.len() <= 4 {
            let log = decoder.log(Address::ZERO, &LogData::new_unchecked(topics, data.into()));
            assert!(!log.text().is_empty() && log.json().is_object());
        }
    });
    println!("{} answers decoded", decoded.get());
    assert!(decoded.get() > 500);
}

#[test]
fn parts_of_an_answer_that_overlap_cannot_multiply_the_work() {
    // Three levels of arrays whose elements all lie at one place: a thousand million numbers from a hundred kilobytes.
    let function = Function::parse("f()(uint256[][][])").expect("a signature");
    let word = |number: usize| U256::from(number).to_be_bytes::<32>();
    let level = |count: usize| -> Vec<[u8; 32]> {
        std::iter::once(word(count)).chain(std::iter::repeat_n(word(32 * count), count)).collect()
    };
    let count = 1_000;
    let mut words = vec![word(32)];
    words.extend(level(count));
    words.extend(level(count));
    words.push(word(count));
    words.extend(vec![word(1); count]);
    assert!(outputs(&function, &words.concat()).is_err());
    let plain = [word(32), word(1), word(32), word(1), word(32), word(2), word(7), word(8)].concat();
    assert_eq!(outputs(&function, &plain).expect("nothing overlaps").len(), 1);
}

#[test]
fn an_artifact_with_anything_in_it_is_refused_or_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/artifacts/Erc20.json");
    let good: Value = serde_json::from_slice(&std::fs::read(path).expect("it is there")).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("Hostile.json");
    let read = Cell::new(0);
    run(1_500, (any::<prop::sample::Index>(), json_value()), |(place, value)| {
        std::fs::write(&file, changed(&good, &place, value).to_string()).expect("writable");
        match Artifact::read(&file) {
            Ok(artifact) => {
                read.set(read.get() + 1);
                for function in artifact.abi.functions() {
                    let _ = outputs(function, &[0; 96]);
                    let _ = Call::encode(&artifact.abi, &function.name, &["1".to_owned()]);
                }
            }
            Err(failure) => assert!(!failure.to_string().is_empty()),
        }
    });
    run(500, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), |edits| {
        let mut text = good.to_string().into_bytes();
        for (place, byte) in edits {
            let at = place.index(text.len());
            text[at] = byte;
        }
        std::fs::write(&file, text).expect("writable");
        read.set(read.get() + u32::from(Artifact::read(&file).is_ok()));
    });
    println!("{} of 2000 changed artifacts read", read.get());
    assert!(read.get() > 100);
}

fn machine() -> Arc<dyn Machine> {
    Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts"))
}

/// The rows of a chain of three blocks with transfers.
fn chain_rows(machine: &Arc<dyn Machine>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
    let mut genesis = Genesis::new(31_337, 30_000_000, 1_000);
    let balance = U256::from(10u64).pow(U256::from(24));
    genesis.alloc.insert(signer.address(), GenesisAccount { balance, ..GenesisAccount::default() });
    let store = memory_store();
    let chain = Chain::open(Arc::clone(&store), &genesis, Arc::clone(machine)).expect("a new chain begins");
    for block in 0..3 {
        let transfers = (0..3).map(|index| {
            let fields = support::TransferFields { nonce: 3 * block + index, value: 1, ..Default::default() };
            let signed = SignedTransaction::from_envelope(support::sign(&signer, fields), &ChainConfig::new(31_337));
            signed.and_then(SignedTransaction::recover).expect("well-formed")
        });
        let proposal = Proposal { timestamp: 2_000, beneficiary: Address::ZERO, round: 0 };
        let parent = chain.head().as_parent().expect("block and state belong together");
        let mut source = InOrder::new(transfers.collect());
        let proposed = chain.propose(&parent, proposal, &mut source, &mut || true).expect("the node is well");
        assert!(proposed.refused.is_empty() && proposed.block.block().transactions.len() == 3);
        chain.commit(proposed.block).expect("memory does not fail");
    }
    let mut rows = BTreeMap::new();
    let all = &mut |key: &[u8], value: &[u8]| {
        rows.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    store.scan(b"", b"", all).expect("memory does not fail");
    rows
}

fn filled(rows: &BTreeMap<Vec<u8>, Vec<u8>>) -> Arc<dyn Store> {
    let store = memory_store();
    let mut batch = Batch::new();
    for (key, value) in rows {
        batch.put(key.clone(), value.clone());
    }
    store.apply(batch).expect("memory does not fail");
    store
}

/// Reads everything of a chain with these rows and executes it again. Whether all of it agreed.
fn survives(rows: &BTreeMap<Vec<u8>, Vec<u8>>, hashes: &[B256], machine: &Arc<dyn Machine>) -> bool {
    let chain = match Chain::open_existing(filled(rows), "the store", Arc::clone(machine)) {
        Ok(chain) => chain,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    for number in 0..5 {
        let _ = chain.header(number);
        if let Ok(Some(block)) = chain.block(number) {
            for index in 0..=block.transactions.len() {
                let _ = (block.gas_used(index), block.first_log_index(index), block.logs(index).len());
                let _ = (block.effective_gas_price(index), block.created(index));
            }
            assert_eq!(block.size(), block.encoded().len());
        }
    }
    for hash in hashes {
        let _ = (chain.number_of(*hash), chain.location(*hash));
    }
    chain.replay(memory_store(), machine.as_ref(), 1..=chain.head().block.header.number, &mut |_| {}).is_ok()
}

#[test]
fn a_chain_with_damaged_tables_gives_errors() {
    let machine = machine();
    let rows = chain_rows(&machine);
    let hashes: Vec<B256> = rows
        .keys()
        .filter(|key| key.len() == 33 && matches!(key.first(), Some(b't' | b'h')))
        .map(|key| B256::from_slice(&key[1..]))
        .collect();
    assert_eq!(hashes.len(), 9 + 4);
    assert!(survives(&rows, &hashes, &machine), "the sound chain replays");
    let mut tables: Vec<u8> = rows.keys().filter_map(|key| key.first().copied()).collect();
    tables.dedup();
    let damage =
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..6, any::<u8>());
    let sound = Cell::new(0);
    run(1_500, damage, |(table, row, place, kind, byte)| {
        let mut rows = rows.clone();
        let table = table.get::<u8>(&tables);
        let keys: Vec<Vec<u8>> = rows.keys().filter(|key| key.first() == Some(table)).cloned().collect();
        let key = row.get::<Vec<u8>>(&keys);
        let before = rows.get(key).cloned();
        let value = rows.get_mut(key).expect("it was listed");
        match kind {
            _ if value.is_empty() => value.push(byte),
            0 | 1 => {
                let at = place.index(value.len());
                value[at] = byte;
            }
            2 => {
                let at = place.index(value.len());
                value[at] ^= 1 << (byte % 8);
            }
            3 => value.truncate(place.index(value.len())),
            4 => value.push(byte),
            _ => {
                rows.remove(key);
            }
        }
        if let Some(value) = rows.get_mut(key) {
            value.truncate(MAX_VALUE_BYTES);
        }
        let whole = survives(&rows, &hashes, &machine);
        assert!(!(whole && *table == b'b' && rows.get(key) != before.as_ref()), "a damaged header passed");
        sound.set(sound.get() + u32::from(whole));
    });
    println!("{} of 1500 damaged chains could still be replayed", sound.get());
}
