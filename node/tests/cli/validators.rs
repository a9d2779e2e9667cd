//! `esker validator`, by hand against a network of one validator whose epochs are short.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::networks::Running;
use crate::process::{Run, command, finish};
use crate::scripted_server::Script;

/// The first account of the well-known test mnemonic, and its key.
const ALICE: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const ALICE_KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// Blocks of an epoch; a tenth of a second each.
const STAKING: &str = "epoch_length = 10\nunbonding_epochs = 11\nevidence_epochs = 10\njail_epochs = 10\n\
    missed_slots_min = 1\nmin_delegation = \"1ether\"\n";

/// A network, and who acts on it.
struct Scene {
    folder: tempfile::TempDir,
    url: String,
    _node: Running,
}

/// Starts a server and gives the address that it says it listens on.
fn serve(folder: &Path, arguments: &[&str]) -> (Running, String) {
    let mut server = command(arguments);
    let server = server.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut server = Running(server);
    let mut out = server.0.stdout.take().expect("piped");
    let mut facts = serde_json::Deserializer::from_reader(out.by_ref()).into_iter::<Value>();
    let facts = facts.next().expect("it says where it listens").expect("JSON");
    (server, format!("http://{}", facts["listening"].as_str().expect("an address")))
}

impl Scene {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        std::fs::write(path.join("staking.toml"), STAKING).expect("writable");
        let testnet =
            ["testnet", "--validators", "1", "--output", "net", "--base-port", "31200", "--block-time", "100ms"];
        let more = ["--idle-block-time", "100ms", "--staking", "staking.toml"];
        finish(command(&[&testnet[..], &more].concat()).current_dir(path)).expect(0);
        let (node, url) = serve(path, &["node", "--home", "net/node0", "--rpc", "127.0.0.1:0", "--json"]);
        let join = ["init", "--home", "two", "--genesis", "net/genesis.json", "--name", "two"];
        finish(command(&join).current_dir(path).env("ESKER_KEYSTORE_PASSWORD", "secret")).expect(0);
        Self { folder, url, _node: node }
    }

    fn run(&self, arguments: &[&str], more: &[&str]) -> Run {
        let mut command = command(&[arguments, more].concat());
        command.current_dir(self.folder.path()).env("ESKER_RPC_URL", &self.url);
        finish(command.env("ESKER_KEYSTORE_PASSWORD", "secret").env("ESKER_PRIVATE_KEY", ALICE_KEY))
    }

    /// A command of `esker validator` as Alice, or as whom it names.
    fn validator(&self, arguments: &[&str]) -> Run {
        self.run(&["validator"], arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&["validator"], &[arguments, &["--json"]].concat()).expect(0).json()
    }

    /// It must fail with these words, in text and as JSON, and nothing may be sent.
    fn refuses(&self, code: i32, words: &str, arguments: &[&str]) {
        let run = self.validator(arguments).expect(code);
        assert!(run.stderr.contains(words), "{arguments:?}: {run:#?}");
        let run = self.run(&["validator"], &[arguments, &["--json"]].concat()).expect(code);
        let error = &run.json()["error"];
        assert!(error.is_object() && error["transactionHash"].is_null(), "{arguments:?}: {run:#?}");
    }

    /// Asks again until it is so.
    fn until(&self, arguments: &[&str], is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(240);
        loop {
            let answer = self.json(arguments);
            if is_so(&answer) {
                return answer;
            }
            assert!(std::time::Instant::now() < deadline, "{arguments:?}: {answer:#}");
        }
    }
}

fn coins(number: u64) -> Value {
    json!((u128::from(number) * 1_000_000_000_000_000_000).to_string())
}

fn operator(scene: &Scene, home: &str) -> String {
    let home = esker::home::Home::open(&scene.folder.path().join(home)).expect("a home");
    let password = home.password().expect("readable").unwrap_or_else(|| "secret".to_owned());
    home.consensus_key(&password).expect("it opens").expect("it validates").address.to_checksum(None)
}

