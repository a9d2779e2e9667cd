//! Sending transfers: lanes side by side, each with a connection of its own to one node and senders of its own, so that
//! the nonces of each sender are in order.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use alloy_primitives::B256;

use super::http::Http;
use super::ledger::Ledger;
use super::transfers::Signed;

/// Connections that send.
pub const LANES: usize = 8;
/// Transfers that may wait for a block at a time: somewhat fewer than a node's pool holds.
pub const WINDOW: usize = 16_000;
/// Transfers of one request where as many as possible are sent,
const BATCH: usize = 100;
/// and where they are sent at a given pace.
const PACED_BATCH: usize = 10;
/// How long what was sent may take to be in a block.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection and what is left to be sent on it.
pub struct Lane<'a> {
    index: usize,
    node: usize,
    http: Http,
    transfers: &'a [Signed],
    /// What was sent, with the time at which it was.
    sent: Vec<(B256, Instant)>,
}

impl<'a> Lane<'a> {
    /// One lane for each list of transfers, to the nodes in turn.
    pub fn open(nodes: &[SocketAddr], transfers: &'a [Vec<Signed>]) -> Vec<Self> {
        let open = |(index, transfers): (usize, &'a Vec<Signed>)| {
            let node = index % nodes.len();
            let http = Http::connect(nodes[node]).expect("the node serves");
            Self { index, node, http, transfers, sent: Vec::new() }
        };
        transfers.iter().enumerate().map(open).collect()
    }

    /// Sends the next `count` transfers as one batch, which counts as sent at `at`.
    fn send(&mut self, count: usize, at: Instant) {
        let next = &self.transfers[self.sent.len()..][..count];
        send(&mut self.http, next);
        self.sent.extend(next.iter().map(|signed| (signed.hash, at)));
    }

    fn left(&self) -> usize {
        self.transfers.len() - self.sent.len()
    }

    /// Sends as fast as the node takes it and blocks take it up.
    fn saturate(&mut self, ledger: &Ledger, until: Instant) {
        while self.left() >= BATCH {
            let committed = (self.sent.len() + BATCH).saturating_sub(WINDOW / LANES);
            if !ledger.wait_for(self.index, committed, until) || Instant::now() >= until {
                return;
            }
            self.send(BATCH, Instant::now());
        }
        panic!("all signed transfers were sent: give more with TRANSFERS");
    }

    /// Sends at a pace, whatever comes of it: the time is that at which it was due.
    fn pace(&mut self, start: Instant, period: Duration, until: Instant) {
        for turn in 0u32.. {
            let due = start + period * turn + period * self.index as u32 / LANES as u32;
            if due >= until {
                return;
            }
            assert!(self.left() >= PACED_BATCH, "all signed transfers were sent: give more with TRANSFERS");
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.send(PACED_BATCH, due);
        }
    }
}

/// Sends transactions as one batch; every one must be taken.
pub fn send(http: &mut Http, transactions: &[Signed]) {
    let requests: Vec<&str> = transactions.iter().map(|signed| signed.request.as_str()).collect();
    let answer = http.post(&format!("[{}]", requests.join(","))).unwrap_or_else(|error| panic!("{error}"));
    if let Some(at) = answer.find("\"error\"") {
        let end = (at + 200).min(answer.len());
        panic!("a transaction was refused: {}", answer.get(at..end).unwrap_or(&answer));
    }
}

/// Keeps the network as busy as it can be until `until`, and waits until all is committed.
pub fn saturate(lanes: &mut [Lane<'_>], ledger: &Ledger, until: Instant) {
    std::thread::scope(|scope| {
        for lane in lanes.iter_mut() {
            scope.spawn(move || lane.saturate(ledger, until));
        }
    });
    settle(lanes, ledger);
}

/// Sends `rate` transfers a second until `until`, waits until all is committed, and tells how long each took until the node
/// that it was sent to announced its block.
pub fn pace(lanes: &mut [Lane<'_>], ledger: &Ledger, rate: f64, until: Instant) -> Vec<Duration> {
    let period = Duration::from_secs_f64((PACED_BATCH * LANES) as f64 / rate);
    let (start, before) = (Instant::now(), lanes.iter().map(|lane| lane.sent.len()).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for lane in lanes.iter_mut() {
            scope.spawn(move || lane.pace(start, period, until));
        }
    });
    settle(lanes, ledger);
    let latencies =
        lanes.iter().zip(before).flat_map(|(lane, before)| ledger.latencies(lane.node, &lane.sent[before..]));
    let mut latencies: Vec<Duration> = latencies.collect();
    latencies.sort_unstable();
    latencies
}

/// Everything that was sent.
pub fn sent(lanes: &[Lane<'_>]) -> BTreeSet<B256> {
    lanes.iter().flat_map(|lane| lane.sent.iter().map(|(hash, _)| *hash)).collect()
}

/// Waits until every node has all that was sent in a block.
fn settle(lanes: &[Lane<'_>], ledger: &Ledger) {
    let is_settled = ledger.wait_for_all(&sent(lanes), Instant::now() + PATIENCE);
    assert!(is_settled, "transfers that were taken are in no block after {} s", PATIENCE.as_secs());
}
