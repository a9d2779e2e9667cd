//! `esker proof`: from a server to a file, and checked without either.

use std::fs;

use serde_json::{Value, json};

use crate::process::esker_in;
use crate::stopped_node::{Node, PAYEE};

#[test]
fn a_proof_holds_under_the_root_of_its_block_and_no_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    crate::till::write_artifact(path);
    let node = Node::start(path, "chain");
    let deployed = node.json(path, &["deploy", "Till", "--unlocked"]);
    let till = deployed["contractAddress"].as_str().expect("an address").to_owned();
    node.pay(path);
    let paid = node.json(path, &["proof", "get", PAYEE, "--output", "payee.json"]);
    let slots = node.json(path, &["proof", "get", &till, "0", "0x1f", "--block", "latest", "--output", "till.json"]);
    assert_eq!(paid["stateRoot"], slots["stateRoot"], "no block was made in between");
    node.json(path, &["proof", "get", PAYEE, "--block", "1", "--output", "before.json"]);
    let run = crate::process::finish(
        crate::process::command(&["proof", "get", PAYEE, "--output", "payee.json"])
            .current_dir(path)
            .env("ESKER_RPC_URL", &node.url),
    )
    .expect(2);
    assert!(run.stderr.contains("--force replaces it"), "{run:#?}");
    drop(node);

    let root = paid["stateRoot"].as_str().expect("a root");
    let verify = |files: &[&str]| esker_in(path, &[&["proof", "verify", "--root", root, "--json"], files].concat());
    let proven = verify(&["payee.json", "till.json"]).expect(0).json();
    assert_eq!(proven["accounts"][0]["balance"], json!("1000000000000000000"));
    assert_eq!(proven["accounts"][1]["storage"].as_array().map(Vec::len), Some(2));
    assert_eq!(proven["accounts"][0], paid["account"]);
    let error = verify(&["before.json"]).expect(1).json();
    assert_eq!(error["error"]["file"], json!("before.json"), "{error}");

    let read =
        |name: &str| -> Value { serde_json::from_slice(&fs::read(path.join(name)).expect("there")).expect("JSON") };
    let write = |name: &str, value: &Value| fs::write(path.join(name), value.to_string()).expect("writable");
    // A server's whole answer serves as well.
    write("answer.json", &json!({"jsonrpc": "2.0", "id": 1, "result": read("payee.json")}));
    verify(&["answer.json"]).expect(0);
    let mut richer = read("payee.json");
    richer["balance"] = json!("0x1bc16d674ec80000");
    write("richer.json", &richer);
    let run = esker_in(path, &["proof", "verify", "richer.json", "--root", root]).expect(1);
    assert!(run.stderr.contains("for other fields than the stated"), "{run:#?}");
    let mut cut = read("till.json");
    cut["accountProof"].as_array_mut().expect("nodes").pop();
    write("cut.json", &cut);
    verify(&["cut.json"]).expect(1);
    fs::write(path.join("none.json"), "hello").expect("writable");
    verify(&["none.json"]).expect(2);
    verify(&["missing.json"]).expect(2);
    esker_in(path, &["proof", "verify", "payee.json", "--root", "0x12"]).expect(2);
}
