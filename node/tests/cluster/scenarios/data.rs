//! Nodes that lose what they had written.

use crate::history::one_history;
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::scenario::{Scenario, scenario, until};

/// Asserts that the network goes on when a node is needed for it, since another one is killed; that one comes back.
async fn is_needed(run: &Scenario, network: &mut Network, index: usize, other: usize) {
    network.nodes[other].kill();
    let rest = network.but(&[other]);
    let head = network.progress(&rest, 4).await;
    run.says(format_args!("node{other} killed; with node{index}, three go on, at block {head}"));
    network.nodes[other].start();
    network.answer().await;
    network.progress(&network.all(), 1).await;
}

#[test]
fn wiped() {
    scenario("wiped", async |run| {
        let mut network = Network::start(run, &Plan::default()).await;
        let load = Load::transfers(&network, &[0, 1]);
        network.progress(&network.all(), 8).await;

        let victim = run.between(0, 3) as usize;
        let other = (victim + 1) % 4;
        network.nodes[victim].kill();
        std::fs::remove_dir_all(network.nodes[victim].home.join("data")).expect("it has data");
        let head = network.progress(&network.but(&[victim]), 3).await;
        network.nodes[victim].start();
        network.answer().await;
        network.reach(&network.all(), head).await;
        run.says(format_args!("node{victim} lost its data and has fetched {head} blocks"));
        is_needed(run, &mut network, victim, other).await;

        let mark = network.nodes[victim].log_len();
        network.nodes[victim].kill();
        std::fs::remove_file(network.nodes[victim].home.join("keys/sign-state.json")).expect("it has signed");
        network.nodes[victim].start();
        network.answer().await;
        let log = network.nodes[victim].log_since(mark);
        assert!(log.contains("nothing is signed until"), "{log}");
        let signs = async || {
            let state = network.nodes[victim].ask("esker_consensusState", serde_json::json!([])).await.ok()?;
            state["isSigning"].as_bool().filter(|signs| *signs)
        };
        until("it signs again", signs).await;
        run.says(format_args!("node{victim} lost the record of what it signed, and signs again"));
        is_needed(run, &mut network, victim, other).await;

        network.nodes[victim].kill();
        std::fs::remove_dir_all(network.nodes[victim].home.join("data/wal")).expect("it has a log");
        network.nodes[victim].start();
        network.answer().await;
        network.progress(&network.all(), 2).await;
        run.says(format_args!("node{victim} lost the engine's log"));
        is_needed(run, &mut network, victim, other).await;

        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}
