//! Proposing, validating and committing on a state database: three steps, and every lie in a header is found.

mod world;

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bloom, Bytes, TxKind, U256};
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::genesis::{Genesis, GenesisAccount};
use esker_runtime::state::{StateDb, StateReader};
use esker_runtime::{
    Block, BlockBuilder, BlockEnv, BlockError, ChainConfig, ExecutedBlock, Transaction, validate_block,
};
use esker_vm::{Halt, Log};
use world::*;

/// A node as far as these tests need one.
struct Chain {
    db: StateDb,
    config: ChainConfig,
    head: Header,
}

impl Chain {
    fn new(genesis: &Genesis) -> Self {
        let db = StateDb::open(Arc::new(MemoryStore::default())).expect("an empty store opens");
        let block = genesis.build().expect("valid");
        let update = db.prepare(&block.changes, 0).expect("the store works");
        let head = block.header(update.root);
        db.commit(update, Batch::default()).expect("the store works");
        Self { db, config: genesis.chain_config(), head }
    }

    fn propose(&self, machine: &ScriptedMachine, transactions: &[Transaction]) -> ExecutedBlock {
        let env = BlockEnv::child_of(&self.head, self.head.timestamp + 1, BENEFICIARY, 0, &self.config);
        let built = esker_vm::execution(machine, |session| {
            let mut builder = BlockBuilder::new(session, &self.db, &self.config, env);
            for transaction in transactions {
                builder.push(transaction.clone()).expect("it fits");
            }
            builder.finish().expect("no fault")
        });
        let update = self.db.prepare(&built.changes, built.env.number).expect("the store works");
        built.seal(update.root)
    }

    fn validate_and_commit(&mut self, machine: &ScriptedMachine, block: &Block) -> ExecutedBlock {
        let (executed, update) =
            esker_vm::execution(machine, |session| validate_block(session, &self.db, &self.config, &self.head, block))
                .expect("valid");
        self.db.commit(update, Batch::default()).expect("the store works");
        self.head = executed.header.clone();
        executed
    }
}

fn genesis(machine: &ScriptedMachine) -> Genesis {
    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_000);
    for index in 0..3 {
        let account = GenesisAccount { balance: FUNDS, ..GenesisAccount::default() };
        genesis.alloc.insert(signer(index), account);
    }
    let code = machine.code(0, |guest| {
        let value = guest.frame.value.low_u64();
        guest.host.storage_store(h256(value), h256(value * 2), &mut guest.meter)?;
        guest.host.log(Log { topics: vec![h256(value)], data: Vec::new() }, &mut guest.meter)?;
        if value == 3 { Err(Halt::Unreachable.into()) } else { Ok(numbers(&[value])) }
    });
    genesis.alloc.insert(CONTRACT, GenesisAccount { nonce: 1, code, ..GenesisAccount::default() });
    genesis
}

fn priced(index: u8, nonce: u64, to: Address, value: u64) -> Transaction {
    let mut unsigned = transaction(nonce, TxKind::Call(to), value, Bytes::new());
    unsigned.max_fee_per_gas = 2_000_000_000;
    signed(index, unsigned)
}

fn calls(nonce: u64) -> Vec<Transaction> {
    let mut transactions: Vec<_> = (0..3).map(|at| priced(0, nonce + at, CONTRACT, nonce + at + 1)).collect();
    transactions.push(priced(1, nonce / 3, Address::repeat_byte(9), 77));
    transactions
}

#[test]
fn what_one_node_proposes_another_validates_and_both_reach_the_same_root() {
    let machine = ScriptedMachine::default();
    let genesis = genesis(&machine);
    let (mut proposer, mut validator) = (Chain::new(&genesis), Chain::new(&genesis));
    assert_eq!(proposer.head, validator.head);
    for nonce in [0, 3, 6] {
        let block = proposer.propose(&machine, &calls(nonce)).block();
        let one = proposer.validate_and_commit(&machine, &block);
        let two = validator.validate_and_commit(&machine, &block);
        assert_eq!(one.hash, two.hash);
        assert_eq!(proposer.db.root(), one.header.state_root);
    }
    let slot = validator.db.storage(CONTRACT, word(2)).expect("the store works");
    assert_eq!(slot, word(4));
    assert_eq!(validator.db.storage(CONTRACT, word(3)).expect("the store works"), B256::ZERO, "that call halted");
    let balance = validator.db.account(Address::repeat_byte(9)).expect("the store works").expect("exists").balance;
    assert_eq!(balance, U256::from(3 * 77));
}

#[test]
fn every_lie_in_a_header_is_found_and_nothing_is_written() {
    let machine = ScriptedMachine::default();
    let chain = Chain::new(&genesis(&machine));
    let good = chain.propose(&machine, &calls(0)).block();
    type Lie = fn(&mut Header);
    let lies: [(&str, Lie); 6] = [
        ("state root", |header| header.state_root = B256::ZERO),
        ("receipts root", |header| header.receipts_root = B256::ZERO),
        ("transactions root", |header| header.transactions_root = B256::ZERO),
        ("gas used", |header| header.gas_used += 1),
        ("bloom", |header| header.logs_bloom = Bloom::ZERO),
        ("invalid header", |header| header.timestamp = 0),
    ];
    let root = chain.db.root();
    for (what, lie) in lies {
        let mut block = good.clone();
        lie(&mut block.header);
        let error = esker_vm::execution(&machine, |session| {
            validate_block(session, &chain.db, &chain.config, &chain.head, &block)
        })
        .map(drop);
        assert!(error.as_ref().is_err_and(|error| error.to_string().contains(what)), "{what}: {error:?}");
    }
    let mut unfit = good.clone();
    unfit.transactions.swap(0, 1);
    unfit.header.transactions_root = alloy_consensus::proofs::calculate_transaction_root(
        &unfit.transactions.iter().map(|transaction| transaction.envelope().clone()).collect::<Vec<_>>(),
    );
    let error =
        esker_vm::execution(&machine, |session| validate_block(session, &chain.db, &chain.config, &chain.head, &unfit))
            .map(drop);
    assert!(matches!(error, Err(BlockError::Transaction { index: 0, .. })), "{error:?}");
    assert_eq!(chain.db.root(), root);
    assert!(
        esker_vm::execution(&machine, |session| validate_block(session, &chain.db, &chain.config, &chain.head, &good))
            .is_ok()
    );
}
