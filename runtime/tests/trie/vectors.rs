//! Ethereum's official trie vectors, read from `../shared/vectors` beside the workspace or from `ESKER_VECTORS`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use alloy_primitives::{B256, hex, keccak256};
use esker_runtime::trie::scratch::root_from_scratch;
use serde_json::Value;

use super::memory_trie::MemoryTrie;
use super::skipping::skipped;

fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("ESKER_VECTORS")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"));
    let folder = root.join("ethereum/TrieTests");
    if folder.is_dir() {
        return Some(folder);
    }
    skipped(&format!("no public vectors at {}; ESKER_VECTORS names their folder", folder.display()));
    None
}

fn bytes(text: &str) -> Vec<u8> {
    match text.strip_prefix("0x") {
        Some(digits) => hex::decode(digits).expect("the vectors' hex is well formed"),
        None => text.as_bytes().to_vec(),
    }
}

type Write = (Vec<u8>, Option<Vec<u8>>);

fn writes(input: &Value) -> Vec<Write> {
    let pair = |key: &str, value: &Value| (bytes(key), value.as_str().map(bytes));
    match input {
        Value::Array(pairs) => {
            pairs.iter().map(|entry| pair(entry[0].as_str().expect("keys are strings"), &entry[1])).collect()
        }
        Value::Object(pairs) => pairs.iter().map(|(key, value)| pair(key, value)).collect(),
        other => panic!("unknown form of vector: {other}"),
    }
}

/// Every case of a file: name, writes, expected root.
fn cases(file: &str) -> Vec<(String, Vec<Write>, B256)> {
    let Some(folder) = vectors() else { return Vec::new() };
    let text = std::fs::read_to_string(folder.join(file)).expect("the vector file is readable");
    let cases: BTreeMap<String, Value> = serde_json::from_str(&text).expect("the vector file is JSON");
    assert!(!cases.is_empty(), "{file} has no cases");
    let root = |case: &Value| case["root"].as_str().and_then(|root| root.parse().ok()).expect("a case has a root");
    cases.iter().map(|(name, case)| (format!("{file}: {name}"), writes(&case["in"]), root(case))).collect()
}

#[test]
fn secure_tries_have_the_official_roots_write_by_write_and_in_one_update() {
    for file in ["trietest_secureTrie.json", "trieanyorder_secureTrie.json", "hex_encoded_securetrie_test.json"] {
        for (name, writes, root) in cases(file) {
            let mut one_by_one = MemoryTrie::default();
            for (key, value) in &writes {
                one_by_one.apply(&[(keccak256(key), value.clone())].into(), 1);
                one_by_one.check(&name);
            }
            assert_eq!(one_by_one.root, root, "{name}, write by write");
            let mut at_once = MemoryTrie::default();
            at_once.apply(&writes.iter().map(|(key, value)| (keccak256(key), value.clone())).collect(), 1);
            assert_eq!(at_once.root, root, "{name}, in one update");
            for (key, _) in &writes {
                at_once.check_proof(&keccak256(key), &name);
            }
        }
    }
}

#[test]
fn the_from_scratch_builder_has_the_official_roots() {
    for file in ["trietest.json", "trieanyorder.json"] {
        for (name, writes, root) in cases(file) {
            let mut leaves = BTreeMap::new();
            for (key, value) in writes {
                match value {
                    Some(value) => leaves.insert(key, value),
                    None => leaves.remove(&key),
                };
            }
            assert_eq!(root_from_scratch(&leaves.into_iter().collect::<Vec<_>>()), root, "{name}");
        }
    }
}
