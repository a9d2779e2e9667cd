//! What a block's header says before its transactions are executed.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, keccak256};

use crate::exec::next_base_fee;
use crate::params::ChainConfig;

/// The part of a header that execution depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEnv {
    /// Height.
    pub number: u64,
    /// Seconds since the Unix epoch.
    pub timestamp: u64,
    /// Most gas that the transactions may use together.
    pub gas_limit: u64,
    /// In wei.
    pub base_fee: u64,
    /// Who receives the tips.
    pub beneficiary: Address,
    /// See [`mix_hash`].
    pub mix_hash: B256,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// See [`extra_data`].
    pub extra_data: Bytes,
}

impl BlockEnv {
    /// The block after `parent`, first built in consensus round `round`. A `timestamp` below the parent's is raised to
    /// it: the clock of a proposer must not stop the chain.
    #[must_use]
    pub fn child_of(parent: &Header, timestamp: u64, beneficiary: Address, round: u32, config: &ChainConfig) -> Self {
        let parent_hash = parent.hash_slow();
        let number = parent.number.checked_add(1).expect("a chain does not reach 2^64 blocks");
        Self {
            number,
            timestamp: timestamp.max(parent.timestamp),
            gas_limit: parent.gas_limit,
            base_fee: child_base_fee(parent),
            beneficiary,
            mix_hash: mix_hash(parent_hash, number),
            parent_hash,
            extra_data: extra_data(config.upgrades.version_at(number), round),
        }
    }
}

impl BlockEnv {
    /// The consensus round in which the block was first built, as `extra_data` says.
    #[must_use]
    pub fn first_round(&self) -> u32 {
        first_round(&self.extra_data).unwrap_or(0)
    }
}

/// The protocol version that a block's header names in its `extraData`; `None` if that is not eight bytes.
#[must_use]
pub fn protocol_version(extra_data: &[u8]) -> Option<u32> {
    let (version, round) = extra_data.split_first_chunk::<4>()?;
    (round.len() == 4).then(|| u32::from_be_bytes(*version))
}

/// The round in which a block was first built, as its header's `extraData` says; `None` if that is not eight bytes.
#[must_use]
pub fn first_round(extra_data: &[u8]) -> Option<u32> {
    let (_, round) = extra_data.split_first_chunk::<4>()?;
    round.try_into().ok().map(u32::from_be_bytes)
}

impl From<&Header> for BlockEnv {
    /// The environment in which the block with this header was executed.
    fn from(header: &Header) -> Self {
        Self {
            number: header.number,
            timestamp: header.timestamp,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            beneficiary: header.beneficiary,
            mix_hash: header.mix_hash,
            parent_hash: header.parent_hash,
            extra_data: header.extra_data.clone(),
        }
    }
}

/// The base fee of the block after `parent`, in wei.
pub(super) fn child_base_fee(parent: &Header) -> u64 {
    next_base_fee(parent.gas_used, parent.gas_limit, parent.base_fee_per_gas.unwrap_or_default())
}

/// `mixHash`: keccak256 of the parent's hash and the number, u64 big-endian. Anyone can predict it.
#[must_use]
pub fn mix_hash(parent_hash: B256, number: u64) -> B256 {
    let mut preimage = [0; 40];
    let (hash, be_number) = preimage.split_at_mut(32);
    hash.copy_from_slice(parent_hash.as_slice());
    be_number.copy_from_slice(&number.to_be_bytes());
    keccak256(preimage)
}

/// `extraData`: protocol version and the round in which the block was first built, each u32 big-endian.
#[must_use]
pub fn extra_data(version: u32, round: u32) -> Bytes {
    let mut bytes = [0; 8];
    let (be_version, be_round) = bytes.split_at_mut(4);
    be_version.copy_from_slice(&version.to_be_bytes());
    be_round.copy_from_slice(&round.to_be_bytes());
    Bytes::copy_from_slice(&bytes)
}
