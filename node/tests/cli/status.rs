//! `esker status`.

use serde_json::{Value, json};

use crate::process::esker;
use crate::scripted_server::{Script, dead_url};

const HASH: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";
const NAME: &str = "0x00000000000000000000000000000000000000AA";

fn block(number: &str, timestamp: &str) -> Value {
    json!({"number": number, "hash": HASH, "timestamp": timestamp, "transactions": []})
}

fn consensus(validator: Value, is_validator: bool, is_signing: bool) -> Value {
    json!({
        "height": "0x11", "round": 2, "step": "prevote", "proposer": NAME, "validator": validator,
        "isValidator": is_validator, "isSigning": is_signing, "finalityMs": 41,
    })
}

fn node() -> Script {
    let one = json!({"address": NAME, "publicKey": HASH, "power": "0x64"});
    Script::default()
        .answer("eth_chainId", json!("0x7a69"))
        .answer("eth_getBlockByNumber", block("0x10", "0x1"))
        .answer("net_peerCount", json!("0x3"))
        .answer("web3_clientVersion", json!("Esker/v0"))
        .answer("esker_validators", json!({"block": "0x10", "totalPower": "0xc8", "validators": [one, one]}))
}

#[test]
fn a_validator_is_told_whole() {
    let server = node()
        .answer("eth_syncing", json!(false))
        .answer("esker_consensusState", consensus(json!(NAME), true, true))
        .start();
    let run = esker(&["status", "--rpc-url", &server.url]).expect(0);
    let validating = format!("validating  yes, as {NAME}");
    for line in [
        "chain id    31337",
        "height      16",
        "syncing     no",
        "peers       3",
        "consensus   height 17, round 2, prevote",
        "validators  2, with a power of 200",
        &validating,
    ] {
        assert!(run.stdout.lines().any(|written| written == line), "{line} is missing in {}", run.stdout);
    }
    assert!(run.stdout.contains(HASH) && run.stdout.contains("41 ms") && run.stdout.contains(" s ago"), "{run:#?}");
    let object = esker(&["status", "--rpc-url", &server.url, "--json"]).expect(0).json();
    assert!(object["secondsSinceBlock"].as_u64().is_some_and(|age| age > 1_000_000_000), "{object}");
    assert_eq!(
        (&object["height"], &object["hash"], &object["syncing"], &object["peers"]),
        (&json!(16), &json!(HASH), &json!(false), &json!(3))
    );
    assert_eq!(object["validators"], json!({"count": 2, "totalPower": 200}));
    let state = json!({
        "height": 17, "round": 2, "step": "prevote", "proposer": NAME.to_lowercase(), "validator": NAME.to_lowercase(),
        "isValidator": true, "isSigning": true, "finalityMs": 41.0,
    });
    assert_eq!(object["consensus"], state);
}

#[test]
fn the_next_protocol_version_is_told_with_how_far_its_modules_are() {
    let protocol = |next: Value| json!({"version": "0x1", "latestKnownVersion": "0x2", "upgrades": [], "next": next});
    let next = |version: &str, modules: Value, ready: Value| {
        let is_known = version == "0x2";
        json!({"version": version, "block": "0x64", "isKnown": is_known, "modules": modules, "modulesReady": ready})
    };
    let cases = [
        (json!(null), "version 1", json!(null)),
        (
            next("0x2", json!("0x39"), json!("0x29")),
            "version 1; version 2 from block 100, 41 of 57 contracts compiled for it",
            json!({"version": 2, "height": 100, "isKnown": true, "modules": 57, "modulesReady": 41}),
        ),
        (
            next("0x2", json!(null), json!(null)),
            "version 1; version 2 from block 100",
            json!({"version": 2, "height": 100, "isKnown": true, "modules": null, "modulesReady": null}),
        ),
        (
            next("0x3", json!(null), json!(null)),
            "version 1; version 3 from block 100, which the node is too old for: it will stop there",
            json!({"version": 3, "height": 100, "isKnown": false, "modules": null, "modulesReady": null}),
        ),
    ];
    for (next, words, object) in cases {
        let server = node().answer("eth_syncing", json!(false)).answer("esker_protocol", protocol(next)).start();
        let run = esker(&["status", "--rpc-url", &server.url]).expect(0);
        let line = run.stdout.lines().find_map(|line| line.strip_prefix("protocol")).map(str::trim);
        assert_eq!(line, Some(words), "{run:#?}");
        let told = esker(&["status", "--rpc-url", &server.url, "--json"]).expect(0).json();
        assert_eq!(told["protocol"], json!({"version": 1, "latestKnownVersion": 2, "next": object}));
    }
}

