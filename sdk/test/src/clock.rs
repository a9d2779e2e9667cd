//! The blocks of a test's chain: one for each transaction, with what the test says about them.

use alloy_primitives::{Address, B256, Bytes};
use esker_runtime::BlockEnv;
use esker_runtime::block::mix_hash;

use crate::world::World;

/// Seconds between blocks unless a test says otherwise.
const BLOCK_SECONDS: u64 = 12;
const FIRST_TIMESTAMP: u64 = 1_700_000_000;
/// Gas limit of every block.
pub(crate) const GAS_LIMIT: u64 = 100_000_000;

/// The last block, and what the next one will be like.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// The last block's number.
    pub(crate) number: u64,
    /// The last block's timestamp, in seconds.
    pub(crate) timestamp: u64,
    next_number: u64,
    next_timestamp: u64,
    /// In wei, of every block from the next on.
    pub(crate) base_fee: u64,
    /// Who would get the tips, from the next block on.
    pub(crate) coinbase: Address,
    /// Set by the test, from the next block on; else it follows from the block before.
    pub(crate) prevrandao: Option<B256>,
}

impl Clock {
    pub(crate) const fn new() -> Self {
        Self::after(0, FIRST_TIMESTAMP)
    }

    /// Behind the block with this number and timestamp.
    pub(crate) const fn after(number: u64, timestamp: u64) -> Self {
        Self {
            number,
            timestamp,
            next_number: number + 1,
            next_timestamp: timestamp + BLOCK_SECONDS,
            base_fee: 0,
            coinbase: Address::repeat_byte(0xcb),
            prevrandao: None,
        }
    }

    /// The next block.
    pub(crate) fn next(&self, world: &World) -> BlockEnv {
        let parent_hash = world.hash_of_block(self.next_number - 1);
        BlockEnv {
            number: self.next_number,
            timestamp: self.next_timestamp,
            gas_limit: GAS_LIMIT,
            base_fee: self.base_fee,
            beneficiary: self.coinbase,
            mix_hash: self.prevrandao.unwrap_or_else(|| mix_hash(parent_hash, self.next_number)),
            parent_hash,
            extra_data: Bytes::new(),
        }
    }

    /// The next block is made.
    pub(crate) const fn tick(&mut self) {
        self.number = self.next_number;
        self.timestamp = self.next_timestamp;
        self.next_number = self.number + 1;
        self.next_timestamp = self.timestamp + BLOCK_SECONDS;
    }

    /// The next block comes so much later.
    pub(crate) const fn pass(&mut self, seconds: u64) {
        self.next_timestamp += seconds;
    }

    /// # Panics
    /// If that is before the last block: time does not go back.
    pub(crate) fn warp(&mut self, timestamp: u64) {
        let last = self.timestamp;
        assert!(timestamp >= last, "the next block cannot be at {timestamp}: the last one is at {last}");
        self.next_timestamp = timestamp;
    }

    /// # Panics
    /// If that is not after the last block.
    pub(crate) fn roll(&mut self, number: u64) {
        let last = self.number;
        assert!(number > last, "the next block cannot be {number}: the last one is {last}");
        self.next_number = number;
    }
}