#[test]
fn a_validator_comes_earns_is_jailed_and_leaves() {
    let scene = Scene::start();
    let (one, two) = (operator(&scene, "net/node0"), operator(&scene, "two"));
    becoming_a_validator(&scene, &one, &two);
    jail(&scene, &two);
    delegating(&scene, &one, &two);
    earning(&scene, &one);
    leaving(&scene, &one, &two);
}

fn becoming_a_validator(scene: &Scene, one: &str, two: &str) {
    let list = scene.json(&["list"]);
    let first = &list["validators"][0];
    assert_eq!((&first["address"], &first["stake"]), (&json!(one.to_lowercase()), &coins(100)));
    assert_eq!((&first["power"], &first["nextPower"], &list["totalPower"]), (&json!(100), &json!(100), &json!(100)));

    let create = ["create", "--home", "two", "--commission", "5%"];
    let with = |more: &[&'static str]| -> Vec<&'static str> { [&create[..], more].concat() };
    scene.refuses(1, "has too few coins", &with(&["--self-bond", "30ether"]));
    scene.refuses(2, "at least 1 ether", &with(&["--self-bond", "30"]));
    scene.refuses(2, "is no percentage", &["create", "--home", "two", "--self-bond", "30ether", "--commission", "101"]);
    let long = "x".repeat(65);
    let too_long = [&create[..], &["--self-bond", "30ether", "--name", &long]].concat();
    scene.refuses(2, "it has 65 bytes", &too_long);
    scene.refuses(
        2,
        "esker init --home",
        &["create", "--home", "absent", "--self-bond", "30ether", "--commission", "5%"],
    );
    scene.refuses(
        1,
        "it has no name, with 100 ether at stake",
        &["create", "--home", "net/node0", "--self-bond", "30ether", "--commission", "5"],
    );
    scene.refuses(
        2,
        "is not the operator of this home",
        &with(&["--self-bond", "30ether", "--private-key", ALICE_KEY]),
    );
    let full = ["init", "--home", "full", "--genesis", "net/genesis.json", "--full-node"];
    scene.run(&full, &[]).expect(0);
    scene.refuses(2, "only follows", &["create", "--home", "full", "--self-bond", "30ether", "--commission", "5%"]);
    // Another chain with the same id.
    scene.run(&["init", "--home", "other", "--chain-id", "31337"], &[]).expect(0);
    scene.refuses(
        3,
        "serves another chain",
        &["create", "--home", "other", "--self-bond", "30ether", "--commission", "5%"],
    );
    scene.refuses(1, "is no validator", &["show", two]);
    scene.refuses(1, "is no validator", &["unjail", "--home", "two"]);

    scene.run(&["send", two, "--value", "50ether"], &[]).expect(0);
    scene.refuses(1, "out of gas", &with(&["--self-bond", "30ether", "--gas-limit", "100000"]));
    let created = scene.json(&with(&["--self-bond", "30ether"]));
    assert_eq!((&created["status"], &created["staking"]["isCandidate"]), (&json!("success"), &json!(true)));
    let epoch = (created["blockNumber"].as_u64().expect("a number") - 1) / 10;
    assert_eq!(created["staking"]["next"]["epoch"], json!(epoch + 1), "{created:#}");
    scene.refuses(1, "is a validator already", &with(&["--self-bond", "30ether"]));
    scene.refuses(1, "is a candidate already", &["enter", one]);
}

fn delegating(scene: &Scene, one: &str, two: &str) {
    scene.refuses(1, "the least is 1 ether", &["delegate", two, "5"]);
    scene.refuses(2, "is no unit", &["delegate", two, "5 dollars"]);
    scene.refuses(2, "40 hexadecimal digits", &["delegate", "two", "5ether"]);
    scene.refuses(1, "is no validator", &["delegate", ALICE, "5ether"]);
    scene.refuses(1, "has 99", &["delegate", two, "100000ether"]);
    // As much as 128 bits hold, and more.
    for amount in ["340282366920938463463ether", "400000000000000000000ether"] {
        scene.refuses(1, "and the gas are needed", &["delegate", two, amount]);
    }
    scene.refuses(1, "more than any chain has", &["undelegate", one, "400000000000000000000ether"]);
    scene.refuses(1, "has nothing bonded", &["undelegate", two, "all"]);
    scene.refuses(1, "there are 0 ether, and 5 ether were asked for", &["undelegate", two, "5ether"]);
    let bonded = scene.json(&["delegate", two, "7ether"]);
    assert_eq!(bonded["staking"]["amount"], coins(7));
    assert_eq!(bonded["logs"][0]["event"]["name"], json!("Delegated"));
    let sent = scene.json(&["delegate", one, "9ether", "--no-wait"]);
    assert_eq!(sent["status"], json!("sent"));
    assert!(sent["staking"]["next"].is_object() && sent["staking"]["warning"].is_null(), "{sent:#}");
    let held = scene.until(&["account", ALICE], |account| account["bonded"] == coins(16));
    assert_eq!(held["coverage"]["isComplete"], json!(true));

    scene.refuses(1, "both validators are the same", &["redelegate", one, one, "2ether"]);
    scene.refuses(1, "there are 9 ether", &["redelegate", one, two, "20ether"]);
    let moved = scene.json(&["redelegate", one, two, "2ether"]);
    assert_eq!((&moved["staking"]["amount"], &moved["status"]), (&coins(2), &json!("success")));
    scene.refuses(1, "only 7 ether can be redelegated now, not 8 ether", &["redelegate", two, one, "8ether"]);

    let leaving = scene.json(&["unbond", one, "3ether"]);
    let block = leaving["blockNumber"].as_u64().expect("a number");
    assert_eq!(leaving["staking"]["matures"]["epoch"], json!((block - 1) / 10 + 11), "{leaving:#}");
    scene.refuses(1, "nothing has matured: undelegated coins wait 11 epochs", &["withdraw", one]);
    scene.refuses(1, "has nothing to withdraw", &["withdraw", "--all"]);
    let account = scene.json(&["account", ALICE]);
    assert_eq!((&account["bonded"], &account["unbonding"]), (&coins(13), &coins(3)));
    let positions = account["positions"].as_array().expect("a list");
    let position = |of: &str| positions.iter().find(|one| one["validator"] == json!(of.to_lowercase())).expect("there");
    assert_eq!((&position(two)["stake"], &position(two)["redelegable"]), (&coins(9), &coins(7)));
    assert_eq!(position(one)["unbonding"][0]["amount"], coins(3));
    assert_eq!(position(two)["lots"][0]["source"], json!(one.to_lowercase()));
    let text = scene.validator(&["account", ALICE]).expect(0).stdout;
    assert!(text.contains("3 ether out of") && text.contains("Complete at block"), "{text}");
}

/// Nobody runs the second one's node, so it misses its turns.
fn jail(scene: &Scene, two: &str) {
    let jailed = scene.until(&["show", two], |one| one["isJailed"] == json!(true));
    assert_eq!((&jailed["power"], &jailed["nextPower"], &jailed["isCandidate"]), (&json!(0), &json!(0), &json!(false)));
    scene.refuses(1, "it is jailed until epoch", &["unjail", "--home", "two"]);
    scene.refuses(1, "cannot be a candidate", &["enter", two]);
    let bonded = scene.json(&["delegate", two, "1ether", "--home", "two"]);
    assert_eq!(bonded["staking"]["next"], Value::Null, "{bonded:#}");
    assert!(bonded["staking"]["warning"].as_str().is_some_and(|words| words.contains("is jailed")), "{bonded:#}");
    let text = scene.validator(&["delegate", two, "1ether", "--home", "two"]).expect(0).stdout;
    assert!(text.contains("are no voting power") && text.contains("Warning: ") && !text.contains("at once"), "{text}");
    let text = scene.validator(&["show", two]).expect(0).stdout;
    assert!(text.contains("jailed") && text.contains("brings it back in epoch"), "{text}");
    scene.refuses(1, "nobody in the set or among the candidates is called \"two\"", &["show", "two"]);
    scene.until(&["show", two], |one| one["unjail"]["blocksLeft"] == json!(0));
    let free = scene.json(&["unjail", "--home", "two"]);
    assert_eq!(free["staking"]["isCandidate"], json!(true));
    scene.refuses(1, "is not jailed", &["unjail", "--home", "net/node0"]);
}

fn earning(scene: &Scene, one: &str) {
    scene.refuses(2, "VALIDATOR", &["claim"]);
    scene.refuses(2, "cannot be used with", &["claim", "--all", "--commission"]);
    scene.refuses(1, "there is nothing to claim", &["claim", "--commission"]);
    scene.refuses(1, "there is nothing to claim", &["claim", "--report"]);
    scene.refuses(2, "--nonce is one transaction's", &["claim", one, one, "--nonce", "5"]);
    let paid = scene.json(&["claim", "--all"]);
    let transactions = paid["transactions"].as_array().expect("a list");
    assert_eq!((transactions.len(), &transactions[0]["kind"]), (1, &json!("rewards")), "{paid:#}");
    assert_eq!(transactions[0]["amount"], paid["paid"]);
    // All that the first operator has is bonded; transactions cost gas.
    scene.run(&["send", one, "--value", "1ether"], &[]).expect(0);
    let edit = ["edit", "--home", "net/node0"];
    scene.refuses(2, "--name <NAME>|--commission <PERCENT>", &edit);
    scene.refuses(1, "can change by 1% an epoch, and from 0% to 5%", &[&edit[..], &["--commission", "5%"]].concat());
    scene.refuses(1, "is no validator", &["edit", "--name", "x"]);
    let edited = scene.json(&[&edit[..], &["--commission", "1%", "--name", "The First"]].concat());
    assert_eq!(edited["staking"]["nextCommissionBps"], json!(100));
    scene.until(&["show", "The First"], |one| one["commissionBps"] == json!(100) && one["commission"] != json!("0"));
    // A name alone leaves the commission as it is.
    let renamed = scene.json(&[&edit[..], &["--name", "First"]].concat());
    assert_eq!(renamed["staking"]["nextCommissionBps"], json!(100));
    let paid = scene.json(&["claim", "--all", "--home", "net/node0"]);
    let kinds: Vec<&Value> = paid["transactions"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, [&json!("rewards"), &json!("commission")]);
}

fn leaving(scene: &Scene, one: &str, two: &str) {
    let matured = |account: &Value| {
        let positions = account["positions"].as_array().cloned().unwrap_or_default();
        let mut entries = positions.iter().flat_map(|one| one["unbonding"].as_array().cloned().unwrap_or_default());
        entries.any(|entry| entry["matures"]["blocksLeft"] == json!(0))
    };
    scene.until(&["account", ALICE], matured);
    let paid = scene.json(&["withdraw", "--all"]);
    assert_eq!(paid["paid"], coins(3), "{paid:#}");

    let gone = scene.json(&["undelegate", two, "all", "--home", "two"]);
    assert_eq!(gone["staking"]["amount"], coins(32));
    // Nobody else may be chosen then: the first one stays whatever it does.
    let left = scene.json(&["undelegate", one, "all", "--home", "net/node0"]);
    assert!(left["staking"]["warning"].as_str().is_some_and(|words| words.contains("stays in the set")), "{left:#}");
    // Without stake of its own it is no candidate from the epoch's end on; who delegated to it still has its coins.
    let left = scene.until(&["show", two], |one| one["isCandidate"] == json!(false));
    assert_eq!((&left["selfBond"], &left["stake"]), (&json!("0"), &coins(9)));
    let account = scene.json(&["account", ALICE]);
    assert_eq!(account["bonded"], coins(13), "what is in a validator that left is found too: {account:#}");

    let history = scene.json(&["history", ALICE]);
    let names: Vec<&str> = history["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["event"]["name"].as_str())
        .collect();
    let expected = ["Withdrawn", "RewardsClaimed", "Undelegated", "Redelegated", "Delegated", "Delegated"];
    assert_eq!(names, expected, "{history:#}");
    assert_eq!(scene.json(&["history", ALICE, "--limit", "2"])["entries"].as_array().map(Vec::len), Some(2));
    let text = scene.validator(&["history", two]).expect(0).stdout;
    assert!(text.contains("became the validator \"two\" with 30 ether") && text.contains("came out of jail"), "{text}");
    scene.refuses(2, "there is no block 99999999 yet", &["history", ALICE, "--from-block", "99999999"]);
    scene.refuses(2, "is no block", &["list", "--block", "newest"]);
    scene.refuses(2, "there is no block 99999999 yet", &["list", "--block", "99999999"]);
    scene.refuses(2, "the state after that block is no longer kept", &["list", "--block", "1"]);
    scene.refuses(2, "no block has this hash", &["list", "--block", &format!("0x{:064x}", 7)]);
}

#[test]
fn a_chain_without_staking_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_node, url) = serve(folder.path(), &["dev", "--port", "0", "--json"]);
    for arguments in [
        &["list"][..],
        &["show", ALICE],
        &["account", ALICE],
        &["history", ALICE],
        &["delegate", ALICE, "5ether", "--unlocked"],
        &["claim", "--all", "--unlocked"],
    ] {
        let run = finish(&mut command(&[&["validator"], arguments, &["--rpc-url", &url]].concat())).expect(1);
        assert!(run.stderr.contains("this chain has no staking"), "{arguments:?}: {run:#?}");
    }
}

