//! Blocks: proposed, validated, committed. Proposing ([`propose_block`]) and validating ([`validate_block`]) both give a
//! [`PreparedBlock`] on any [`Parent`], committed or not, and write nothing; committing writes it.

mod builder;
mod end;
mod env;
mod parent;
mod prepared;
mod propose;
mod receipts;
mod validate;

use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_primitives::{B256, Bloom};

use crate::exec::TransactionResult;
use crate::state::ChangeSet;
use crate::types::Transaction;

pub use builder::{BlockBuilder, PushError, execute_block};
pub use env::{BlockEnv, extra_data, first_round, mix_hash, protocol_version};
pub use parent::Parent;
pub use prepared::{CommittedBlock, PreparedBlock};
pub use propose::{InOrder, Proposal, Proposed, TransactionSource, propose_block};
pub use validate::{BlockError, HeaderFault, check_header, validate_block};

/// A header and the transactions under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What the block's hash is the hash of.
    pub header: Header,
    /// In order.
    pub transactions: Vec<Transaction>,
}

/// A block whose transactions are executed and whose state root is not known yet.
#[derive(Clone, Debug)]
pub struct BuiltBlock {
    /// What the header says about itself.
    pub env: BlockEnv,
    /// In order.
    pub transactions: Vec<Transaction>,
    /// One for each transaction.
    pub receipts: Vec<ReceiptEnvelope>,
    /// One for each transaction.
    pub results: Vec<TransactionResult>,
    /// What the block changes in the state.
    pub changes: ChangeSet,
    /// Of all transactions.
    pub gas_used: u64,
    /// Root of the transactions' trie.
    pub transactions_root: B256,
    /// Root of the receipts' trie.
    pub receipts_root: B256,
    /// Of all logs.
    pub logs_bloom: Bloom,
}

/// An executed block with its header.
#[derive(Clone, Debug)]
pub struct ExecutedBlock {
    /// Complete.
    pub header: Header,
    /// keccak256 of the header's RLP.
    pub hash: B256,
    /// In order.
    pub transactions: Vec<Transaction>,
    /// One for each transaction.
    pub receipts: Vec<ReceiptEnvelope>,
    /// One for each transaction.
    pub results: Vec<TransactionResult>,
}

impl BuiltBlock {
    /// Completes the header with the root of the state after the block.
    #[must_use]
    pub fn seal(self, state_root: B256) -> ExecutedBlock {
        let header = self.header(state_root);
        ExecutedBlock {
            hash: header.hash_slow(),
            header,
            transactions: self.transactions,
            receipts: self.receipts,
            results: self.results,
        }
    }

    /// The header that [`BuiltBlock::seal`] makes: London's, with the constants of the merge (EIP-3675) and no later
    /// field.
    #[must_use]
    pub fn header(&self, state_root: B256) -> Header {
        Header {
            parent_hash: self.env.parent_hash,
            ommers_hash: alloy_consensus::EMPTY_OMMER_ROOT_HASH,
            beneficiary: self.env.beneficiary,
            state_root,
            transactions_root: self.transactions_root,
            receipts_root: self.receipts_root,
            logs_bloom: self.logs_bloom,
            number: self.env.number,
            gas_limit: self.env.gas_limit,
            gas_used: self.gas_used,
            timestamp: self.env.timestamp,
            extra_data: self.env.extra_data.clone(),
            mix_hash: self.env.mix_hash,
            base_fee_per_gas: Some(self.env.base_fee),
            ..Header::default()
        }
    }
}

impl ExecutedBlock {
    /// The block without what its execution gave.
    #[must_use]
    pub fn block(&self) -> Block {
        Block { header: self.header.clone(), transactions: self.transactions.clone() }
    }
}
