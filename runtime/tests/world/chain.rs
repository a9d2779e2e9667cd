//! A chain on a store in memory.

use std::sync::Arc;

use esker_runtime::block::InOrder;
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::state::StateDb;
use esker_runtime::{
    Block, BlockError, ChainConfig, ExecutedBlock, Genesis, Parent, PreparedBlock, Proposal, Transaction,
    propose_block, validate_block,
};
use esker_vm::Machine;

use super::BENEFICIARY;

/// A node as far as these tests need one.
pub struct Chain {
    pub db: StateDb,
    pub config: ChainConfig,
    pub head: Parent,
}

impl Chain {
    pub fn new(genesis: &Genesis) -> Self {
        let db = StateDb::open(Arc::new(MemoryStore::default())).expect("an empty store opens");
        let first = PreparedBlock::genesis(&db, genesis.build().expect("valid")).expect("the store works");
        let head = first.commit(&db, Batch::default()).expect("the store works").as_parent;
        Self { db, config: genesis.chain_config(), head }
    }

    /// A block on `parent` that holds all of `transactions`.
    pub fn propose_on(&self, machine: &dyn Machine, parent: &Parent, transactions: &[Transaction]) -> PreparedBlock {
        self.propose_in_round(machine, parent, transactions, 0)
    }

    /// As [`Chain::propose_on`], first built in another round.
    pub fn propose_in_round(
        &self,
        machine: &dyn Machine,
        parent: &Parent,
        transactions: &[Transaction],
        round: u32,
    ) -> PreparedBlock {
        let proposal = Proposal { timestamp: parent.header().timestamp + 1, beneficiary: BENEFICIARY, round };
        let mut source = InOrder::new(transactions.to_vec());
        let proposed = esker_vm::execution(machine, |session| {
            propose_block(session, &self.config, parent, proposal, &mut source, &mut || true)
        })
        .expect("no fault");
        assert_eq!(proposed.block.block().transactions.len(), transactions.len(), "{:?}", proposed.refused);
        proposed.block
    }

    pub fn propose(&self, machine: &dyn Machine, transactions: &[Transaction]) -> PreparedBlock {
        self.propose_on(machine, &self.head, transactions)
    }

    pub fn validate_on(
        &self,
        machine: &dyn Machine,
        parent: &Parent,
        block: &Block,
    ) -> Result<PreparedBlock, BlockError> {
        esker_vm::execution(machine, |session| validate_block(session, &self.config, parent, block))
    }

    pub fn validate(&self, machine: &dyn Machine, block: &Block) -> Result<PreparedBlock, BlockError> {
        self.validate_on(machine, &self.head, block)
    }

    pub fn commit(&mut self, block: PreparedBlock) -> ExecutedBlock {
        let committed = block.commit(&self.db, Batch::default()).expect("the store works");
        self.head = committed.as_parent;
        committed.block
    }

    pub fn validate_and_commit(&mut self, machine: &dyn Machine, block: &Block) -> ExecutedBlock {
        let prepared = self.validate(machine, block).expect("valid");
        self.commit(prepared)
    }
}