#[test]
fn a_server_of_absurd_numbers_gets_an_answer_and_no_panic() {
    const MOST: &str = "0xffffffffffffffff";
    let words = [u32::MAX, u32::MAX, 1, 100, 1, 1, 500, 500, 1, 5_000, 50, 100, 1];
    let params: String = words.iter().map(|word| format!("{word:064x}")).collect();
    let head = json!({"number": MOST, "hash": format!("0x{:064x}", 2), "timestamp": MOST, "gasLimit": "0x1", "baseFeePerGas": "0x1"});
    let validator = json!({
        "address": ALICE, "publicKey": format!("0x{:064x}", 1), "power": MOST, "nextPower": MOST,
        "name": "\u{1b}[31m", "stake": format!("0x{}", "f".repeat(64)), "selfBond": format!("0x{}", "f".repeat(64)),
        "commissionBps": 65_535, "nextCommissionBps": 0, "commission": "0x0", "slots": 0, "missed": u32::MAX,
        "isJailed": true, "jailedUntil": MOST, "isTombstoned": false, "isCandidate": true,
    });
    let epoch = json!({"number": MOST, "firstBlock": MOST, "lastBlock": "0x0", "blocksLeft": MOST});
    let candidates = json!({
        "block": MOST, "epoch": epoch, "totalPower": "0x1", "nextTotalPower": MOST, "candidates": [validator],
    });
    let server = Script::default()
        .answer("eth_chainId", json!("0x7a69"))
        .answer("eth_getCode", json!("0x01"))
        .answer("eth_call", json!(format!("0x{params}")))
        .answer("eth_getBlockByNumber", head)
        .answer("esker_candidates", candidates)
        .start();
    for arguments in [&["list"][..], &["show", ALICE]] {
        for json in [false, true] {
            let mut command = command(&["validator"]);
            command.args(arguments).args(["--rpc-url", &server.url]);
            if json {
                command.arg("--json");
            }
            let run = finish(&mut command).expect(0);
            assert!(run.stdout.contains("18446744073709551615"), "{arguments:?}: {run:#?}");
            assert!(!run.stdout.contains('\u{1b}'), "{run:#?}");
        }
    }
}
