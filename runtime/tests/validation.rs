//! Proposing, validating and committing on a state database: three steps, and every lie in a header is found.

mod world;

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bloom, Bytes, TxKind, U256};
use esker_runtime::block::InOrder;
use esker_runtime::db::{Batch, StoreError};
use esker_runtime::genesis::{Genesis, GenesisAccount};
use esker_runtime::state::StateReader;
use esker_runtime::{BlockError, Proposal, Transaction, TransactionSource, propose_block};
use esker_vm::{Halt, Log};
use world::chain::Chain;
use world::*;

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
    assert_eq!(proposer.head.hash(), validator.head.hash());
    for nonce in [0, 3, 6] {
        let block = proposer.propose(&machine, &calls(nonce)).block().block();
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
    let good = chain.propose(&machine, &calls(0)).block().block();
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
        let error = chain.validate(&machine, &block).map(drop);
        assert!(error.as_ref().is_err_and(|error| error.to_string().contains(what)), "{what}: {error:?}");
    }
    let mut unfit = good.clone();
    unfit.transactions.swap(0, 1);
    unfit.header.transactions_root = alloy_consensus::proofs::calculate_transaction_root(
        &unfit.transactions.iter().map(|transaction| transaction.envelope().clone()).collect::<Vec<_>>(),
    );
    let error = chain.validate(&machine, &unfit).map(drop);
    assert!(matches!(error, Err(BlockError::Transaction { index: 0, .. })), "{error:?}");
    assert_eq!(chain.db.root(), root);
    assert!(chain.validate(&machine, &good).is_ok());
}

#[test]
fn a_verdict_does_not_change_when_a_sibling_is_committed_and_only_one_of_them_can_be() {
    let machine = ScriptedMachine::default();
    let mut chain = Chain::new(&genesis(&machine));
    let parent = chain.head.clone();
    let one = chain.propose(&machine, &calls(0));
    let other = chain.propose(&machine, &[priced(2, 0, Address::repeat_byte(8), 5)]).block().block();
    let prepared = chain.validate_on(&machine, &parent, &other).expect("valid before");
    chain.commit(one);
    let again = chain.validate_on(&machine, &parent, &other).expect("valid after");
    assert_eq!(again.block().hash, other.header.hash_slow());
    let root = chain.db.root();
    for late in [prepared, again] {
        assert!(matches!(late.commit(&chain.db, Batch::default()), Err(StoreError::Mismatch(_))));
    }
    assert_eq!(chain.db.root(), root, "nothing was written");
    let stranger = chain.validate(&machine, &other).map(drop);
    assert!(matches!(stranger, Err(BlockError::Header(_))), "{stranger:?}");
}

/// BLOCKHASH of any block is the same whether its ancestors are committed, prepared, or being committed.
#[test]
fn blocks_above_uncommitted_ones_know_their_hashes() {
    let machine = ScriptedMachine::default();
    let mut genesis = genesis(&machine);
    let asking = machine.code(1, |guest| {
        let hash = guest.host.block_hash(guest.frame.value.low_u64())?;
        guest.host.storage_store(h256(guest.frame.value.low_u64()), hash, &mut guest.meter)?;
        Ok(End::Return(Vec::new()))
    });
    let asked = Address::repeat_byte(0xa5);
    genesis.alloc.insert(asked, GenesisAccount { nonce: 1, code: asking, ..GenesisAccount::default() });
    let (mut ahead, mut behind) = (Chain::new(&genesis), Chain::new(&genesis));
    let ask = |nonce: u64| -> Vec<Transaction> {
        (0..5).map(|number| priced(0, 5 * nonce + number, asked, number)).collect()
    };
    let (mut parent, mut pending) = (ahead.head.clone(), Vec::new());
    for nonce in 0..4 {
        let block = ahead.propose_on(&machine, &parent, &ask(nonce));
        parent = block.as_parent();
        pending.push(block);
    }
    for block in pending {
        let hash = block.block().hash;
        let plain = block.block().block();
        assert_eq!(ahead.commit(block).hash, hash);
        assert_eq!(behind.validate_and_commit(&machine, &plain).hash, hash);
    }
    assert_eq!((parent.hash(), ahead.db.root()), (behind.head.hash(), behind.db.root()));
    assert_eq!(parent.state().steps(), 0, "all that it stands on is committed");
    for number in 0..4 {
        let hash = ahead.db.block_hash(number).expect("the store works").expect("committed");
        assert_eq!(behind.db.storage(asked, word(number)).expect("the store works"), hash, "block {number}");
    }
}

#[test]
fn a_proposal_stops_when_it_is_told_to_and_when_the_block_is_full_and_leaves_nothing() {
    let machine = ScriptedMachine::default();
    let chain = Chain::new(&genesis(&machine));
    let root = chain.db.root();
    /// Says how many were asked for.
    struct Counted(InOrder, usize);
    impl TransactionSource for Counted {
        fn offer(&mut self) -> Option<Arc<Transaction>> {
            self.1 += 1;
            self.0.offer()
        }

        fn skip_sender(&mut self) {}
    }
    let propose = |transactions: Vec<Transaction>, asked_max: usize| {
        let mut source = Counted(InOrder::new(transactions), 0);
        let proposal = Proposal { timestamp: 0, beneficiary: BENEFICIARY, round: 7 };
        let mut steps = 0..asked_max;
        let mut goes_on = || steps.next().is_some();
        let proposed = esker_vm::execution(&machine, |session| {
            propose_block(session, &chain.config, &chain.head, proposal, &mut source, &mut goes_on)
        })
        .expect("no fault");
        (proposed, source.1)
    };
    let transfers = |count: u64| -> Vec<Transaction> {
        (0..count).map(|nonce| priced(1, nonce, Address::repeat_byte(9), 1)).collect()
    };
    let (proposed, asked) = propose(transfers(10), 3);
    assert_eq!((proposed.block.block().transactions.len(), asked), (3, 3));
    assert_eq!(proposed.block.block().header.timestamp, chain.head.header().timestamp, "raised to the parent's");
    let (proposed, _) = propose(transfers(10), 0);
    assert!(proposed.block.block().transactions.is_empty() && proposed.block.changes().accounts.is_empty());

    // Nothing with this gas limit fits behind the first: after some it is given up, though a small one comes last.
    let large = |nonce: u64| {
        let mut unsigned = transaction(nonce, TxKind::Call(Address::repeat_byte(9)), 1, Bytes::new());
        (unsigned.max_fee_per_gas, unsigned.gas_limit) = (2_000_000_000, 29_990_000);
        signed(2, unsigned)
    };
    let mut offered = vec![priced(1, 0, Address::repeat_byte(9), 1)];
    offered.extend((0..200).map(large));
    offered.push(priced(1, 1, Address::repeat_byte(9), 1));
    let (proposed, asked) = propose(offered, usize::MAX);
    assert_eq!((proposed.block.block().transactions.len(), asked), (1, 1 + 64));
    assert_eq!(proposed.refused, []);
    assert_eq!(chain.db.root(), root);
}
