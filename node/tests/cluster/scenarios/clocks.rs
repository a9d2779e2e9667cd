//! Clocks that are wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::history::one_history;
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::scenario::{is_full, scenario};

/// A block's timestamp may be so far ahead of the clock of whoever votes for it, in seconds.
const DRIFT_MAX: u64 = 2;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

#[test]
fn clock_skew() {
    scenario("clock-skew", async |run| {
        let offsets: &[i64] = if is_full() { &[-3_600, -30, -1, 1, 2, 5, 60, 3_600] } else { &[-30, 1, 60] };
        let mut network = Network::create(run, &Plan::default());
        let mut skewed = 3;
        for node in &mut network.nodes[..3] {
            node.start();
        }
        let began = now();
        let mut seen = Vec::new();
        for offset in offsets {
            network.nodes[skewed].start_with(&["--clock-offset", &offset.to_string()]);
            network.answer().await;
            let load = Load::transfers(&network, &[0, 1]);
            let head = network.progress(&network.all(), 2).await;
            // The skewed node proposes in a quarter of all slots, so among these it does.
            let head = network.progress(&network.all(), if head < 20 { 8 } else { 6 }).await;
            let acks = load.stop().await;
            run.says(format_args!("node{skewed} with a clock {offset:+} s off: at block {head}; {}", summary(&acks)));
            seen.extend(acks);
            let status = network.nodes[skewed].terminate().await;
            assert_eq!(status.code(), Some(0));
            // The next one is another's turn.
            network.nodes[skewed].start();
            network.answer().await;
            skewed = (skewed + 1) % 4;
            let status = network.nodes[skewed].terminate().await;
            assert_eq!(status.code(), Some(0));
        }
        network.nodes[skewed].start();
        network.answer().await;
        let history = one_history(run, &network.some(&network.all()), &seen).await;
        // Block 0 says no time. No later one was ahead of the honest clocks by more than they allow.
        let times = &history.timestamps[1..];
        let (first, last) = (times[0], times[times.len() - 1]);
        assert!(first + 60 >= began, "the first block is of {first}, the network of {began}");
        assert!(last <= now() + DRIFT_MAX, "the last block is of {last}, now is {}", now());
    });
}
