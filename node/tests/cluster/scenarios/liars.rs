//! Validators that break the rules.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::byzantine::{self, LIES, Misdeed};
use crate::history::{one_history, one_history_with_liars};
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::node::{Node, tail};
use crate::scenario::{Scenario, is_full, scenario, until};

/// Resident memory of an honest node may be so much, whatever a liar does.
const MEMORY_MAX: u64 = 768 << 20;

/// Three honest validators and a fourth that does this.
async fn with_liar(run: &Scenario, misdeed: Misdeed) -> Network {
    let mut network = Network::create(run, &Plan::default());
    for node in &mut network.nodes[..3] {
        node.start();
    }
    byzantine::start(&mut network.nodes[3], misdeed);
    network.answer().await;
    network.progress(&[0, 1, 2], 2).await;
    run.says(format_args!("three are honest; node3 is not: {misdeed:?}"));
    network
}

/// Asserts that no honest node has grown without bound.
fn memory_is_bounded(run: &Scenario, nodes: &[&Node]) {
    let memory: Vec<u64> = nodes.iter().map(|node| node.memory() >> 20).collect();
    run.says(format_args!("memory of the honest nodes, in MiB: {memory:?}"));
    assert!(memory.iter().all(|mib| *mib < MEMORY_MAX >> 20), "too much memory");
}

#[test]
fn lies() {
    scenario("lies", async |run| {
        let network = with_liar(run, Misdeed::Lie).await;
        let load = Load::transfers(&network, &[0, 1]);
        let times = if is_full() { 10 } else { 1 };
        let told = |lie| network.nodes[3].log_since(0).matches(&format!("lie {lie:?} at")).count();
        for (times, lie) in (1..=times).flat_map(|times| LIES.map(|lie| (times, lie))) {
            until(format_args!("{lie:?} is told {times} times"), async || (told(lie) >= times).then_some(())).await;
        }
        network.progress(&[0, 1, 2], 3).await;
        let acks = load.stop().await;
        run.says(format_args!("all {} lies were told; {}", LIES.len(), summary(&acks)));
        let honest = network.some(&[0, 1, 2]);
        let history = one_history(run, &honest, &acks).await;
        let log = network.nodes[3].log_since(0);
        let hashes: Vec<&str> =
            log.lines().filter(|line| line.starts_with("lie ")).filter_map(|line| line.split(": ").nth(1)).collect();
        assert!(hashes.len() >= LIES.len(), "{log}");
        for hash in hashes {
            let block = honest[0].ask("eth_getBlockByHash", json!([hash, false])).await.expect("an answer");
            assert!(block.is_null(), "a lie became a block: {block}");
        }
        let mut reasons = std::collections::BTreeSet::new();
        for node in &honest {
            let log = node.log_since(0);
            let invalid =
                log.lines().filter_map(|line| line.split_once("a proposed block is invalid")?.1.split_once("reason="));
            reasons.extend(invalid.map(|(_, reason)| reason.chars().take(60).collect::<String>()));
            assert!(log.contains("a block from the future"), "node{} took the hour for granted", node.index);
        }
        run.says(format_args!("what honest nodes found wrong: {reasons:#?}"));
        assert!(reasons.len() >= 8, "honest nodes saw the lies");
        assert!(history.timestamps.last() < Some(&(history.timestamps[1] + 3_000)), "an hour passed at once");
        memory_is_bounded(run, &honest);
    });
}

#[test]
fn withheld_bodies() {
    scenario("withheld-bodies", async |run| {
        let network = with_liar(run, Misdeed::Withhold).await;
        let load = Load::transfers(&network, &[0, 1]);
        let times = if is_full() { 40 } else { 2 };
        for what in ["withholds the body", "withholds the word"] {
            let told = || network.nodes[3].log_since(0).matches(what).count();
            for times in 1..=times {
                until(format_args!("it {what} {times} times"), async || (told() >= times).then_some(())).await;
            }
        }
        network.progress(&[0, 1, 2], 3).await;
        let acks = load.stop().await;
        run.says(summary(&acks));
        let honest = network.some(&[0, 1, 2]);
        one_history(run, &honest, &acks).await;
        memory_is_bounded(run, &honest);
    });
}

