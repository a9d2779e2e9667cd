//! `esker replay`: a stopped node's blocks, executed once more.

use std::fs;
use std::path::Path;

use esker_runtime::db::{Batch, SledStore, Store, keys};
use serde_json::json;

use crate::process::{Run, esker_in};
use crate::stopped_node::stopped_node;

fn replay(folder: &Path, arguments: &[&str]) -> Run {
    esker_in(folder, &[&["replay", "--state", "chain"], arguments].concat())
}

#[test]
fn blocks_come_out_the_same_on_another_engine() {
    let folder = stopped_node(2);
    let path = folder.path();
    fs::create_dir(path.join("scratch")).expect("a new folder");
    let whole = replay(path, &["--engine", "pulley", "--scratch", "scratch", "--json"]).expect(0).json();
    let figures = (&whole["from"], &whole["to"], &whole["blocks"], &whole["transactions"], &whole["same"]);
    assert_eq!(figures, (&json!(0), &json!(4), &json!(5), &json!(4), &json!(true)));
    assert_eq!(fs::read_dir(path.join("scratch")).expect("readable").count(), 0, "nothing is left behind");
    let head = esker_in(path, &["state", "verify", "--state", "chain", "--json"]).expect(0).json();
    assert_eq!((&whole["hash"], &whole["stateRoot"]), (&head["blockHash"], &head["stateRoot"]));

    let part = replay(path, &["2..3", "--json"]).expect(0).json();
    assert_eq!((&part["blocks"], &part["transactions"]), (&json!(2), &json!(2)));
    assert_ne!(part["hash"], whole["hash"], "it ends where it was told to");
    let words = replay(path, &["..1"]).expect(0).stdout;
    assert!(words.contains("every state root, receipts root and gas figure is as recorded"), "{words}");
}

#[test]
fn what_cannot_be_replayed_is_told() {
    let folder = stopped_node(1);
    let path = folder.path();
    for (arguments, code, words) in [
        (&["9"][..], 2, "there is no block 9: the last one is 3"),
        (&["3..1"], 2, "block 3 comes after block 1"),
        (&["1..x"], 2, "\"x\" is no whole number"),
        (&["--scratch", "nowhere"], 3, "--scratch DIR"),
    ] {
        let run = replay(path, arguments).expect(code);
        assert!(run.stderr.contains(words), "{run:#?}");
    }
    let run = esker_in(path, &["replay", "--state", "elsewhere"]).expect(3);
    assert!(run.stderr.contains("elsewhere holds no chain"), "{run:#?}");
    esker_in(path, &["replay"]).expect(2);

    let exported = esker_in(path, &["state", "export", "--state", "chain", "--output", "s", "--json"]).expect(0).json();
    let hash = exported["blockHash"].as_str().expect("a hash");
    esker_in(path, &["state", "import", "s", "--state", "young", "--trusted-hash", hash]).expect(0);
    let run = esker_in(path, &["replay", "--state", "young"]).expect(2);
    assert!(run.stderr.contains("began with a snapshot of block 3"), "{run:#?}");
}

#[test]
fn a_block_that_comes_out_differently_is_named() {
    let folder = stopped_node(1);
    let path = folder.path();
    {
        // The header of block 2 as another one's: its hash and parent do not fit, nor does what it says of its body.
        let store = SledStore::open(path.join("chain/db"), 1 << 20).expect("opens");
        let header = |number: u64| keys::key(keys::HEADER, &[&number.to_be_bytes()]);
        let mut batch = Batch::new();
        batch.put(header(2), store.get(&header(1)).expect("reads").expect("there"));
        store.apply(batch).expect("writes");
        store.flush().expect("writes");
    }
    let object = replay(path, &["--json"]).expect(1).json();
    assert_eq!((&object["error"]["kind"], &object["error"]["block"]), (&json!("failed"), &json!(2)), "{object}");
}