#[test]
fn who_does_not_validate_is_told_why() {
    let cases = [
        (consensus(json!(null), false, false), "no: it has no validator's key"),
        (consensus(json!(NAME), false, false), "is not in the validator set"),
        (consensus(json!(NAME), true, false), "does not sign until another height is committed"),
    ];
    for (state, words) in cases {
        let server = node().answer("eth_syncing", json!(false)).answer("esker_consensusState", state).start();
        let run = esker(&["status", "--rpc-url", &server.url]).expect(0);
        assert!(run.stdout.contains(words), "{run:#?}");
    }
}

#[test]
fn a_node_that_catches_up_says_how_far_it_is() {
    let syncing = json!({"startingBlock": "0x1", "currentBlock": "0x10", "highestBlock": "0x64"});
    let hostile = json!({
        "height": "0x11", "round": -1, "step": "\u{1b}[2Jsyncing", "proposer": null, "validator": null,
        "isValidator": false, "isSigning": false, "finalityMs": null,
    });
    let server = node().answer("eth_syncing", syncing).answer("esker_consensusState", hostile).start();
    let run = esker(&["status", "--rpc-url", &server.url]).expect(0);
    assert!(run.stdout.contains("yes, at block 16 of 100") && run.stdout.contains("nobody yet"), "{run:#?}");
    assert!(!run.stdout.contains('\u{1b}') && !run.stdout.contains("finality"), "{run:#?}");
    let object = esker(&["status", "--rpc-url", &server.url, "--json"]).expect(0).json();
    assert_eq!(object["syncing"], json!({"currentBlock": 16, "highestBlock": 100}));
}

#[test]
fn a_server_that_knows_less_is_told_as_far_as_it_goes() {
    let server = Script::default()
        .answer("eth_chainId", json!("0x1"))
        .answer("eth_getBlockByNumber", block("0x0", "0x0"))
        .start();
    let run = esker(&["status", "--rpc-url", &server.url]).expect(0);
    assert!(run.stdout.contains("at the chain's beginning") && run.stdout.contains("consensus   none"), "{run:#?}");
    let object = esker(&["status", "--rpc-url", &server.url, "--json"]).expect(0).json();
    for member in ["secondsSinceBlock", "peers", "consensus", "validators", "client", "syncing"] {
        assert_eq!(object[member], json!(null), "{member}");
    }
}

#[test]
fn servers_that_do_not_answer_exit_with_3() {
    let strange =
        node().answer("eth_syncing", json!(false)).answer("esker_consensusState", json!({"height": "x"})).start();
    let half = node().answer("eth_syncing", json!({"a": 1})).start();
    let broken =
        node().answer("eth_syncing", json!(false)).refuse("esker_consensusState", -32000, "broken", None).start();
    let cases = [
        (dead_url(), "nothing listens there"),
        (strange.url.clone(), "something unexpected"),
        (half.url.clone(), "answered eth_syncing with something unexpected"),
        (broken.url.clone(), "broken"),
    ];
    for (url, words) in &cases {
        let run = esker(&["status", "--rpc-url", url]).expect(3);
        assert!(run.stderr.contains(words) && run.stdout.is_empty(), "{url}: {run:#?}");
    }
    let server = node().start();
    let run = esker(&["status", "--rpc-url", &server.url, "--chain-id", "5"]).expect(3);
    assert!(run.stderr.contains("serves another chain"), "{run:#?}");
}
