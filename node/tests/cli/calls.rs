//! `esker call`, and every way in which a server can fail it.

use serde_json::json;

use crate::process::{esker, esker_in};
use crate::scripted_server::{Script, dead_url, web_server};

const TO: &str = "0x00000000000000000000000000000000000000aa";

fn call(url: &str, more: &[&str]) -> crate::process::Run {
    esker(&[&["call", TO, "f()(uint256)", "--rpc-url", url][..], more].concat())
}

#[test]
fn servers_that_do_not_work_exit_with_3_and_a_hint() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let silent_url = format!("http://{}", silent.local_addr().expect("it listens"));
    let unknown = Script::default().answer("other", json!(1)).start();
    let strange = Script::default().answer("eth_call", json!({"what": 1})).start();
    let cases = [
        (dead_url(), "nothing listens there"),
        (web_server("200 OK", "<html>hello</html>"), "is no JSON-RPC server"),
        (web_server("404 Not Found", "no"), "HTTP status 404"),
        (web_server("401 Unauthorized", "no"), "wants credentials"),
        (unknown.url.clone(), "lacks the method"),
        (strange.url.clone(), "something unexpected"),
        (silent_url, "within 1 s"),
        ("http://host.invalid:1".to_owned(), "cannot reach http://host.invalid:1"),
    ];
    for (url, words) in &cases {
        let run = call(url, &["--rpc-timeout", "1"]).expect(3);
        assert!(run.stderr.contains(words), "{url}: {run:#?}");
        assert!(run.stdout.is_empty(), "{run:#?}");
        let object = call(url, &["--rpc-timeout", "1", "--json"]).expect(3).json();
        assert_eq!(object["error"]["kind"], "infrastructure", "{object}");
    }
}

#[test]
fn the_url_may_come_from_the_environment() {
    let server = Script::chain().answer("eth_call", json!(format!("0x{:064x}", 7))).start();
    let run = crate::process::finish(
        crate::process::command(&["call", TO, "f()(uint256)"]).env("ESKER_RPC_URL", &server.url),
    );
    assert_eq!(run.expect(0).stdout, "7\n");
}

#[test]
fn another_chain_than_asked_for_is_refused() {
    let server = Script::chain().start();
    let run = call(&server.url, &["--chain-id", "1", "--json"]).expect(3);
    assert_eq!((&run.json()["error"]["chainId"], &run.json()["error"]["expectedChainId"]), (&json!(31337), &json!(1)));
    assert!(server.asked("eth_call").is_empty());
    let plain = Script::default().answer("web3_clientVersion", json!("x")).start();
    let run = call(&plain.url, &["--chain-id", "1"]).expect(3);
    assert!(run.stderr.contains("is no Ethereum node"), "{run:#?}");
}

#[test]
fn results_are_decoded_for_readers_and_programs() {
    let output = format!("0x{:064x}{:064x}{:064x}{:064x}{}", 0xaa, 1, 0x60, 2, "6869".to_owned() + &"0".repeat(60));
    let server = Script::chain().answer("eth_call", json!(output)).start();
    let method = "f(address,uint256)(address,bool,string)";
    let arguments = ["call", TO, method, TO, "1.5ether", "--rpc-url", &server.url, "--from", TO, "--block", "16"];
    let run = esker(&arguments).expect(0);
    assert_eq!(run.stdout, "0x00000000000000000000000000000000000000AA\ntrue\n\"hi\"\n");
    let asked = &server.asked("eth_call")[0];
    assert_eq!((&asked[0]["to"], &asked[0]["from"], &asked[1]), (&json!(TO), &json!(TO), &json!("0x10")));
    assert!(asked[0]["input"].as_str().expect("data").ends_with("14d1120d7b160000"), "{asked}");
    let object = esker(&[&arguments[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(object["values"][2], json!({"name": "", "type": "string", "value": "hi"}));
    assert_eq!(object["output"], output);
}

#[test]
fn without_results_in_the_signature_the_bytes_are_shown() {
    let server = Script::chain().answer("eth_call", json!("0x0102")).start();
    let run = esker(&["call", TO, "f()", "--rpc-url", &server.url]).expect(0);
    assert_eq!(run.stdout, "0x0102\n");
    let run = call(&server.url, &[]).expect(1);
    assert!(run.stderr.contains("is not what f()(uint256) gives"), "{run:#?}");
}

#[test]
fn a_revert_is_decoded_and_exits_with_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("artifacts")).expect("writable");
    let artifact = json!({
        "contractName": "Token",
        "abi": [
            {"type": "function", "name": "burn", "inputs": [{"name": "amount", "type": "uint256"}], "outputs": [], "stateMutability": "nonpayable"},
            {"type": "error", "name": "Broke", "inputs": [{"name": "who", "type": "address"}, {"name": "needed", "type": "uint256"}]},
        ],
        "bytecode": "0x",
    });
    std::fs::write(folder.path().join("artifacts/Token.json"), artifact.to_string()).expect("writable");
    let selector = &hex::encode(alloy_primitives::keccak256("Broke(address,uint256)"))[..8];
    let data = format!("0x{selector}{:064x}{:064x}", 0xaa, 5);
    let server = Script::chain().refuse("eth_call", 3, "execution reverted", Some(&data)).start();
    // The name is found whatever its case, and from a folder below.
    let below = folder.path().join("src");
    std::fs::create_dir(&below).expect("writable");
    let arguments = ["call", TO, "burn", "5", "--artifact", "token", "--rpc-url", &server.url];
    let run = esker_in(&below, &arguments).expect(1);
    assert!(run.stderr.contains("Broke(who: 0x00000000000000000000000000000000000000AA, needed: 5)"), "{run:#?}");
    let object = esker_in(&below, &[&arguments[..], &["--json"]].concat()).expect(1).json();
    assert_eq!(object["error"]["revert"]["name"], "Broke");
    assert_eq!(object["error"]["revert"]["arguments"][1], json!({"name": "needed", "type": "uint256", "value": "5"}));
    // An address in the middle of a typing error is named by its place.
    let run = esker_in(&below, &["call", TO, "burn", "5x", "--artifact", "Token"]).expect(2);
    assert!(run.stderr.contains("argument 1 (uint256 amount)"), "{run:#?}");
}

#[test]
fn reasons_and_panics_are_told() {
    let reason = format!("0x08c379a0{:064x}{:064x}{}", 0x20, 4, "6e6f7065".to_owned() + &"0".repeat(56));
    let panic = format!("0x4e487b71{:064x}", 0x11);
    for (data, words) in [(reason.as_str(), "reverted: nope"), (&panic, "Panic(0x11): arithmetic overflow")] {
        let server = Script::chain().refuse("eth_call", 3, "execution reverted", Some(data)).start();
        let run = call(&server.url, &[]).expect(1);
        assert!(run.stderr.contains(words), "{run:#?}");
    }
}

#[test]
fn no_contract_at_the_address_is_said() {
    let server = Script::chain().answer("eth_call", json!("0x")).answer("eth_getCode", json!("0x")).start();
    let run = call(&server.url, &[]).expect(1);
    assert!(run.stderr.contains("there is no contract at that address"), "{run:#?}");
}