#[test]
fn garbled_messages() {
    scenario("garbled-messages", async |run| {
        let mut network = with_liar(run, Misdeed::Garble).await;
        let load = Load::transfers(&network, &[0, 1]);
        network.progress(&[0, 1, 2], if is_full() { 500 } else { 20 }).await;
        // Somebody who has to fetch blocks gets them damaged too, from that one.
        network.nodes[0].kill();
        std::fs::remove_dir_all(network.nodes[0].home.join("data")).expect("it has data");
        network.nodes[0].start();
        network.answer().await;
        let head = network.progress(&[0, 1, 2], 3).await;
        run.says(format_args!("node0 was wiped and has caught up, at block {head}"));
        let acks = load.stop().await;
        run.says(summary(&acks));
        let honest = network.some(&[0, 1, 2]);
        one_history_with_liars(run, &honest, &acks).await;
        memory_is_bounded(run, &honest);
    });
}

/// How the second machine with a key is started.
const AS_TWIN: [&str; 3] = ["--clock-offset", "1", "--sign-now"];
/// The second machine is started again when the two have agreed for so long.
const AGAIN_AFTER: Duration = Duration::from_secs(4);

#[test]
fn equivocation() {
    scenario("equivocation", async |run| {
        // The same key on two machines whose clocks differ: both propose, and vote for what they proposed.
        let mut network = Network::start(run, &Plan { full_nodes: 1, ..Plan::default() }).await;
        let (victim, twin) = (3, 4);
        assert_eq!(network.nodes[twin].terminate().await.code(), Some(0));
        network.share_keys(victim, twin);
        network.nodes[twin].start_with(&AS_TWIN);
        network.answer().await;
        run.says("node4 runs with the key of node3, its clock one second ahead");

        let load = Load::transfers(&network, &[0, 1]);
        let honest = [0, 1, 2];
        let state = network.nodes[victim].ask("esker_consensusState", json!([])).await.expect("an answer");
        let culprit = state["validator"].as_str().expect("an address").trim_start_matches("0x").to_lowercase();
        // A node that learns that its key signs elsewhere stops, and says so. Whoever starts it again goes on lying.
        let (mut stops, mut tried) = (0, Instant::now());
        until("a node has evidence, and a machine with the key has stopped", async || {
            for index in [victim, twin] {
                if network.nodes[index].has_ended() {
                    let log = network.nodes[index].log_since(0);
                    assert!(log.contains("runs on another machine too"), "{}", tail(&network.nodes[index].log()));
                    assert_eq!(network.nodes[index].exit().await.code(), Some(3));
                    stops += 1;
                    network.nodes[index].start_with(if index == twin { &AS_TWIN } else { &[] });
                }
            }
            if tried.elapsed() > AGAIN_AFTER && network.nodes[twin].is_running() {
                // Two that keep step vote alike: only now and then do they come to say different things.
                tried = Instant::now();
                network.nodes[twin].kill();
                network.nodes[twin].start_with(&AS_TWIN);
            }
            // The others may have decided before the second message came.
            let has_evidence = network.nodes.iter().any(|node| !node.evidence().is_empty());
            (stops > 0 && has_evidence).then_some(())
        })
        .await;
        run.says(format_args!("a node whose key signs elsewhere has stopped {stops} times"));
        network.progress(&honest, 5).await;
        let acks = load.stop().await;
        run.says(summary(&acks));
        for index in honest {
            let evidence = network.nodes[index].evidence();
            run.says(format_args!("node{index} keeps {} pieces of evidence", evidence.len()));
            for name in evidence {
                assert!(name.contains(&culprit), "{name} is not about {culprit}");
            }
        }
        let honest = network.some(&honest);
        one_history_with_liars(run, &honest, &acks).await;
        memory_is_bounded(run, &honest);
    });
}
