//! Builds a block, transaction by transaction.

use alloy_primitives::{B256, Bloom, U256};
use esker_vm::{Fatal, Session};

use super::end::end_block;
use super::receipts::{receipts, receipts_root, transactions_root};
use super::{BlockEnv, BuiltBlock};
use crate::exec::{Executor, Message, TransactionResult};
use crate::params::ChainConfig;
use crate::state::StateReader;
use crate::types::{ExecuteError, Transaction, TransactionError};

/// Executes transactions into a block. Nothing is written to the state.
pub struct BlockBuilder<'a> {
    executor: Executor<'a>,
    config: &'a ChainConfig,
    env: BlockEnv,
    transactions: Vec<Transaction>,
    results: Vec<TransactionResult>,
    gas_used: u64,
    bytes: usize,
}

/// Why a transaction did not get into a block. The builder is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The transaction is invalid here.
    #[error(transparent)]
    Invalid(#[from] TransactionError),
    /// What is left of the block's gas or bytes does not hold it; another block will.
    #[error("the block has no room left for this transaction")]
    BlockFull,
    /// This node failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl From<ExecuteError> for PushError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Invalid(error) => Self::Invalid(error),
            ExecuteError::Fatal(fatal) => Self::Fatal(fatal),
        }
    }
}

impl<'a> BlockBuilder<'a> {
    /// An empty block `env` on `state`, the state after its parent.
    #[must_use]
    pub fn new(session: &'a Session<'a>, state: &'a dyn StateReader, config: &'a ChainConfig, env: BlockEnv) -> Self {
        Self {
            executor: Executor::new(session, state, config, &env),
            config,
            env,
            transactions: Vec::new(),
            results: Vec::new(),
            gas_used: 0,
            bytes: 0,
        }
    }

    /// Gas that is left for more transactions.
    #[must_use]
    pub const fn gas_left(&self) -> u64 {
        self.env.gas_limit.saturating_sub(self.gas_used)
    }

    /// Executes one transaction more.
    ///
    /// # Errors
    /// [`PushError`]; the builder is as it was before.
    pub fn push(&mut self, transaction: Transaction) -> Result<&TransactionResult, PushError> {
        let gas = transaction.gas_limit();
        if gas > self.env.gas_limit {
            return Err(TransactionError::ExceedsBlockGasLimit { gas, limit: self.env.gas_limit }.into());
        }
        let bytes = self.bytes.saturating_add(transaction.encoded_len());
        if gas > self.gas_left() || bytes > self.config.block_bytes_max {
            return Err(PushError::BlockFull);
        }
        let result = self.executor.execute(&Message::from(&transaction))?;
        self.gas_used += result.gas_used;
        self.bytes = bytes;
        self.transactions.push(transaction);
        self.results.push(result);
        Ok(self.results.last().expect("pushed just now"))
    }

    /// Ends the block: with the calls of the protocol, on a chain with proof of stake.
    ///
    /// # Errors
    /// [`Fatal`] if this node fails.
    pub fn finish(self) -> Result<BuiltBlock, Fatal> {
        let transactions_root = transactions_root(&self.transactions);
        self.finish_with(transactions_root)
    }

    /// As [`BlockBuilder::finish`], with the root of the transactions, which whoever checked it has computed.
    fn finish_with(mut self, transactions_root: B256) -> Result<BuiltBlock, Fatal> {
        if let Some(staking) = &self.config.staking {
            end_block(&mut self.executor, staking, &self.env, tips(&self.results, self.env.base_fee))?;
        }
        let changes = self.executor.journal().changes();
        let receipts = receipts(&self.transactions, &self.results);
        Ok(BuiltBlock {
            transactions_root,
            receipts_root: receipts_root(&receipts),
            logs_bloom: receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom()),
            env: self.env,
            transactions: self.transactions,
            receipts,
            results: self.results,
            changes,
            gas_used: self.gas_used,
        })
    }
}

/// What is paid above the base fee, in wei.
fn tips(results: &[TransactionResult], base_fee: u64) -> U256 {
    let tip = |result: &TransactionResult| {
        let price = result.effective_gas_price.saturating_sub(u128::from(base_fee));
        U256::from(result.gas_used).saturating_mul(U256::from(price))
    };
    results.iter().map(tip).fold(U256::ZERO, U256::saturating_add)
}

/// Executes a whole block whose transactions are given: what a validator does before it votes, and what replay does.
///
/// # Errors
/// The index of the transaction that does not fit there, and why.
pub fn execute_block(
    session: &Session<'_>,
    state: &dyn StateReader,
    config: &ChainConfig,
    env: BlockEnv,
    transactions: &[Transaction],
) -> Result<BuiltBlock, (usize, PushError)> {
    execute_rooted(session, state, config, env, transactions, transactions_root(transactions))
}

/// As [`execute_block`], with the root of `transactions`, so that it is computed once.
pub(super) fn execute_rooted(
    session: &Session<'_>,
    state: &dyn StateReader,
    config: &ChainConfig,
    env: BlockEnv,
    transactions: &[Transaction],
    transactions_root: B256,
) -> Result<BuiltBlock, (usize, PushError)> {
    let mut builder = BlockBuilder::new(session, state, config, env);
    for (index, transaction) in transactions.iter().enumerate() {
        builder.push(transaction.clone()).map_err(|error| (index, error))?;
    }
    builder.finish_with(transactions_root).map_err(|fatal| (transactions.len(), fatal.into()))
}
