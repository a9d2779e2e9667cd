//! The commands against a real `esker dev`, another process of the same binary.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Run, command, finish};
use crate::till::write_artifact;

const PAYEE: &str = "0x00000000000000000000000000000000000000aa";

/// A running `esker dev`, killed when dropped, in a folder that holds the artifact.
struct Chain {
    folder: TempDir,
    node: Child,
    url: String,
    accounts: Vec<String>,
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

/// Starts a node and waits until it says where it listens.
fn start(folder: &Path) -> (Child, Value) {
    start_on(folder, "chain")
}

/// As [`start`], with its state in the folder `state`.
pub fn start_on(folder: &Path, state: &str) -> (Child, Value) {
    let mut node = command(&["dev", "--port", "0", "--state", state, "--json"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary was built with this test");
    let mut lines = BufReader::new(node.stdout.take().expect("it is piped")).lines();
    let mut text = String::new();
    let facts = loop {
        let line = lines.next().expect("the banner comes before the end").expect("it is readable");
        text.push_str(&line);
        if let Ok(facts) = serde_json::from_str(&text) {
            break facts;
        }
    };
    // Whoever prints later must find a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (node, facts)
}

impl Chain {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_artifact(folder.path());
        let (node, facts) = start(folder.path());
        let url = format!("http://{}", facts["listening"].as_str().expect("an address"));
        let accounts = serde_json::from_value(facts["accounts"].clone()).expect("addresses");
        Self { folder, node, url, accounts }
    }

    fn esker(&self, arguments: &[&str]) -> Run {
        finish(command(arguments).current_dir(self.folder.path()).env("ESKER_RPC_URL", &self.url))
    }

    fn json(&self, code: i32, arguments: &[&str]) -> Value {
        self.esker(&[arguments, &["--json"]].concat()).expect(code).json()
    }

    fn deploy(&self) -> String {
        let deployed = self.json(0, &["deploy", "Till", "--unlocked"]);
        deployed["contractAddress"].as_str().expect("an address").to_owned()
    }

    fn total(&self, till: &str) -> String {
        self.esker(&["call", till, "total", "--artifact", "Till"]).expect(0).stdout.trim().to_owned()
    }
}

#[test]
fn a_contract_is_deployed_called_and_sent_to() {
    let chain = Chain::start();
    let till = chain.deploy();
    assert_eq!(chain.total(&till), "0");
    let sent =
        chain.json(0, &["send", &till, "pay", PAYEE, "7", "--artifact", "Till", "--value", "1gwei", "--unlocked"]);
    assert_eq!((&sent["status"], &sent["nonce"]), (&json!("success"), &json!(1)));
    let event = &sent["logs"][0]["event"];
    assert_eq!((&event["name"], &event["arguments"][1]["value"]), (&json!("Paid"), &json!("7")));
    assert_eq!(chain.total(&till), "7");

    let run = chain.esker(&["call", &till, "fail", "9", "--artifact", "Till"]).expect(1);
    assert!(run.stderr.contains("Broke(code: 9)"), "{run:#?}");
    let run = chain.esker(&["send", &till, "fail", "9", "--artifact", "Till", "--unlocked"]).expect(1);
    assert!(run.stderr.contains("was not sent") && run.stderr.contains("Broke(code: 9)"), "{run:#?}");
    let failed = ["send", &till, "fail", "9", "--artifact", "Till", "--unlocked", "--gas-limit", "200000"];
    let object = chain.json(1, &failed);
    assert_eq!((&object["status"], &object["error"]["revert"]["name"]), (&json!("failed"), &json!("Broke")));
    assert!(object["gasUsed"].as_u64().expect("gas") < 200_000, "unspent gas comes back: {object}");
    let burnt = ["send", &till, "trap", "--artifact", "Till", "--unlocked", "--gas-limit", "200000"];
    let object = chain.json(1, &burnt);
    assert_eq!(object["gasUsed"], 200_000, "{object}");
    assert!(object["error"]["reason"].as_str().expect("words").contains("unreachable"), "{object}");

    // A key of our own, and more coins than it has.
    let poor = format!("0x{}", "46".repeat(32));
    let run =
        chain.esker(&["send", PAYEE, "--value", "1ether", "--gas-limit", "21000", "--private-key", &poor]).expect(1);
    assert!(run.stderr.contains("insufficient funds") && run.stderr.contains("send coins to"), "{run:#?}");
    let run = chain.esker(&["call", &till, "total", "--artifact", "Till", "--chain-id", "1"]).expect(3);
    assert!(run.stderr.contains("its chain id is 31337"), "{run:#?}");
}

#[test]
fn a_simulation_changes_nothing_and_says_what_a_transaction_then_does() {
    let chain = Chain::start();
    let till = chain.deploy();
    let from = chain.accounts[0].clone();
    let pay = [till.as_str(), "pay", PAYEE, "7", "--artifact", "Till", "--value", "1gwei"];
    let simulated = chain.json(0, &[&["simulate"], &pay[..], &["--from", &from]].concat());
    assert_eq!(chain.total(&till), "0", "the chain is unchanged");
    let sent = chain.json(0, &[&["send"], &pay[..], &["--unlocked"]].concat());
    assert_eq!(simulated["gasUsed"], sent["gasUsed"]);
    assert_eq!(simulated["logs"], sent["logs"]);
    let slot = format!("0x{}", "0".repeat(64));
    let after = format!("0x{:064x}", 7);
    assert_eq!(simulated["stateDiff"][&till]["storage"][&slot], json!({"before": slot, "after": after}));
    assert_eq!(simulated["stateDiff"][&till]["balance"], json!({"before": "0", "after": "1000000000"}));
    let sender = sent["from"].as_str().expect("an address");
    assert_eq!(simulated["stateDiff"][sender]["nonce"], json!({"before": 1, "after": 2}));
    assert_eq!((&simulated["calls"]["method"], &simulated["calls"]["kind"]), (&json!("pay"), &json!("call")));
    assert_eq!(simulated["source"], "esker_simulate");

    let reverted = chain.json(1, &["simulate", &till, "fail", "9", "--artifact", "Till"]);
    assert_eq!((&reverted["status"], &reverted["revert"]["name"]), (&json!("revert"), &json!("Broke")));
    assert!(reverted["gasUsed"].as_u64().expect("gas") > 21_000, "{reverted}");
    let halted = chain.json(1, &["simulate", &till, "trap", "--artifact", "Till", "--gas-limit", "100000"]);
    assert_eq!((&halted["status"], &halted["gasUsed"]), (&json!("halt"), &json!(100_000)));
    let created = chain.json(0, &["simulate", "--create", "Till", "--from", &from]);
    assert!(created["contractAddress"].is_string() && created["status"] == "success", "{created}");
    let poor = chain.json(1, &["simulate", PAYEE, "--value", "1ether", "--from", PAYEE]);
    assert!(poor["error"]["reason"].as_str().expect("words").contains("insufficient funds"), "{poor}");
}

#[test]
fn the_state_of_a_stopped_node_answers_as_the_node_did() {
    let mut chain = Chain::start();
    let till = chain.deploy();
    let from = chain.accounts[0].clone();
    let pay = ["simulate", &till, "pay", PAYEE, "7", "--artifact", "Till", "--from", &from];
    let asked = chain.json(0, &pay);
    let with_state = |more: &[&'static str]| [&pay[..], &["--state", "chain"], more].concat();
    let busy = chain.json(3, &with_state(&[]));
    assert!(busy["error"]["reason"].as_str().expect("words").contains("in use by another process"), "{busy}");
    // A kill leaves what a crash would.
    chain.node.kill().expect("it runs");
    chain.node.wait().expect("it ends");
    for engine in ["cranelift", "pulley"] {
        let mut answered = chain.json(0, &with_state(&["--engine", engine]));
        assert_eq!(answered["source"], "state");
        answered["source"] = asked["source"].clone();
        assert_eq!(answered, asked, "{engine}");
    }
    let reverted = chain.json(1, &["simulate", &till, "fail", "9", "--artifact", "Till", "--state", "chain"]);
    assert_eq!(reverted["revert"]["name"], "Broke");
    let nothing = chain.esker(&["simulate", &till, "--state", "elsewhere"]);
    assert!(nothing.code == 3 && nothing.stderr.contains("holds no chain"), "{nothing:#?}");
    assert!(!chain.folder.path().join("elsewhere").exists(), "looking makes nothing");
    // The node goes on from there.
    let (node, facts) = start(chain.folder.path());
    chain.node = node;
    chain.url = format!("http://{}", facts["listening"].as_str().expect("an address"));
    assert_eq!(facts["blockNumber"], 1);
    assert_eq!(chain.total(&till), "0");
}

#[test]
fn the_status_of_a_development_chain_is_what_it_can_tell() {
    let chain = Chain::start();
    let status = chain.json(0, &["status"]);
    assert_eq!((&status["chainId"], &status["height"], &status["peers"]), (&json!(31_337), &json!(0), &json!(0)));
    assert_eq!((&status["consensus"], &status["validators"]), (&json!(null), &json!(null)));
    assert_eq!(status["protocol"], json!({"version": 1, "latestKnownVersion": 2, "next": null}));
    assert!(status["secondsSinceBlock"].is_u64(), "{status}");
    let text = chain.esker(&["status"]).expect(0).stdout;
    assert!(text.contains("consensus   none") || text.contains("consensus  none"), "{text}");
}
