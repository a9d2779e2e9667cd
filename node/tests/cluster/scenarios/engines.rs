//! Nodes that run contracts on different engines.

use std::sync::Arc;

use alloy_dyn_abi::{DynSolValue, JsonAbiExt};
use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use serde_json::Value;

use crate::history::one_history;
use crate::load::{Ack, Action, Load, signer, summary};
use crate::network::{Network, Plan};
use crate::scenario::{Scenario, is_full, scenario, until};

/// A contract whose bytes are part of the repository.
pub(super) struct Artifact {
    abi: JsonAbi,
    bytecode: Bytes,
}

impl Artifact {
    pub(super) fn read(name: &str) -> Self {
        let path = format!("{}/../tests/vectors/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let artifact: Value = serde_json::from_str(&text).expect("an artifact is JSON");
        let bytecode = serde_json::from_value(artifact["bytecode"].clone()).expect("it has bytecode");
        Self { abi: serde_json::from_value(artifact["abi"].clone()).expect("it has an ABI"), bytecode }
    }

    pub(super) fn deploy(&self, arguments: &[DynSolValue]) -> Action {
        let constructor = self.abi.constructor.as_ref().expect("it has a constructor");
        let arguments = constructor.abi_encode_input(arguments).expect("they fit");
        let input = [self.bytecode.as_ref(), &arguments].concat().into();
        Action { to: TxKind::Create, value: 0, input, gas: 9_000_000 }
    }

    pub(super) fn call(&self, to: Address, method: &str, arguments: &[DynSolValue], gas: u64) -> Action {
        let function = &self.abi.function(method).expect("it has the method")[0];
        let input = function.abi_encode_input(arguments).expect("they fit").into();
        Action { to: TxKind::Call(to), value: 0, input, gas }
    }
}

pub(super) fn text(text: &str) -> DynSolValue {
    DynSolValue::String(text.to_owned())
}

pub(super) fn uint(value: u64) -> DynSolValue {
    DynSolValue::Uint(U256::from(value), 256)
}

/// Deploys contracts one after the other, and says where they are.
pub(super) async fn deployed(network: &Network, deployments: Vec<Action>) -> Vec<Ack> {
    let count = deployments.len();
    let load = Load::start(network, &[0], 1, Arc::new(move |_, sent| deployments[sent as usize % count].clone()));
    until("the contracts are deployed", async || (load.count() >= count).then_some(())).await;
    load.stop().await
}

#[test]
fn mixed_engines() {
    scenario("mixed-engines", async |run| {
        let more = &["--engine-of", "3=pulley", "--gas-limit", "10000000"];
        let mut network = Network::start(run, &Plan { more, block_time: "500ms", ..Plan::default() }).await;
        run.says("node3 interprets, the others compile");
        contracts(run, &mut network).await;
    });
}

/// Transfers of tokens, minting, approvals, calls that revert, and plain transfers, on all sample contracts.
async fn contracts(run: &mut Scenario, network: &mut Network) {
    let (erc20, erc721) = (Artifact::read("Erc20"), Artifact::read("Erc721"));
    let coins = erc20.deploy(&[text("Gold"), text("GLD"), uint(1_000_000)]);
    let art = erc721.deploy(&[text("Gallery"), text("ART")]);
    let mut acks = deployed(network, vec![coins, art]).await;
    let (gold, gallery) = (acks[0].contract.expect("a contract"), acks[1].contract.expect("a contract"));
    run.says(format_args!("ERC-20 at {gold}, ERC-721 at {gallery}"));

    let addresses: Vec<Address> = (0..4).map(|account| signer(account).address()).collect();
    let actions = move |account: usize, count: u64| {
        let other = DynSolValue::Address(addresses[(account + 1) % 4]);
        match (account, count % 4) {
            // Account 0 has all the gold at first; the others have what they were given, and revert without.
            (_, 0) => erc20.call(gold, "transfer", &[other, uint(10 + count)], 200_000),
            // Only account 0 may mint.
            (0, 1) => erc721.call(gallery, "mint", &[other, uint(count)], 400_000),
            (_, 1) => erc721.call(gallery, "setApprovalForAll", &[other, DynSolValue::Bool(count % 8 == 1)], 200_000),
            (_, 2) => erc20.call(gold, "approve", &[other, uint(count)], 200_000),
            _ => Action::transfer(Address::from_word(keccak256(count.to_be_bytes())), 1),
        }
    };
    let load = Load::start(network, &[0, 1, 2, 3], 4, Arc::new(actions));
    let wanted = if is_full() { 2_000 } else { 60 };
    until("the load is done", async || (load.count() >= wanted).then_some(())).await;
    // The interpreter is in the majority that is needed, and then has to catch up.
    network.nodes[0].kill();
    let head = network.progress(&network.but(&[0]), 3).await;
    run.says(format_args!("node0 killed; with the interpreter, three go on, at block {head}"));
    network.nodes[0].start();
    network.nodes[3].kill();
    network.answer().await;
    let head = network.progress(&network.but(&[3]), 5).await;
    network.nodes[3].start();
    network.answer().await;
    network.reach(&network.all(), head).await;
    run.says(format_args!("the interpreter was away and has caught up, at block {head}"));
    acks.extend(load.stop().await);
    let reverted = acks.iter().filter(|ack| !ack.succeeded).count();
    run.says(format_args!("{}; {reverted} of them reverted", summary(&acks)));
    assert!(reverted * 2 < acks.len(), "most calls do what they should");
    one_history(run, &network.some(&network.all()), &acks).await;
}
