//! Whether nodes hold one history, with everything in it that was acknowledged.

use serde_json::{Value, json};

use crate::load::Ack;
use crate::node::{Node, number};
use crate::scenario::{Scenario, until};

/// What is known of a history that all nodes share.
pub struct History {
    /// The timestamps of all its blocks, from block 0 on.
    pub timestamps: Vec<u64>,
    /// Who proposed them.
    pub beneficiaries: Vec<String>,
    /// Blocks that took more than one round.
    pub late: u64,
    /// The largest round in which a block was decided.
    pub round_max: u64,
}

async fn ask(node: &Node, method: &str, params: Value) -> Value {
    // A node under load may be slow once.
    until(format_args!("node{} answers {method} {params}", node.index), async || {
        node.ask(method, params.clone()).await.ok()
    })
    .await
}

async fn block(node: &Node, number: u64) -> Value {
    ask(node, "eth_getBlockByNumber", json!([format!("{number:#x}"), false])).await
}

/// Asserts that all these nodes hold the same blocks and states up to the highest block that any of them has now, that
/// each of them gives the same receipts for all that was acknowledged, and that none of them holds evidence against
/// anybody.
pub async fn one_history(scenario: &Scenario, nodes: &[&Node], acks: &[Ack]) -> History {
    for node in nodes {
        let evidence = node.evidence();
        assert!(evidence.is_empty(), "node{} has evidence against honest validators: {evidence:?}", node.index);
    }
    one_history_with_liars(scenario, nodes, acks).await
}

/// As [`one_history`], where there may be evidence.
pub async fn one_history_with_liars(scenario: &Scenario, nodes: &[&Node], acks: &[Ack]) -> History {
    let mut head = acks.iter().map(|ack| ack.number).max().unwrap_or(0);
    for node in nodes {
        head = head.max(number(&ask(node, "eth_blockNumber", json!([])).await).expect("a number"));
    }
    for node in nodes {
        let what = format!("node{} has block {head}", node.index);
        until(what, async || node.height().await.filter(|height| *height >= head)).await;
    }
    let (first, others) = nodes.split_first().expect("nodes to compare");
    let mut history = History { timestamps: Vec::new(), beneficiaries: Vec::new(), late: 0, round_max: 0 };
    for height in 0..=head {
        let expected = block(first, height).await;
        assert!(expected["hash"].is_string(), "node{} has no block {height}", first.index);
        for node in others {
            let found = block(node, height).await;
            for member in ["hash", "stateRoot", "receiptsRoot", "transactionsRoot", "gasUsed"] {
                assert_eq!(
                    (member, height, &found[member]),
                    (member, height, &expected[member]),
                    "node{} and node{} hold different histories",
                    first.index,
                    node.index
                );
            }
        }
        let timestamp = number(&expected["timestamp"]).expect("a number");
        assert!(history.timestamps.last().is_none_or(|last| *last <= timestamp), "time runs backwards at {height}");
        history.timestamps.push(timestamp);
        history.beneficiaries.push(expected["miner"].as_str().expect("an address").to_owned());
        if height > 0 {
            let certificate = ask(first, "esker_getCertificate", json!([format!("{height:#x}")])).await;
            assert_eq!(certificate["blockHash"], expected["hash"], "the certificate of block {height}");
            let round = certificate["round"].as_u64().expect("a round");
            history.late += u64::from(round > 0);
            history.round_max = history.round_max.max(round);
        }
    }
    for ack in acks {
        for node in nodes {
            let receipt = ask(node, "eth_getTransactionReceipt", json!([ack.hash])).await;
            assert_eq!(
                (&receipt["blockHash"], number(&receipt["blockNumber"])),
                (&json!(ack.block), Some(ack.number)),
                "transaction {} was acknowledged in block {}, and node{} says otherwise: {receipt}",
                ack.hash,
                ack.number,
                node.index
            );
        }
    }
    scenario.says(format_args!(
        "one history of {head} blocks on {} nodes, {} of them in a later round (at most {}); all {} acknowledged \
         transactions are in it",
        nodes.len(),
        history.late,
        history.round_max,
        acks.len()
    ));
    history
}
