//! How long each step of a height may take. Nothing here is consensus: nodes may differ, at the price of rounds.

use std::time::Duration;

use malachite::app::types::core::LinearTimeouts;

/// What the durations are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Pace of blocks.
    pub block_time: Duration,
    /// Pace of blocks while there are no transactions.
    pub idle_block_time: Duration,
    /// How long the slowest machine and engine of the network may take to execute a full block.
    pub execution: Duration,
}

/// Time for messages to arrive: a block's body, then each vote.
const NETWORK: Duration = Duration::from_millis(200);
/// The longest any step is waited for, however many rounds failed.
const TIMEOUT_MAX: Duration = Duration::from_secs(20);
/// A block's timestamp may be so far ahead of the local clock, in seconds.
pub const CLOCK_DRIFT_MAX: u64 = 2;

impl Timing {
    /// The steps' timeouts. A proposal must be built, sent and executed before the first one ends: the builder takes 40 %
    /// of it, so that as much is left for validation, and a fifth for the way.
    #[must_use]
    pub fn timeouts(&self) -> LinearTimeouts {
        let propose = NETWORK.saturating_add(self.execution.saturating_mul(5) / 2);
        LinearTimeouts {
            propose,
            propose_delta: propose / 2,
            prevote: NETWORK,
            prevote_delta: NETWORK / 2,
            precommit: NETWORK,
            precommit_delta: NETWORK / 2,
            rebroadcast: propose.saturating_add(NETWORK),
            max_timeout: TIMEOUT_MAX,
        }
    }

    /// How much of `timeout` building a proposal may take.
    #[must_use]
    pub fn building(timeout: Duration) -> Duration {
        timeout * 2 / 5
    }

    /// The pace that the engine keeps after a block that was made `age` seconds ago. A node that is behind keeps none, or
    /// it would never catch up.
    #[must_use]
    pub fn target(&self, age: u64) -> Option<Duration> {
        (Duration::from_secs(age) <= self.block_time.saturating_mul(2) + Duration::from_secs(CLOCK_DRIFT_MAX))
            .then_some(self.block_time)
    }

    /// How long the next height may wait for a transaction after a block that was made `age` seconds ago and took the
    /// pace of blocks already.
    #[must_use]
    pub fn idle(&self, age: u64) -> Duration {
        self.idle_block_time.saturating_sub(self.block_time).saturating_sub(Duration::from_secs(age))
    }
}
