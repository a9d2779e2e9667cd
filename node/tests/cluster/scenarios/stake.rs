//! Validators whose power follows the stake.

use alloy_primitives::{Address, Bytes, TxKind, U256, hex, keccak256};
use esker_runtime::staking::STAKING_ADDRESS;
use serde_json::{Value, json};

use crate::history::one_history;
use crate::load::{Action, Load, signed, signer, summary};
use crate::network::{Network, Plan};
use crate::node::number;
use crate::scenario::{is_full, scenario, until};

/// Wei of a coin, which is one unit of power.
const COIN: u64 = 1_000_000_000_000_000_000;
/// What each account stakes, in coins.
pub(super) const COINS: u64 = 15;

/// Puts coins into a validator, or takes them out.
pub(super) fn stake(method: &str, validator: Address, coins: u64, value: u64) -> Action {
    let words = [validator.into_word(), (U256::from(coins) * U256::from(COIN)).into()];
    let count = method.matches(',').count() + 1;
    let input = [&keccak256(method)[..4], &words[..count].concat()].concat();
    Action { to: TxKind::Call(STAKING_ADDRESS), value: value * COIN, input: Bytes::from(input), gas: 1_000_000 }
}

fn power(validators: &Value, address: Address) -> Option<u64> {
    let list = validators["validators"].as_array()?;
    let entry = list.iter().find(|entry| entry["address"] == json!(address))?;
    number(&entry["power"])
}

/// An account that stakes.
pub(super) struct Sender {
    pub(super) account: usize,
    pub(super) nonce: u64,
}

impl Sender {
    pub(super) async fn send(&mut self, network: &Network, action: Action) {
        let raw = hex::encode_prefixed(signed(&signer(self.account), self.nonce, action));
        self.nonce += 1;
        let node = &network.nodes[self.account % network.nodes.len()];
        node.ask("eth_sendRawTransaction", json!([raw])).await.expect("accepted");
    }
}

/// Returns when every node says that the validator has this power.
async fn has_power(network: &Network, validator: Address, expected: Option<u64>) {
    for node in &network.nodes {
        until(format_args!("node{} gives {validator} {expected:?}", node.index), async || {
            let validators = node.ask("esker_validators", json!([])).await.ok()?;
            (power(&validators, validator) == expected).then_some(())
        })
        .await;
    }
}

#[test]
fn stake_moves() {
    scenario("stake-moves", async |run| {
        let plan = Plan { more: &["--epoch-length", "15"], ..Plan::default() };
        let network = Network::start(run, &plan).await;
        let load = Load::transfers(&network, &[0, 1]);
        let state = network.nodes[1].ask("esker_consensusState", json!([])).await.expect("an answer");
        let validator: Address = serde_json::from_value(state["validator"].clone()).expect("it validates");
        has_power(&network, validator, Some(100)).await;
        let mut senders: Vec<Sender> = (2..9).map(|account| Sender { account, nonce: 0 }).collect();
        for round in 0..if is_full() { 10 } else { 1 } {
            for sender in &mut senders {
                sender.send(&network, stake("delegate(address)", validator, COINS, COINS)).await;
                sender.send(&network, stake("undelegate(address,uint256)", validator, COINS, 0)).await;
            }
            network.progress(&network.all(), 20).await;
            has_power(&network, validator, Some(100)).await;
            run.says(format_args!("round {round}: what came and went within an epoch has changed nothing"));
        }
        for sender in &mut senders {
            sender.send(&network, stake("delegate(address)", validator, COINS, COINS)).await;
        }
        // Seven delegations: half of the stake that there was, in one epoch.
        has_power(&network, validator, Some(205)).await;
        let head = network.progress(&network.all(), 30).await;
        run.says(format_args!("seven delegations: node1 has 205 of 505 on every node, at block {head}"));
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}
