//! Nodes that stop, and come back.

use std::time::Duration;

use crate::history::one_history;
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::pace::Pace;
use crate::scenario::{is_full, scenario, until, within};

#[test]
fn fail_stop() {
    scenario("fail-stop", async |run| {
        let mut network = Network::start(run, &Plan::default()).await;
        let load = Load::transfers(&network, &[0, 1]);
        let victim = run.between(0, 3) as usize;
        network.nodes[victim].kill();
        let rest = network.but(&[victim]);
        let head = network.progress(&rest, 6).await;
        run.says(format_args!("node{victim} killed; the others go on, at block {head}"));

        let second = rest[run.between(0, 2) as usize];
        network.nodes[second].kill();
        let rest = network.but(&[victim, second]);
        // What was decided at the moment of the kill may still arrive; after that there can be no more blocks.
        let head = network.head(&rest).await;
        network.reach(&rest, head).await;
        let quiet = Duration::from_secs(if is_full() { 30 } else { 3 });
        let mut blocks = 0;
        let more = within(quiet, async || {
            blocks = network.head(&rest).await.saturating_sub(head);
            (blocks > 1).then_some(blocks)
        })
        .await;
        assert_eq!(more, None, "two of four go on alone");
        run.says(format_args!(
            "node{second} killed too; in {} s no progress, at block {}",
            quiet.as_secs(),
            head + blocks
        ));

        network.nodes[second].start();
        network.answer().await;
        let three = network.but(&[victim]);
        let head = network.progress(&three, 5).await;
        run.says(format_args!("node{second} is back; three go on, at block {head}"));
        network.nodes[victim].start();
        network.answer().await;
        let head = network.progress(&network.all(), 5).await;
        run.says(format_args!("node{victim} is back and has caught up, at block {head}"));
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}

#[test]
fn fail_recover() {
    scenario("fail-recover", async |run| {
        let mut network = Network::start(run, &Plan::default()).await;
        let load = Load::transfers(&network, &[0, 1, 2, 3]);
        let kills = if is_full() { 60 } else { 6 };
        for count in 1..=kills {
            let victim = run.between(0, 3) as usize;
            // The instant is random within some blocks, and the pause as well.
            tokio::time::sleep(Duration::from_millis(run.between(0, 700))).await;
            network.nodes[victim].kill();
            let killed_at = load.count();
            tokio::time::sleep(Duration::from_millis(run.between(0, 700))).await;
            network.nodes[victim].start();
            if run.between(0, 1) == 0 {
                // Every other time it may catch up before the next one falls.
                network.answer().await;
                network.progress(&network.all(), 1).await;
            }
            run.says(format_args!("kill {count} of {kills}: node{victim}, after {killed_at} receipts"));
        }
        let kills_of_all = if is_full() { 10 } else { 2 };
        for count in 1..=kills_of_all {
            network.answer().await;
            let before = load.count();
            until("the load goes on", async || (load.count() > before + 4).then_some(())).await;
            tokio::time::sleep(Duration::from_millis(run.between(0, 400))).await;
            for node in &mut network.nodes {
                node.kill();
            }
            run.says(format_args!(
                "all four killed at once, {count} of {kills_of_all}, after {} receipts",
                load.count()
            ));
            network.start_all(run).await;
        }
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}

#[test]
fn rolling_restart() {
    scenario("rolling-restart", async |run| {
        let mut network = Network::start(run, &Plan::default()).await;
        let load = Load::transfers(&network, &[0, 1, 2, 3]);
        network.progress(&network.all(), 3).await;
        let pace = Pace::watch(&network);
        let (rounds, mut longest) = (if is_full() { 5 } else { 1 }, Duration::ZERO);
        for index in (0..rounds).flat_map(|_| 0..4) {
            let status = network.nodes[index].terminate().await;
            assert_eq!(status.code(), Some(0), "node{index} was told to end");
            let rest = network.but(&[index]);
            network.progress(&rest, 2).await;
            network.nodes[index].start();
            network.nodes[index].answers().await;
            let head = network.progress(&network.all(), 2).await;
            let gap = pace.longest_gap();
            longest = longest.max(gap);
            run.says(format_args!(
                "node{index} ended with 0, started again and has caught up, at block {head}; longest gap between \
                 blocks {:.2} s",
                gap.as_secs_f64()
            ));
        }
        drop(pace);
        let acks = load.stop().await;
        run.says(summary(&acks));
        let history = one_history(run, &network.some(&network.all()), &acks).await;
        // One node that is away costs one round where it should propose; more would be an agreement that was missed.
        assert!(history.round_max <= 3, "a block took {} rounds", history.round_max + 1);
        assert!(longest < Duration::from_secs(30), "{longest:?} without a block");
    });
}
