//! What one node says of itself, asked again and again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use alloy_primitives::U64;
use serde_json::json;

use super::super::failure::Failure;
use super::super::rpc::{Rpc, RpcArgs, RpcFailure};
use super::super::status::consensus_state;

/// Over how many looks the rate of transactions is a mean.
const LOOKS: usize = 6;
/// Most blocks whose transactions are counted at one look: a node that catches up has more, which nobody executes anew.
const BLOCKS_MAX: u64 = 128;
/// Seconds to wait for one answer.
const TIMEOUT: u64 = 3;

/// A node as it was seen last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum View {
    /// It has not answered yet, or not any more.
    #[default]
    Silent,
    /// Its process is no more.
    Ended,
    /// It answered.
    Seen(Seen),
}

/// What a node said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Its last block.
    pub(super) height: u64,
    /// Round and step in which it is about the next one.
    pub(super) round: Option<(i64, String)>,
    /// Its peers.
    pub(super) peers: u64,
    /// Transactions a second in its blocks.
    pub(super) rate: f64,
    /// Milliseconds from the last block's proposal to its commit.
    pub(super) finality_ms: Option<f64>,
}

/// Asks one node.
pub(super) struct Watcher {
    rpc: Rpc,
    begun: Instant,
    height: Option<u64>,
    rate: Rate,
}

impl Watcher {
    /// Prepares to ask the node with this url.
    ///
    /// # Errors
    /// If there can be no such url.
    pub(super) fn new(url: String) -> Result<Self, Failure> {
        let rpc = Rpc::new(&RpcArgs { rpc_url: url, chain_id: None, rpc_timeout: TIMEOUT })?;
        Ok(Self { rpc, begun: Instant::now(), height: None, rate: Rate::default() })
    }

    /// Asks once.
    pub(super) async fn look(&mut self) -> View {
        self.ask().await.map_or(View::Silent, View::Seen)
    }

    async fn ask(&mut self) -> Result<Seen, RpcFailure> {
        let height = self.rpc.request::<U64>("eth_blockNumber", &[]).await?.to::<u64>();
        let known = self.height.unwrap_or(height);
        let mut transactions = 0u64;
        for number in known.saturating_add(1).max(height.saturating_sub(BLOCKS_MAX - 1))..=height {
            let count: Option<U64> =
                self.rpc.request("eth_getBlockTransactionCountByNumber", &[json!(U64::from(number))]).await?;
            transactions = transactions.saturating_add(count.unwrap_or_default().to());
        }
        self.height = Some(height);
        self.rate.add(self.begun.elapsed(), transactions);
        let peers = self.rpc.request_if_known::<U64>("net_peerCount", &[]).await?;
        let state = consensus_state(&self.rpc).await?;
        Ok(Seen {
            height,
            peers: peers.unwrap_or_default().to(),
            rate: self.rate.per_second(),
            finality_ms: state.as_ref().and_then(|state| state.finality_ms),
            round: state.map(|state| (state.round, state.step)),
        })
    }
}

/// How many transactions a second, over the last looks.
#[derive(Debug, Default)]
struct Rate {
    /// When it was looked, and how many transactions had been counted by then.
    looks: VecDeque<(Duration, u64)>,
}

impl Rate {
    fn add(&mut self, at: Duration, transactions: u64) {
        let before = self.looks.back().map_or(0, |(_, total)| *total);
        if self.looks.len() >= LOOKS {
            self.looks.pop_front();
        }
        self.looks.push_back((at, before.saturating_add(transactions)));
    }

    fn per_second(&self) -> f64 {
        let (Some(first), Some(last)) = (self.looks.front(), self.looks.back()) else { return 0.0 };
        let seconds = last.0.saturating_sub(first.0).as_secs_f64();
        if seconds == 0.0 { 0.0 } else { last.1.saturating_sub(first.1) as f64 / seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_looks() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(), 0.0);
        for second in 0..100 {
            // What the first look finds was there before anybody looked.
            rate.add(Duration::from_secs(second), if second == 0 { 0 } else { 50 });
        }
        assert_eq!(rate.per_second(), 50.0);
        for second in 100..200 {
            rate.add(Duration::from_secs(second), 7);
        }
        assert_eq!(rate.per_second(), 7.0);
        assert_eq!(rate.looks.len(), LOOKS);
    }
}
