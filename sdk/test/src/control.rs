//! What a test may know and change of its chain without a transaction: accounts, storage, time and blocks.

use alloy_primitives::Bytes;
use esker_runtime::state::StateReader;
use esker_sdk::{Address, B256, U256};

use crate::chain::Chain;
use crate::clock::Clock;
use crate::convert::{inside_word, number, outside, wei, word};
use crate::fork::upstream;
use crate::world::World;

/// A chain as it was: what [`Chain::snapshot`] gives.
#[derive(Clone)]
pub struct Snapshot {
    world: World,
    clock: Clock,
}

impl Chain {
    /// Coins of an account, in wei.
    #[must_use]
    pub fn balance(&self, account: impl Into<Address>) -> U256 {
        number(self.world.existing(outside(account.into())).balance)
    }

    /// Sets an account's coins, in wei.
    pub fn deal(&mut self, account: impl Into<Address>, balance: impl Into<U256>) {
        self.world.set_balance(outside(account.into()), wei(balance.into()));
    }

    /// Transactions that an account sent; of a contract, the contracts it created, plus one.
    #[must_use]
    pub fn nonce(&self, account: impl Into<Address>) -> u64 {
        self.world.existing(outside(account.into())).nonce
    }

    /// An account's code, empty if it is no contract.
    ///
    /// # Panics
    /// If the state that the chain was forked from cannot be read.
    #[must_use]
    pub fn code_at(&self, account: impl Into<Address>) -> Vec<u8> {
        let hash = self.world.existing(outside(account.into())).code_hash;
        let code = self.world.code(hash).unwrap_or_else(|error| panic!("{error}"));
        code.map(|code| code.to_vec()).unwrap_or_default()
    }

    /// Puts code (an envelope, as [`Chain::code`] gives it) at an address without running a constructor. Storage and balance
    /// stay as they are.
    pub fn set_code_at(&mut self, account: impl Into<Address>, code: &[u8]) {
        self.world.set_code(outside(account.into()), Bytes::copy_from_slice(code));
    }

    /// A storage slot of an account.
    #[must_use]
    pub fn storage(&self, account: impl Into<Address>, slot: impl Into<StorageSlot>) -> B256 {
        inside_word(self.world.slot(outside(account.into()), word(slot.into().0)))
    }

    /// Sets a storage slot of an account.
    pub fn set_storage(&mut self, account: impl Into<Address>, slot: impl Into<StorageSlot>, value: impl Into<Word>) {
        self.world.set_slot(outside(account.into()), word(slot.into().0), word(value.into().0));
    }

    /// The chain as it is now, to come back to with [`Chain::restore`].
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { world: self.world.clone(), clock: self.clock.clone() }
    }

    /// Makes the chain what it was: accounts, storage, blocks and time. Mocks and names stay known.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        let Snapshot { world, clock } = snapshot.clone();
        (self.world, self.clock) = (world, clock);
    }

    /// Makes the chain a fork of the one that the node at `url` (plain HTTP) serves, after `block`, or after its newest when
    /// this process first asked. The node is only read. What it says of accounts, storage and codes is proven with
    /// `eth_getProof` against the block's state root, and the hashes of earlier blocks by their children; it is asked once a
    /// process for each. What the chain held before is gone; users get their million coins again.
    ///
    /// # Panics
    /// If the node cannot be asked, or has no such block. A proof that does not hold fails the test where it is needed.
    #[track_caller]
    pub fn fork(&mut self, url: &str, block: Option<u64>) {
        let upstream = upstream(url, block).unwrap_or_else(|error| panic!("the chain cannot be forked: {error}"));
        self.config = upstream.config.clone();
        self.clock = Clock::after(upstream.header.number, upstream.header.timestamp);
        self.clock.base_fee = upstream.header.base_fee_per_gas.unwrap_or_default();
        self.world = World::on(upstream);
        self.endow();
    }

    /// The timestamp of the last block, in seconds.
    #[must_use]
    pub const fn timestamp(&self) -> u64 {
        self.clock.timestamp
    }

    /// The number of the last block.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.clock.number
    }

    /// Lets `seconds` pass before the next transaction, beside the 12 that lie between blocks.
    pub const fn pass(&mut self, seconds: u64) {
        self.clock.pass(seconds);
    }

    /// Lets this many blocks pass that have no transactions.
    pub fn pass_blocks(&mut self, count: u64) {
        for _ in 0..count {
            self.clock.tick();
        }
    }

    /// The next block has this timestamp, in seconds.
    ///
    /// # Panics
    /// If that is before the last block's.
    #[track_caller]
    pub fn warp(&mut self, timestamp: u64) {
        self.clock.warp(timestamp);
    }

    /// The next block has this number.
    ///
    /// # Panics
    /// If that is not above the last block's.
    #[track_caller]
    pub fn roll(&mut self, number: u64) {
        self.clock.roll(number);
    }

    /// The base fee that contracts see from the next block on, in wei. Gas costs nothing all the same.
    pub const fn set_base_fee(&mut self, wei: u64) {
        self.clock.base_fee = wei;
    }

    /// Who is the coinbase from the next block on.
    pub fn set_coinbase(&mut self, account: impl Into<Address>) {
        self.clock.coinbase = outside(account.into());
    }

    /// The `prevrandao` that contracts see from the next block on.
    pub fn set_prevrandao(&mut self, value: B256) {
        self.clock.prevrandao = Some(word(value));
    }

    /// The hash of a block: made up from its number, and the same in both runs, unless it was set.
    #[must_use]
    pub fn block_hash(&self, number: u64) -> B256 {
        inside_word(self.world.hash_of_block(number))
    }

    /// Sets the hash that contracts see for a block, while it is one of the last 256.
    pub fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.world.set_block_hash(number, word(hash));
    }

    /// The hash of block 0.
    #[must_use]
    pub fn genesis_hash(&self) -> B256 {
        self.block_hash(0)
    }
}

/// A storage slot's index: a number, or 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageSlot(B256);

/// A slot's content: a number, an address, a boolean, or 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(B256);

macro_rules! from_numbers {
    ($of:ident: $($number:ty)*) => {$(
        impl From<$number> for $of {
            fn from(number: $number) -> Self {
                Self(esker_sdk::FixedBytes(U256::from(number).to_be_bytes()))
            }
        }
    )*};
}

from_numbers!(StorageSlot: u8 u16 u32 u64 u128 U256);
from_numbers!(Word: u8 u16 u32 u64 u128 U256);

impl From<B256> for StorageSlot {
    fn from(slot: B256) -> Self {
        Self(slot)
    }
}

impl From<B256> for Word {
    fn from(word: B256) -> Self {
        Self(word)
    }
}

impl From<Address> for Word {
    fn from(address: Address) -> Self {
        Self(esker_sdk::FixedBytes(esker_sdk::storage::Value::word(&address)))
    }
}

impl From<bool> for Word {
    fn from(yes: bool) -> Self {
        u8::from(yes).into()
    }
}

/// The index of the slot where a mapping in slot `mapping` keeps the value of `key` (an ABI word): Solidity's rule.
#[must_use]
pub fn mapping_slot(mapping: impl Into<StorageSlot>, key: impl Into<Word>) -> B256 {
    let preimage = [key.into().0.0, mapping.into().0.0].concat();
    esker_sdk::FixedBytes(esker_sdk::abi::keccak256(&preimage))
}

/// So that a result of [`mapping_slot`] can be the mapping of the next one.
impl From<StorageSlot> for B256 {
    fn from(slot: StorageSlot) -> Self {
        slot.0
    }
}
