//! Executes a whole chain again from genesis, on a machine and a store of its own, and compares everything.

use std::ops::RangeInclusive;
use std::sync::Arc;

use alloy_primitives::B256;
use esker_runtime::db::{Batch, Store, StoreError};
use esker_runtime::genesis::GenesisError;
use esker_runtime::state::StateDb;
use esker_runtime::{Block, BlockError, Parent, PreparedBlock, Transaction, TransactionError, validate_block};
use esker_vm::Machine;

use super::{BlockRecord, Chain, tables};

/// What a replay went through; every figure was computed anew and agrees with the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Blocks that were asked for.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Gas that they used.
    pub gas_used: u64,
    /// Hash of the last block.
    pub head: B256,
    /// State root of the last block.
    pub state_root: B256,
}

/// Why a replay did not come to the chain's head with the chain's own result.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store of the replay could not be opened.
    #[error(transparent)]
    Open(#[from] esker_runtime::db::OpenError),
    /// The chain's genesis is no good.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The chain has a hole.
    #[error("block {0} is missing")]
    Missing(u64),
    /// The genesis block comes out differently.
    #[error("the genesis block is {computed} here and {recorded} on the chain")]
    OtherGenesis {
        /// Its hash here.
        computed: B256,
        /// Its hash on the chain.
        recorded: B256,
    },
    /// A transaction of the chain does not decode.
    #[error("block {number}: transaction {index} is invalid: {error}")]
    Transaction {
        /// The block.
        number: u64,
        /// Its place in the block, from 0.
        index: usize,
        /// What is wrong.
        error: TransactionError,
    },
    /// A block comes out differently.
    #[error("block {number} does not come out as the chain has it: {error}")]
    Block {
        /// The block.
        number: u64,
        /// What differs.
        error: BlockError,
    },
    /// The receipts agree by root and differ all the same: the tables of the chain are damaged.
    #[error("block {0}: the recorded receipts are not those of its execution")]
    Receipts(u64),
}

impl ReplayError {
    /// The block that does not come out as recorded, if it is one's fault.
    #[must_use]
    pub const fn block(&self) -> Option<u64> {
        match self {
            Self::OtherGenesis { .. } => Some(0),
            Self::Missing(number) | Self::Receipts(number) => Some(*number),
            Self::Transaction { number, .. } | Self::Block { number, .. } => Some(*number),
            Self::Store(_) | Self::Open(_) | Self::Genesis(_) => None,
        }
    }
}

impl Chain {
    /// Executes every block again from genesis to the end of `range` on `machine`, keeping the state in `store`, which
    /// must be empty. Signatures are checked again, every root and every gas figure is compared; the blocks of `range` are
    /// counted. Calls `progress` with the number of each block that agreed.
    ///
    /// # Errors
    /// [`ReplayError`] at the first difference.
    pub fn replay(
        &self,
        store: Arc<dyn Store>,
        machine: &dyn Machine,
        range: RangeInclusive<u64>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Replayed, ReplayError> {
        let db = StateDb::open(store)?;
        let mut parent = self.replay_genesis(&db)?;
        let (head, state_root) = (parent.hash(), parent.header().state_root);
        let blocks = u64::from(range.contains(&0));
        let mut replayed = Replayed { blocks, head, state_root, ..Replayed::default() };
        for number in 1..=*range.end() {
            let recorded = self.block(number)?.ok_or(ReplayError::Missing(number))?;
            let block = Block { header: recorded.header.clone(), transactions: self.decode_again(&recorded)? };
            let prepared =
                esker_vm::execution(machine, |session| validate_block(session, self.config(), &parent, &block))
                    .map_err(|error| ReplayError::Block { number, error })?;
            let computed = BlockRecord::from(prepared.block());
            if computed.receipts != recorded.receipts {
                return Err(ReplayError::Receipts(number));
            }
            let mut batch = Batch::new();
            tables::put_block(&mut batch, &computed);
            parent = prepared.commit(&db, batch)?.as_parent;
            if range.contains(&number) {
                replayed.blocks += 1;
                replayed.transactions += computed.transactions.len() as u64;
                replayed.gas_used += computed.header.gas_used;
            }
            replayed.head = computed.hash;
            replayed.state_root = computed.header.state_root;
            progress(number);
        }
        Ok(replayed)
    }

    fn replay_genesis(&self, db: &StateDb) -> Result<Parent, ReplayError> {
        let recorded = self.block(0)?.ok_or(ReplayError::Missing(0))?.hash;
        let prepared = PreparedBlock::genesis(db, self.genesis().build()?)?;
        let block = BlockRecord::from(prepared.block());
        if block.hash != recorded {
            return Err(ReplayError::OtherGenesis { computed: block.hash, recorded });
        }
        let mut batch = Batch::new();
        tables::put_block(&mut batch, &block);
        Ok(prepared.commit(db, batch)?.as_parent)
    }

    /// The block's transactions from their bytes, their senders recovered from the signatures.
    fn decode_again(&self, block: &BlockRecord) -> Result<Vec<Transaction>, ReplayError> {
        let decode = |(index, transaction): (usize, &Arc<Transaction>)| {
            Transaction::decode(&transaction.encoded(), self.config()).map_err(|error| ReplayError::Transaction {
                number: block.header.number,
                index,
                error,
            })
        };
        block.transactions.iter().enumerate().map(decode).collect()
    }
}
