//! Links that are cut, slow, or lossy.

use std::time::Duration;

use crate::history::one_history;
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::relay::{GOOD, Gate, Link, Links};
use crate::scenario::{Scenario, is_full, scenario, within};

/// Asserts that these nodes stay at a height for a while.
async fn no_progress(run: &Scenario, network: &Network, time: Duration) {
    let all = network.all();
    // A decision that was under way when the links were cut may still be seen.
    let head = network.head(&all).await + 1;
    let more = within(time, async || {
        let now = network.head(&all).await;
        (now > head).then_some(now)
    })
    .await;
    assert_eq!(more, None, "blocks are decided without more than two thirds");
    run.says(format_args!("no progress in {} s, at block {}", time.as_secs(), network.head(&all).await));
}

#[test]
fn partition() {
    scenario("partition", async |run| {
        let mut network = Network::create(run, &Plan::default());
        let links = Links::install(run, &network).await;
        network.start_all(run).await;
        let load = Load::transfers(&network, &[0, 1]);
        let lasts = Duration::from_secs(if is_full() { 60 } else { 3 });
        let rounds = if is_full() { 4 } else { 1 };
        for gate in (0..rounds).flat_map(|_| [Gate::Silent, Gate::Closed]) {
            let one = run.between(1, 3) as usize;
            links.split(&[0, one], gate);
            run.says(format_args!("2|2: node0 and node{one} are cut off from the others ({gate:?})"));
            no_progress(run, &network, lasts).await;
            links.heal();
            let head = network.progress(&network.all(), 4).await;
            run.says(format_args!("healed: all go on, at block {head}"));

            let alone = run.between(0, 3) as usize;
            links.split(&[alone], gate);
            let before = network.nodes[alone].height().await.expect("it answers");
            let head = network.progress(&network.but(&[alone]), if is_full() { 50 } else { 6 }).await;
            let stays = network.nodes[alone].height().await.expect("it answers");
            assert!(stays <= before + 1, "node{alone} went on alone, from {before} to {stays}");
            run.says(format_args!("3|1: node{alone} is alone at block {stays}; the others go on, at block {head}"));
            links.heal();
            network.reach(&network.all(), head).await;
            let head = network.progress(&network.all(), 4).await;
            run.says(format_args!("healed: node{alone} has caught up, at block {head}"));
        }
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}

#[test]
fn slow_links() {
    scenario("slow-links", async |run| {
        let mut network = Network::create(run, &Plan::default());
        let links = Links::install(run, &network).await;
        network.start_all(run).await;
        let load = Load::transfers(&network, &[0, 1]);
        let ms = Duration::from_millis;
        let slow = Link { delay: ms(50), jitter: ms(200), bandwidth: Some(125_000), ..GOOD };
        let kinds = [
            ("150 ms, give or take 100 ms, and 1 Mbit/s", slow),
            ("2 of 100 chunks pause the link for 0.4 s", Link { pauses: Some((20, ms(400))), ..GOOD }),
            ("both", Link { pauses: Some((20, ms(400))), ..slow }),
        ];
        let blocks = if is_full() { 100 } else { 4 };
        for (name, link) in kinds {
            links.set(|_, _| link);
            let head = network.progress(&network.all(), blocks).await;
            run.says(format_args!("all links: {name}: {blocks} blocks more, at block {head}"));
        }
        let worst = run.between(0, 3) as usize;
        let far = Link { delay: ms(1_500), ..slow };
        links.set(|from, to| if from == worst || to == worst { far } else { GOOD });
        let head = network.progress(&network.but(&[worst]), 2 * blocks).await;
        run.says(format_args!("node{worst} is 1.5 s and more away: the others go on, at block {head}"));
        network.reach(&network.all(), head).await;
        links.heal();
        network.progress(&network.all(), 2).await;
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}
