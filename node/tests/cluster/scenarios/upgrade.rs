//! A network whose gas schedule changes at a height.

use std::path::Path;
use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, TxKind, hex, keccak256};
use serde_json::{Value, json};

use super::engines::{Artifact, deployed, text, uint};
use crate::history::one_history;
use crate::load::{Action, Load, signed, signer, summary};
use crate::network::{Network, Plan};
use crate::node::{Node, esker, number};
use crate::scenario::{Scenario, is_full, scenario, until};

/// The account that sends single calls; the load has others.
const CALLER: usize = 9;
/// The validators that are told of the upgrade in time.
const TOLD: [usize; 3] = [0, 2, 3];

/// Runs `esker upgrade` on a home.
fn upgrade(home: &Path, arguments: &[&str]) -> Value {
    let mut command = esker();
    let output = command.args(["--json", "upgrade", "--home"]).arg(home).args(arguments).output();
    let output = output.expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Tells a home of the upgrade to version 2.
fn told(home: &Path, height: u64) {
    let table = upgrade(home, &["--version", "2", "--height", &height.to_string()]);
    assert_eq!(table["upgrades"], json!([{"version": 2, "height": height, "isKnown": true}]));
}

/// Returns when the node has every contract compiled for the upgrade, with how many there are.
async fn is_prepared(node: &Node, least: u64) -> u64 {
    until(format_args!("node{} has its contracts compiled for the upgrade", node.index), async || {
        let next = node.ask("esker_protocol", json!([])).await.ok()?["next"].clone();
        let (modules, ready) = (number(&next["modules"])?, number(&next["modulesReady"])?);
        (ready == modules && modules >= least).then_some(modules)
    })
    .await
}

/// Starts all four validators, and returns when those that were told have their contracts compiled, with how many these are.
/// Two of four decide nothing: however slow this machine is, the height does not come meanwhile.
async fn prepared_together(network: &mut Network, least: u64) -> u64 {
    network.nodes[0].start();
    network.nodes[3].start();
    network.answer().await;
    let modules = is_prepared(&network.nodes[0], least).await;
    assert_eq!(is_prepared(&network.nodes[3], least).await, modules);
    network.nodes[2].start();
    network.nodes[1].start();
    network.answer().await;
    assert_eq!(is_prepared(&network.nodes[2], least).await, modules);
    modules
}

/// Gas of a transaction of [`CALLER`] that does this, by its receipt.
async fn gas_of(network: &Network, action: Action) -> u64 {
    let node = &network.nodes[0];
    let nonce =
        node.ask("eth_getTransactionCount", json!([signer(CALLER).address(), "latest"])).await.expect("a nonce");
    let raw = signed(&signer(CALLER), number(&nonce).expect("a number"), action);
    let (hash, raw) = (keccak256(&raw), hex::encode_prefixed(raw));
    node.ask("eth_sendRawTransaction", json!([raw])).await.expect("accepted");
    until("the call has a receipt", async || {
        let receipt = node.ask("eth_getTransactionReceipt", json!([hash])).await.ok()?;
        assert_ne!(receipt["status"], "0x0", "it succeeds");
        number(&receipt["gasUsed"])
    })
    .await
}

/// Stops by itself with exit code 3, and these words in its log.
async fn stops_saying(node: &mut Node, since: usize, words: &[&str]) {
    let status = node.exit().await;
    assert_eq!(status.code(), Some(3), "node{}", node.index);
    let log = node.log_since(since);
    for words in words {
        assert!(log.contains(words), "node{} does not say {words:?}: {log}", node.index);
    }
    assert!(
        !node
            .home
            .join("data")
            .read_dir()
            .expect("data")
            .flatten()
            .any(|entry| { entry.file_name().to_string_lossy().starts_with("invalid-") })
    );
}

#[test]
fn gas_schedule_changes_at_a_height() {
    scenario("upgrade", async |run| {
        let more = &["--engine-of", "3=pulley", "--gas-limit", "10000000"];
        let mut network = Network::create(run, &Plan { full_nodes: 1, more, ..Plan::default() });
        let validators = [0, 1, 2, 3];
        for node in &mut network.nodes[..4] {
            node.start();
        }
        network.answer().await;
        network.progress(&validators, 2).await;
        let erc20 = Artifact::read("Erc20");
        let acks = deployed(&network, vec![erc20.deploy(&[text("Gold"), text("GLD"), uint(1_000_000)])]).await;
        let gold = acks[0].contract.expect("a contract");
        let load = load(&network, &erc20, gold);
        let approve = || erc20.call(gold, "approve", &[DynSolValue::Address(gold), uint(7)], 200_000);
        gas_of(&network, approve()).await;
        let before = gas_of(&network, approve()).await;

        // Operators tell their nodes; node1's forgets, and node4 is not there yet.
        let height = network.head(&validators).await + if is_full() { 400 } else { 150 };
        for index in validators {
            assert_eq!(network.nodes[index].terminate().await.code(), Some(0));
        }
        for index in TOLD {
            told(&network.nodes[index].home, height);
        }
        let modules = prepared_together(&mut network, 2).await;
        run.says(format_args!("three know, and have {modules} contracts compiled for version 2"));
        let late = deployed_late(&network, approve_all).await;
        for index in [1, 2] {
            assert_eq!(network.nodes[index].terminate().await.code(), Some(0));
        }
        for index in [0, 3] {
            network.nodes[index].kill();
        }
        assert_eq!(prepared_together(&mut network, 3).await, 3);
        let head = network.head(&validators).await;
        assert!(head < height, "the nodes were told in time: block {head} of {height}");
        run.says(format_args!(
            "all was compiled by block {head}, a contract of this moment too; the height is {height}"
        ));
        let since = network.nodes[1].log_len();

        network.reach(&TOLD, height + 5).await;
        crossed(run, &network, height).await;
        let forgot = format!("upgrade --home {} --version 2 --height {height}", network.nodes[1].home.display());
        stops_saying(&mut network.nodes[1], since, &["under protocol version 2", "version 1 for it", &forgot]).await;
        run.says("node1, which was not told, has stopped");
        let after = gas_of(&network, approve()).await;
        run.says(format_args!("an approval paid {before} gas before, {after} after"));
        // ERC-20 has some 8.5 KB: 400 gas, and 0.035 a byte.
        assert!((before + 600..before + 800).contains(&after), "{before}, {after}");
        assert!(gas_of(&network, late).await > 21_000);

        told(&network.nodes[1].home, height);
        told(&network.nodes[4].home, height);
        for index in [1, 4] {
            network.nodes[index].start();
        }
        network.answer().await;
        let head = network.progress(&network.all(), 5).await;
        run.says(format_args!("node1 was told and goes on, node4 has come across the height, at block {head}"));
        too_old(run, &mut network).await;
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}

/// Neither version has more than two thirds: the chain stands still, nobody decides anything, and it goes on once the others
/// were told.
#[test]
fn a_chain_of_which_too_few_were_told_waits_for_them() {
    scenario("upgrade-waits", async |run| {
        let mut network = Network::start(run, &Plan::default()).await;
        let load = Load::transfers(&network, &[0, 1]);
        for index in network.all() {
            assert_eq!(network.nodes[index].terminate().await.code(), Some(0));
        }
        let mut heads = Vec::new();
        for node in &network.nodes {
            let known = upgrade(&node.home, &[]);
            heads.push(known["blockNumber"].as_u64().expect("a number"));
        }
        let height = heads.iter().max().expect("four") + 10;
        for index in [0, 2] {
            told(&network.nodes[index].home, height);
        }
        for index in network.all() {
            network.nodes[index].start();
        }
        network.answer().await;
        network.reach(&network.all(), height - 1).await;
        // Rounds pass, in which each side refuses what the other proposes.
        until("three rounds have passed", async || {
            let state = network.nodes[0].ask("esker_consensusState", json!([])).await.ok()?;
            let is_there = number(&state["height"]) == Some(height);
            (is_there && state["round"].as_u64()? >= 3).then_some(())
        })
        .await;
        assert_eq!(network.head(&network.all()).await, height - 1);
        run.says(format_args!("two were told: block {height} is not decided"));
        for index in [1, 3] {
            assert_eq!(network.nodes[index].terminate().await.code(), Some(0));
            told(&network.nodes[index].home, height);
            network.nodes[index].start();
        }
        network.answer().await;
        let head = network.progress(&network.all(), 5).await;
        run.says(format_args!("all were told: at block {head}"));
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}

/// Transfers of coins and tokens.
fn load(network: &Network, erc20: &Artifact, gold: Address) -> Load {
    let to = |count: u64| Address::from_word(keccak256((count % 20).to_be_bytes()));
    let send = erc20.call(gold, "approve", &[DynSolValue::Address(gold), uint(1)], 200_000);
    let action = move |account: usize, count: u64| match account {
        0 => Action { ..send.clone() },
        _ => Action::transfer(to(count), 1 + count),
    };
    Load::start(network, &[0, 1, 2], 2, Arc::new(action))
}

/// Deploys another contract shortly before the height, and gives a call of it.
async fn deployed_late(network: &Network, call: impl Fn(&Artifact, Address) -> Action) -> Action {
    let erc721 = Artifact::read("Erc721");
    let creation = erc721.deploy(&[text("Gallery"), text("ART")]);
    let node = &network.nodes[0];
    let nonce =
        node.ask("eth_getTransactionCount", json!([signer(CALLER).address(), "latest"])).await.expect("a nonce");
    let nonce = number(&nonce).expect("a number");
    assert_eq!(creation.to, TxKind::Create);
    gas_of(network, creation).await;
    call(&erc721, signer(CALLER).address().create(nonce))
}

fn approve_all(erc721: &Artifact, gallery: Address) -> Action {
    erc721.call(gallery, "setApprovalForAll", &[DynSolValue::Address(gallery), DynSolValue::Bool(true)], 200_000)
}

/// The headers name the version from the height on, and answers about old blocks are by old rules.
async fn crossed(run: &Scenario, network: &Network, height: u64) {
    for index in TOLD {
        let node = &network.nodes[index];
        for (block, version) in [(height - 1, "0x00000001"), (height, "0x00000002")] {
            let header =
                node.ask("eth_getBlockByNumber", json!([format!("{block:#x}"), false])).await.expect("a block");
            assert!(header["extraData"].as_str().expect("text").starts_with(version), "block {block}: {header}");
        }
        let protocol = node.ask("esker_protocol", json!([])).await.expect("an answer");
        assert_eq!((&protocol["version"], &protocol["next"]), (&json!("0x2"), &Value::Null));
    }
    run.says(format_args!("block {height} is the first of version 2 on every node that was told"));
}

/// A node whose table has a version that its program does not know runs up to it.
async fn too_old(run: &Scenario, network: &mut Network) {
    let node = &mut network.nodes[4];
    assert_eq!(node.terminate().await.code(), Some(0));
    let path = node.home.join("genesis.json");
    let mut genesis: Value = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
    let height = network.head(&[0, 1, 2, 3]).await + 10;
    genesis["config"]["upgrades"]["3"] = json!(height);
    std::fs::write(&path, genesis.to_string()).expect("writable");
    let node = &mut network.nodes[4];
    let since = node.log_len();
    node.start();
    let words = format!("protocol version 3 begins at block {height}, and this program knows versions up to 2");
    stops_saying(node, since, &["this program is too old for an upgrade that comes", &words]).await;
    // Started again, it says so at once, and has lost nothing.
    let since = node.log_len();
    node.start();
    stops_saying(node, since, &[&words]).await;
    upgrade(&node.home, &["--version", "3", "--remove"]);
    node.start();
    node.answers().await;
    network.reach(&[4], height + 2).await;
    run.says(format_args!(
        "a program that is too old for block {height} stopped before it, and a newer plan lets it go on"
    ));
}
