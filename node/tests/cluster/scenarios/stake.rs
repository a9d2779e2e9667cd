//! Validators whose power follows the stake.

use alloy_primitives::{Address, TxKind, U256, hex};
use alloy_sol_types::SolCall;
use esker::staking::Staking;
use esker::staking::Staking::{delegateCall, redelegateCall, undelegateCall};
use esker_runtime::staking::STAKING_ADDRESS;
use serde_json::{Value, json};

use crate::history::one_history;
use crate::load::{Action, Load, signed, signer, summary};
use crate::network::{Network, Plan};
use crate::node::{Node, number};
use crate::scenario::{is_full, scenario, until};

/// Wei of a coin, which is one unit of power.
pub const COIN: u128 = 1_000_000_000_000_000_000;
/// What each account stakes, in coins. There are seven, and 400 coins are staked from the start.
pub const COINS: u128 = 60;
/// The accounts that stake.
const STAKERS: std::ops::Range<usize> = 2..9;

/// Calls the staking contract with so many coins.
pub fn stake(call: &impl SolCall, coins: u128) -> Action {
    Action { to: TxKind::Call(STAKING_ADDRESS), value: coins * COIN, input: call.abi_encode().into(), gas: 1_000_000 }
}

/// The power that an answer of `esker_validators` gives somebody.
pub fn power(validators: &Value, address: Address) -> Option<u64> {
    let list = validators["validators"].as_array()?;
    let entry = list.iter().find(|entry| entry["address"] == json!(address))?;
    number(&entry["power"])
}

/// What the contract of a node's head says of a validator.
pub async fn validator(node: &Node, operator: Address) -> Staking::ValidatorInfo {
    let input = Staking::validatorCall { operator }.abi_encode();
    let call = json!({"to": STAKING_ADDRESS, "input": hex::encode_prefixed(input)});
    let answer = node.ask("eth_call", json!([call, "latest"])).await.expect("an answer");
    let output = hex::decode(answer.as_str().expect("text")).expect("digits");
    Staking::validatorCall::abi_decode_returns(&output).expect("the contract's answer")
}

/// An account that stakes.
pub struct Sender {
    pub account: usize,
    pub nonce: u64,
}

impl Sender {
    pub async fn send(&mut self, network: &Network, action: Action) {
        let raw = hex::encode_prefixed(signed(&signer(self.account), self.nonce, action));
        self.nonce += 1;
        let node = &network.nodes[self.account % 4];
        node.ask("eth_sendRawTransaction", json!([raw])).await.expect("accepted");
    }
}

/// Returns when every validator's node says that the validator has this power.
async fn has_power(network: &Network, validator: Address, expected: u64) {
    for node in &network.nodes[..4] {
        until(format_args!("node{} gives {validator} {expected}", node.index), async || {
            let validators = node.ask("esker_validators", json!([])).await.ok()?;
            (power(&validators, validator) == Some(expected)).then_some(())
        })
        .await;
    }
}

async fn address_of(network: &Network, index: usize) -> Address {
    let state = network.nodes[index].ask("esker_consensusState", json!([])).await.expect("an answer");
    serde_json::from_value(state["validator"].clone()).expect("it validates")
}

#[test]
fn stake_moves() {
    scenario("stake-moves", async |run| {
        let plan = Plan { full_nodes: 1, more: &["--epoch-length", "15"], ..Plan::default() };
        let (validators, newcomer) = ([0, 1, 2, 3], 4);
        let mut network = Network::create(run, &plan);
        for index in validators {
            network.nodes[index].start();
        }
        network.answer().await;
        let load = Load::transfers(&network, &[0, 1]);
        let (one, two) = (address_of(&network, 1).await, address_of(&network, 2).await);
        has_power(&network, one, 100).await;
        let mut senders: Vec<Sender> = STAKERS.map(|account| Sender { account, nonce: 0 }).collect();
        let amount = U256::from(COINS * COIN);
        for round in 0..if is_full() { 10 } else { 1 } {
            for sender in &mut senders {
                sender.send(&network, stake(&delegateCall { validator: one }, COINS)).await;
                sender.send(&network, stake(&undelegateCall { validator: one, amount }, 0)).await;
            }
            network.progress(&validators, 20).await;
            has_power(&network, one, 100).await;
            run.says(format_args!("round {round}: what came and went within an epoch has changed nothing"));
        }
        for sender in &mut senders {
            sender.send(&network, stake(&delegateCall { validator: one }, COINS)).await;
        }
        has_power(&network, one, 520).await;
        run.says("seven delegations: node1 has 520 of 820 on every node");
        for sender in &mut senders {
            sender.send(&network, stake(&redelegateCall { from: one, to: two, amount }, 0)).await;
        }
        has_power(&network, two, 520).await;
        has_power(&network, one, 100).await;
        let head = network.progress(&validators, 30).await;
        run.says(format_args!("half of all stake has changed hands: node2 has 520 of 820, at block {head}"));
        network.nodes[newcomer].start();
        network.answer().await;
        network.reach(&[newcomer], head).await;
        run.says("a node that was never there has followed from genesis, through all sets");
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}
