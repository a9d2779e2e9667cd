//! Nodes that do not vote.

use serde_json::{Value, json};

use crate::history::one_history;
use crate::load::{Action, Load, signed, signer, summary};
use crate::network::{Network, Plan};
use crate::scenario::{scenario, until};

#[test]
fn full_node() {
    scenario("full-node", async |run| {
        let mut network = Network::create(run, &Plan { full_nodes: 1, ..Plan::default() });
        let follower = 4;
        for node in &mut network.nodes[..follower] {
            node.start();
        }
        network.answer().await;
        let load = Load::transfers(&network, &[0, 1]);
        let head = network.progress(&network.but(&[follower]), 10).await;
        network.nodes[follower].start();
        network.nodes[follower].answers().await;
        network.reach(&network.all(), head).await;
        run.says(format_args!("a full node joined at block {head} and has caught up"));

        let state = network.nodes[follower].ask("esker_consensusState", json!([])).await.expect("an answer");
        assert_eq!((&state["isValidator"], &state["validator"]), (&json!(false), &Value::Null), "{state}");
        // A transaction that only the follower knows gets into a block, which validators build.
        let to = signer(8).address();
        let raw = signed(&signer(9), 0, Action::transfer(to, 1));
        let hash = network.nodes[follower].ask("eth_sendRawTransaction", json!([hex(&raw)])).await.expect("accepted");
        for node in &network.nodes {
            let what = format!("node{} has the receipt of the follower's transaction", node.index);
            let receipt = until(what, async || {
                let receipt = node.ask("eth_getTransactionReceipt", json!([hash])).await.ok()?;
                receipt.is_object().then_some(receipt)
            })
            .await;
            assert_eq!(receipt["status"], "0x1");
        }
        run.says("a transaction sent to the full node is in a block");

        network.nodes[follower].kill();
        network.progress(&network.but(&[follower]), 5).await;
        network.nodes[follower].start();
        network.answer().await;
        network.progress(&network.all(), 2).await;
        run.says("the full node was killed, started again and has caught up");
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}

fn hex(raw: &[u8]) -> String {
    alloy_primitives::hex::encode_prefixed(raw)
}
