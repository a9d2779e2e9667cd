//! `esker state`: from a stopped node to a file to a new node.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{Run, esker_in};
use crate::stopped_node::{Node, stopped_node};

fn export(folder: &Path) -> Value {
    esker_in(folder, &["state", "export", "--state", "chain", "--output", "snapshot", "--json"]).expect(0).json()
}

fn import(folder: &Path, hash: &str, more: &[&str]) -> Run {
    esker_in(folder, &[&["state", "import", "snapshot", "--trusted-hash", hash], more].concat())
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_else(|| panic!("{value} has no text {member}"))
}

#[test]
fn a_new_node_goes_on_from_the_snapshot_of_another() {
    let folder = stopped_node(1);
    let path = folder.path();
    let exported = export(path);
    assert_eq!((&exported["blockNumber"], &exported["chainId"]), (&json!(3), &json!(31_337)));
    let bytes = fs::metadata(path.join("snapshot")).expect("written").len();
    assert_eq!(exported["bytes"], json!(bytes));

    let imported = import(path, text(&exported, "blockHash"), &["--home", "node1", "--json"]).expect(0).json();
    for member in ["chainId", "blockNumber", "blockHash", "stateRoot", "accounts", "slots", "codes"] {
        assert_eq!(imported[member], exported[member], "{member}");
    }
    assert_eq!(imported["genesisProvenBy"], "hash");
    let verified = esker_in(path, &["state", "verify", "--home", "node1", "--json"]).expect(0).json();
    assert_eq!((&verified["sound"], &verified["historyMin"]), (&json!(true), &json!(3)));
    assert_eq!((&verified["headers"], &verified["blocks"]), (&json!(4), &json!(1)));

    let (old, new) = (Node::start(path, "chain"), Node::start(path, "node1/data"));
    assert_eq!(new.facts["blockHash"], exported["blockHash"]);
    let [one, other] = [&old, &new].map(|node| node.pay(path));
    assert_eq!((&one["blockNumber"], &one["gasUsed"]), (&other["blockNumber"], &other["gasUsed"]));
    assert_eq!(one["transactionHash"], other["transactionHash"], "nonce and all");
    assert_eq!(requests(&new.url), requests_expected(&old.url));
    drop((old, new));
    let verified = esker_in(path, &["state", "verify", "--state", "node1/data", "--json"]).expect(0).json();
    assert_eq!((&verified["headers"], &verified["blocks"]), (&json!(5), &json!(2)));
}

/// One JSON-RPC answer: the result, or the error's code.
fn ask(url: &str, method: &str, params: Value) -> Value {
    use jsonrpsee::core::ClientError;
    use jsonrpsee::core::client::ClientT;
    use jsonrpsee::core::params::ArrayParams;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    let client = jsonrpsee::http_client::HttpClientBuilder::default().build(url).expect("a good url");
    let mut array = ArrayParams::new();
    for param in params.as_array().expect("a list") {
        array.insert(param).expect("plain data");
    }
    match runtime.block_on(client.request::<Value, _>(method, array)) {
        Ok(answer) => answer,
        Err(ClientError::Call(error)) => json!({"code": error.code(), "message": error.message()}),
        Err(error) => panic!("{method}: {error}"),
    }
}

/// What a node that began at block 3 says of it and of older blocks.
fn requests(url: &str) -> Vec<Value> {
    let logs = |from: &str| ask(url, "eth_getLogs", json!([{"fromBlock": from}]));
    let fees = ask(url, "eth_feeHistory", json!(["0x400", "latest", []]));
    vec![
        ask(url, "eth_getBlockByNumber", json!(["0x3", true])),
        ask(url, "eth_getBlockByNumber", json!(["0x2", true])),
        ask(url, "eth_getBlockByNumber", json!(["earliest", false])),
        ask(url, "eth_getBlockReceipts", json!(["0x3"])),
        logs("0x3"),
        logs("0x0"),
        json!([fees["oldestBlock"], fees["gasUsedRatio"].as_array().map(Vec::len)]),
        ask(url, "eth_feeHistory", json!(["0x1", "0x2", []])),
    ]
}

/// That, as far as the original can tell it.
fn requests_expected(url: &str) -> Vec<Value> {
    let pruned = json!({"code": 4444, "message": "pruned history unavailable: this node holds blocks from 3 on"});
    vec![
        ask(url, "eth_getBlockByNumber", json!(["0x3", true])),
        Value::Null,
        Value::Null,
        ask(url, "eth_getBlockReceipts", json!(["0x3"])),
        ask(url, "eth_getLogs", json!([{"fromBlock": "0x3"}])),
        pruned.clone(),
        json!(["0x3", 2]),
        pruned,
    ]
}

#[test]
fn without_a_trusted_hash_nothing_is_imported_and_it_says_where_to_get_it() {
    let folder = stopped_node(0);
    let path = folder.path();
    let exported = export(path);
    let run = esker_in(path, &["state", "import", "snapshot", "--state", "new"]).expect(2);
    assert!(run.stderr.contains("of block 2") && run.stderr.contains("eth_getBlockByNumber with \"0x2\""), "{run:#?}");
    assert!(!run.stderr.contains(text(&exported, "blockHash")), "the file's own hash proves nothing: {run:#?}");
    let other = format!("0x{}", "07".repeat(32));
    let run = import(path, &other, &["--state", "new"]).expect(1);
    assert!(run.stderr.contains("the trusted hash is 0x0707"), "{run:#?}");
    assert!(!path.join("new").exists(), "nothing is begun");
}

