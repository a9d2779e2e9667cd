//! Decides whether a block that somebody else built is right, by executing it again.

use alloy_consensus::Header;
use alloy_primitives::{B64, B256, U256};
use esker_vm::{Fatal, Session};

use super::builder::execute_rooted;
use super::env::child_base_fee;
use super::receipts::transactions_root;
use super::{Block, BlockEnv, Parent, PreparedBlock, PushError, mix_hash, protocol_version};
use crate::params::ChainConfig;
use crate::types::TransactionError;

/// What is wrong with a header, seen beside its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Not the hash of the parent.
    #[error("the parent hash is not that of the block before")]
    ParentHash,
    /// Not the parent's plus one.
    #[error("the number does not follow the parent's")]
    Number,
    /// Below the parent's.
    #[error("the timestamp is below the parent's")]
    Timestamp,
    /// Not the parent's.
    #[error("the gas limit differs from the parent's")]
    GasLimit,
    /// Not what EIP-1559 gives.
    #[error("the base fee is not what the parent's gas gives")]
    BaseFee,
    /// Not keccak256(parent hash ‖ number).
    #[error("the mix hash is not that of parent hash and number")]
    MixHash,
    /// Not a protocol version and a round.
    #[error("the extra data are not a protocol version and a round")]
    ExtraData,
    /// Not the protocol version that the chain's table has for that height.
    #[error("the protocol version is {found}, and that of the height is {expected}")]
    Version {
        /// What the header says.
        found: u32,
        /// What the table says.
        expected: u32,
    },
    /// A protocol version whose rules are not known here.
    #[error("the protocol version {0} is newer than this program")]
    UnknownVersion(u32),
    /// Difficulty, nonce or ommers of a proof-of-work block.
    #[error("difficulty and nonce must be zero and the ommers empty")]
    ProofOfWork,
    /// A field of a fork that this chain does not have.
    #[error("a field is set that this chain's headers do not have")]
    UnknownField,
}

/// Why a block is not valid, or could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The header does not follow from its parent.
    #[error("invalid header: {0}")]
    Header(HeaderFault),
    /// A transaction is invalid where it stands.
    #[error("transaction {index} is invalid: {error}")]
    Transaction {
        /// Its place in the block, from 0.
        index: usize,
        /// What is wrong with it.
        error: TransactionError,
    },
    /// The transactions are more than a block holds.
    #[error("transaction {index} passes the block's gas or byte limit")]
    TooMuch {
        /// The first that does not fit, from 0.
        index: usize,
    },
    /// Execution gave another hash than the header says.
    #[error("the {what} is {computed}, the header says {claimed}")]
    Hash {
        /// The header's field.
        what: &'static str,
        /// What execution gave.
        computed: B256,
        /// What the header says.
        claimed: B256,
    },
    /// Execution used another amount of gas than the header says.
    #[error("the gas used is {computed}, the header says {claimed}")]
    GasUsed {
        /// What execution gave.
        computed: u64,
        /// What the header says.
        claimed: u64,
    },
    /// Execution gave another bloom filter than the header says.
    #[error("the logs' bloom filter is not what the header says")]
    LogsBloom,
    /// This node failed: the block may be valid.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// Checks a header against its parent's: everything that needs no execution.
///
/// # Errors
/// The first fault found.
pub fn check_header(config: &ChainConfig, parent: &Header, header: &Header) -> Result<(), HeaderFault> {
    let parent_hash = parent.hash_slow();
    let later_fields = header.withdrawals_root.is_some()
        || header.blob_gas_used.is_some()
        || header.excess_blob_gas.is_some()
        || header.parent_beacon_block_root.is_some()
        || header.requests_hash.is_some()
        || header.block_access_list_hash.is_some()
        || header.slot_number.is_some();
    let no_work = header.difficulty == U256::ZERO
        && header.nonce == B64::ZERO
        && header.ommers_hash == alloy_consensus::EMPTY_OMMER_ROOT_HASH;
    let rules = [
        (header.parent_hash == parent_hash, HeaderFault::ParentHash),
        (parent.number.checked_add(1) == Some(header.number), HeaderFault::Number),
        (header.timestamp >= parent.timestamp, HeaderFault::Timestamp),
        (header.gas_limit == parent.gas_limit, HeaderFault::GasLimit),
        (header.base_fee_per_gas == Some(child_base_fee(parent)), HeaderFault::BaseFee),
        (header.mix_hash == mix_hash(parent_hash, header.number), HeaderFault::MixHash),
        (no_work, HeaderFault::ProofOfWork),
        (!later_fields, HeaderFault::UnknownField),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, fault)) => Err(fault),
        None => check_version(config, header),
    }
}

/// The header's version must be that of its height, and one whose rules are known.
fn check_version(config: &ChainConfig, header: &Header) -> Result<(), HeaderFault> {
    let found = protocol_version(&header.extra_data).ok_or(HeaderFault::ExtraData)?;
    let expected = config.upgrades.version_at(header.number);
    if found != expected {
        return Err(HeaderFault::Version { found, expected });
    }
    config.rules_at(header.number).map(drop).map_err(|_| HeaderFault::UnknownVersion(found))
}

/// Executes `block` on `parent`, committed or not, and compares everything that its header claims. Nothing is written, and
/// nothing that is committed meanwhile changes the verdict.
///
/// # Errors
/// [`BlockError`]; `Fatal` says nothing about the block.
pub fn validate_block(
    session: &Session<'_>,
    config: &ChainConfig,
    parent: &Parent,
    block: &Block,
) -> Result<PreparedBlock, BlockError> {
    let header = &block.header;
    check_header(config, parent.header(), header).map_err(BlockError::Header)?;
    let root = transactions_root(&block.transactions);
    same_hash("transactions root", root, header.transactions_root)?;

    let env = BlockEnv::from(header);
    let built =
        execute_rooted(session, parent.state(), config, env, &block.transactions, root).map_err(|(index, error)| {
            match error {
                PushError::Invalid(error) => BlockError::Transaction { index, error },
                PushError::BlockFull => BlockError::TooMuch { index },
                PushError::Fatal(fatal) => BlockError::Fatal(fatal),
            }
        })?;
    if built.gas_used != header.gas_used {
        return Err(BlockError::GasUsed { computed: built.gas_used, claimed: header.gas_used });
    }
    same_hash("receipts root", built.receipts_root, header.receipts_root)?;
    if built.logs_bloom != header.logs_bloom {
        return Err(BlockError::LogsBloom);
    }
    let prepared = PreparedBlock::new(parent, built)?;
    same_hash("state root", prepared.block().header.state_root, header.state_root)?;
    same_hash("block hash", prepared.block().hash, header.hash_slow())?;
    Ok(prepared)
}

fn same_hash(what: &'static str, computed: B256, claimed: B256) -> Result<(), BlockError> {
    if computed == claimed { Ok(()) } else { Err(BlockError::Hash { what, computed, claimed }) }
}
