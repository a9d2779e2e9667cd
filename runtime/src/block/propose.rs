//! Makes a block out of the transactions that somebody offers.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use esker_vm::{Fatal, Session};

use super::{BlockBuilder, BlockEnv, Parent, PreparedBlock, PushError};
use crate::params::{ChainConfig, gas};
use crate::types::{Transaction, TransactionError};

/// So many transactions in a row that the block has no room for end it: looking through a whole pool for one that is
/// small enough costs more than it brings.
const NO_ROOM_MAX: u32 = 64;

/// Where the transactions of a block come from.
pub trait TransactionSource: Send {
    /// The next one to try.
    fn offer(&mut self) -> Option<Arc<Transaction>>;

    /// The last one did not get in: whatever else its sender has cannot follow now.
    fn skip_sender(&mut self);
}

/// Offers transactions in the order given, whatever becomes of the ones before.
#[derive(Debug)]
pub struct InOrder(std::vec::IntoIter<Transaction>);

impl InOrder {
    /// Offers `transactions`.
    #[must_use]
    pub fn new(transactions: Vec<Transaction>) -> Self {
        Self(transactions.into_iter())
    }
}

impl TransactionSource for InOrder {
    fn offer(&mut self) -> Option<Arc<Transaction>> {
        self.0.next().map(Arc::new)
    }

    fn skip_sender(&mut self) {}
}

/// What a new block is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Seconds since the Unix epoch; raised to the parent's if it is below.
    pub timestamp: u64,
    /// Who receives the tips.
    pub beneficiary: Address,
    /// Consensus round in which the block is first built.
    pub round: u32,
}

/// What came of a proposal.
pub struct Proposed {
    /// The block, which nobody knows of yet.
    pub block: PreparedBlock,
    /// Transactions that were offered and turned out to be invalid.
    pub refused: Vec<(B256, TransactionError)>,
}

/// Builds a block on `parent` out of what `source` offers, until nothing is offered any more, the block is full, or
/// `goes_on`, which is asked before each transaction, says that time is up. Writes nothing: a proposal that is dropped
/// leaves no trace.
///
/// # Errors
/// [`Fatal`] if this node fails.
pub fn propose_block(
    session: &Session<'_>,
    config: &ChainConfig,
    parent: &Parent,
    proposal: Proposal,
    source: &mut dyn TransactionSource,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Proposed, Fatal> {
    let Proposal { timestamp, beneficiary, round } = proposal;
    let env = BlockEnv::child_of(parent.header(), timestamp, beneficiary, round, config);
    config.rules_at(env.number).map_err(|error| Fatal::Rules(error.to_string()))?;
    let mut builder = BlockBuilder::new(session, parent.state(), config, env);
    let mut refused = Vec::new();
    let mut no_room = 0;
    while builder.gas_left() >= gas::TRANSACTION && no_room < NO_ROOM_MAX && goes_on() {
        let Some(transaction) = source.offer() else { break };
        let hash = transaction.hash();
        match builder.push(Transaction::clone(&transaction)) {
            Ok(_) => no_room = 0,
            Err(PushError::Invalid(reason)) => {
                refused.push((hash, reason));
                source.skip_sender();
            }
            Err(PushError::BlockFull) => {
                no_room += 1;
                source.skip_sender();
            }
            Err(PushError::Fatal(fatal)) => return Err(fatal),
        }
    }
    Ok(Proposed { block: PreparedBlock::new(parent, builder.finish()?)?, refused })
}