#[test]
fn a_damaged_snapshot_leaves_nothing_behind() {
    let folder = stopped_node(0);
    let path = folder.path();
    let hash = text(&export(path), "blockHash").to_owned();
    let mut bytes = fs::read(path.join("snapshot")).expect("written");
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    fs::write(path.join("snapshot"), &bytes).expect("written");
    let object = import(path, &hash, &["--state", "new", "--json"]).expect(1).json();
    assert_eq!(object["error"]["kind"], "failed");
    assert!(text(&object["error"], "reason").contains("checksum"), "{object}");
    assert_eq!(fs::read_dir(path.join("new")).map_or(0, Iterator::count), 0, "nothing is left");
}

#[test]
fn what_is_there_is_not_overwritten() {
    let folder = stopped_node(0);
    let path = folder.path();
    let hash = text(&export(path), "blockHash").to_owned();
    let again = ["state", "export", "--state", "chain", "--output", "snapshot"];
    let run = esker_in(path, &again).expect(2);
    assert!(run.stderr.contains("snapshot is there already") && run.stderr.contains("--force"), "{run:#?}");
    esker_in(path, &[&again[..], &["--force"]].concat()).expect(0);
    assert!(!path.join("snapshot.unfinished").exists());
    let run = import(path, &hash, &["--state", "chain"]).expect(2);
    assert!(run.stderr.contains("into an empty folder only"), "{run:#?}");
    esker_in(path, &["state", "verify", "--state", "chain"]).expect(0);
    esker_in(path, &["state", "export", "--state", "none", "--output", "other"]).expect(3);
    assert!(!path.join("none").exists() && !path.join("other").exists());
}

#[test]
fn a_running_node_keeps_its_state_to_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    let _node = Node::start(path, "chain");
    for arguments in
        [&["state", "export", "--state", "chain", "--output", "snapshot"][..], &["state", "verify", "--state", "chain"]]
    {
        let run = esker_in(path, arguments).expect(3);
        assert!(run.stderr.contains("in use by another process; stop the node"), "{run:#?}");
    }
    assert!(!path.join("snapshot").exists());
}

#[test]
fn another_genesis_than_ones_own_is_refused() {
    let folder = stopped_node(0);
    let path = folder.path();
    let hash = text(&export(path), "blockHash").to_owned();
    let genesis = json!({"config": {"chainId": 31_337}, "gasLimit": "0x1c9c380", "alloc": {}});
    fs::write(path.join("genesis.json"), genesis.to_string()).expect("written");
    let run = import(path, &hash, &["--state", "new", "--genesis", "genesis.json"]).expect(1);
    assert!(run.stderr.contains("began with another genesis than genesis.json"), "{run:#?}");
    assert!(!path.join("new").exists());
    let run = import(path, &hash, &["--state", "new", "--genesis", "snapshot"]).expect(2);
    assert!(run.stderr.contains("snapshot is no text"), "{run:#?}");
}

#[test]
fn a_damaged_or_incomplete_state_is_told_with_exit_code_1() {
    use esker_runtime::db::{Batch, SledStore, Store, keys};
    let folder = stopped_node(2);
    let path = folder.path();
    let header = keys::key(keys::HEADER, &[&2u64.to_be_bytes()]);
    let open = |state: &str| SledStore::open(path.join(state).join("db"), 1 << 20).expect("opens");
    {
        let store = open("chain");
        let other = store.get(&keys::key(keys::HEADER, &[&1u64.to_be_bytes()])).expect("reads").expect("there");
        let (mut batch, mut slot) = (Batch::new(), Vec::new());
        batch.put(header, other);
        store
            .scan(&[keys::STORAGE], &[], &mut |key, _| {
                slot = key.to_vec();
                std::ops::ControlFlow::Break(())
            })
            .expect("reads");
        batch.put(slot, [9]);
        store.apply(batch).expect("writes");
        store.flush().expect("writes");
    }
    let object = esker_in(path, &["state", "verify", "--state", "chain", "--json"]).expect(1).json();
    assert_eq!((&object["sound"], &object["error"]["kind"]), (&json!(false), &json!("failed")));
    let faults = object["faults"].to_string();
    assert!(
        faults.contains("the slots of the account") && faults.contains("block 2: its header is that of block 1"),
        "{faults}"
    );
    drop(esker_runtime::state::Rebuild::begin(std::sync::Arc::new(open("half")), 1).expect("empty"));
    let run = esker_in(path, &["state", "verify", "--state", "half"]).expect(1);
    assert!(run.stderr.contains("import the snapshot again"), "{run:#?}");
    let run = esker_in(path, &["dev", "--port", "0", "--state", "half"]).expect(3);
    assert!(run.stderr.contains("the state is incomplete"), "{run:#?}");
}
