//! Many blocks.

use crate::history::one_history;
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::scenario::{is_full, scenario, until};

/// Blocks of the whole run.
const BLOCKS: u64 = 10_000;
/// Of the whole run, after so many blocks memory and disk are looked at.
const SAMPLE: u64 = 1_000;
/// Resident memory of a node may be so much at any time.
const MEMORY_MAX: u64 = 768 << 20;
/// From the second sample on it may grow by so much.
const MEMORY_GROWTH_MAX: u64 = 160 << 20;
/// A block, with some transfers in it, may take so much of the disk for good; and so much is there anyway.
const DISK_PER_BLOCK_MAX: u64 = 64 << 10;
const DISK_BASE: u64 = 64 << 20;

#[test]
fn long_run() {
    let (blocks, sample) = if is_full() { (BLOCKS, SAMPLE) } else { (60, 20) };
    scenario("long-run", async |run| {
        let mut network = Network::create(run, &Plan { block_time: "50ms", ..Plan::default() });
        // The store's cache fills with the chain up to its bound: with a small one, what still grows is something else.
        for node in &network.nodes {
            node.configure(|config| config.cache_mib = 8);
        }
        network.start_all(run).await;
        let load = Load::transfers(&network, &[0, 1]);
        let mut early: Option<Vec<u64>> = None;
        let mut next = sample;
        while next <= blocks {
            for node in &network.nodes {
                // Longer than anything else may take.
                until_reached(node, next).await;
            }
            let memory: Vec<u64> = network.nodes.iter().map(crate::node::Node::memory).collect();
            let disk: Vec<u64> = network.nodes.iter().map(crate::node::Node::disk).collect();
            let mib =
                |values: &[u64]| values.iter().map(|value| (value >> 20).to_string()).collect::<Vec<_>>().join(" ");
            run.says(format_args!("block {next}: memory {} MiB, disk {} MiB", mib(&memory), mib(&disk)));
            assert!(memory.iter().all(|bytes| *bytes < MEMORY_MAX), "too much memory");
            if next >= 2 * sample {
                let early = early.get_or_insert_with(|| memory.clone());
                let grown = memory.iter().zip(&*early).map(|(now, then)| now.saturating_sub(*then)).max();
                assert!(grown < Some(MEMORY_GROWTH_MAX), "memory grows with the chain");
            }
            let bound = DISK_BASE + next * DISK_PER_BLOCK_MAX;
            assert!(disk.iter().all(|bytes| *bytes < bound), "more than {bound} bytes on the disk");
            next += sample;
        }
        for node in &mut network.nodes {
            assert_eq!(node.terminate().await.code(), Some(0));
        }
        network.start_all(run).await;
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}

/// Returns when the node has the block; only a network that stands still is given up.
async fn until_reached(node: &crate::node::Node, number: u64) {
    let mut height = node.height().await.unwrap_or(0);
    while height < number {
        height = until(format_args!("node{} is past block {height}", node.index), async || {
            node.height().await.filter(|now| *now > height)
        })
        .await;
    }
}
