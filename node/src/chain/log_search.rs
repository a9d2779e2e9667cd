//! Finding logs by block range.

use std::sync::Arc;

use alloy_primitives::{Bloom, Log};
use esker_runtime::db::StoreError;

use super::{BlockRecord, Chain};

/// Most logs that one search returns.
pub const FOUND_MAX: usize = 100_000;

/// A log with its place in the chain.
#[derive(Clone, Debug)]
pub struct LocatedLog {
    /// The block it is in.
    pub block: Arc<BlockRecord>,
    /// Place of its transaction in the block.
    pub transaction: usize,
    /// Place of the log in the block, over all transactions.
    pub log_index: usize,
    /// The log.
    pub log: Log,
}

/// Why a search ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogSearchError {
    /// More logs than one answer may hold.
    #[error("query returned more than {FOUND_MAX} results, narrow the block range (it reached block {reached})")]
    TooMany {
        /// The block in which the limit was reached.
        reached: u64,
    },
    /// Blocks of the time before the snapshot that the chain began with.
    #[error("pruned history unavailable: this node holds blocks from {oldest} on")]
    Pruned {
        /// The oldest block that it holds.
        oldest: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Searches blocks `from..=to` in order. `may_match` judges a bloom, `matches` a log.
///
/// # Errors
/// [`LogSearchError`]; a block above the head is no error, it holds nothing.
pub fn search(
    chain: &Chain,
    (from, to): (u64, u64),
    may_match: &dyn Fn(&Bloom) -> bool,
    matches: &dyn Fn(&Log) -> bool,
) -> Result<Vec<LocatedLog>, LogSearchError> {
    let oldest = chain.history_min()?;
    if from < oldest {
        return Err(LogSearchError::Pruned { oldest });
    }
    let mut found = Vec::new();
    for number in from..=to {
        let Some(header) = chain.header(number)? else { break };
        if !may_match(&header.logs_bloom) {
            continue;
        }
        let Some(block) = chain.block(number)? else { break };
        found.extend(search_block(&block, may_match, matches));
        if found.len() > FOUND_MAX {
            return Err(LogSearchError::TooMany { reached: number });
        }
    }
    Ok(found)
}

/// Searches one block.
pub fn search_block(
    block: &Arc<BlockRecord>,
    may_match: &dyn Fn(&Bloom) -> bool,
    matches: &dyn Fn(&Log) -> bool,
) -> Vec<LocatedLog> {
    if !may_match(&block.header.logs_bloom) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut log_index = 0;
    for transaction in 0..block.transactions.len() {
        for log in block.logs(transaction) {
            if matches(log) {
                found.push(LocatedLog { block: block.clone(), transaction, log_index, log: log.clone() });
            }
            log_index += 1;
        }
    }
    found
}
