//! Building blocks: headers, receipts, limits, and the same block twice.

mod world;

use alloy_consensus::Header;
use alloy_consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy_primitives::{Address, B64, B256, Bloom, BloomInput, Bytes, TxKind, U256, keccak256};
use esker_runtime::block::{HeaderFault, check_header};
use esker_runtime::genesis::{Genesis, GenesisAccount, GenesisError};
use esker_runtime::{BlockBuilder, BlockEnv, PushError, Transaction, TransactionError, execute_block};
use esker_vm::{Halt, Log};
use world::*;

fn logging_contract(machine: &ScriptedMachine) -> Bytes {
    machine.code(0, |guest| {
        let value = guest.frame.value.low_u64();
        guest.host.storage_store(h256(value), h256(value + 1), &mut guest.meter)?;
        guest.host.log(Log { topics: vec![h256(value)], data: vec![1, 2] }, &mut guest.meter)?;
        if value == 2 { Err(Halt::Unreachable.into()) } else { Ok(numbers(&[value])) }
    })
}

fn block_of(machine: &ScriptedMachine, ledger: &mut Ledger) -> Vec<Transaction> {
    ledger.put_contract(CONTRACT, logging_contract(machine));
    let mut transactions = Vec::new();
    for nonce in 0..4 {
        for (sender, to, value) in [(0, CONTRACT, nonce), (1, Address::repeat_byte(9), 5)] {
            let mut call = transaction(nonce, TxKind::Call(to), value, Bytes::new());
            call.max_fee_per_gas = 2_000_000_000;
            transactions.push(signed(sender, call));
        }
    }
    transactions
}

fn parent() -> Header {
    Genesis::new(CHAIN_ID, 30_000_000, 1_000).build().expect("valid").header(B256::repeat_byte(1))
}

#[test]
fn a_built_blocks_header_says_what_happened() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let transactions = block_of(&machine, &mut ledger);
    let config = config();
    let parent = parent();
    let env = BlockEnv::child_of(&parent, 900, BENEFICIARY, 3, &config);
    assert_eq!(env.timestamp, 1_000, "a clock that is behind does not stop the chain");
    esker_vm::execution(&machine, |session| {
        let mut builder = BlockBuilder::new(session, &ledger, &config, env);
        for transaction in &transactions {
            builder.push(transaction.clone()).expect("fits");
        }
        let block = builder.finish().expect("no fault");
        let executed = block.seal(B256::repeat_byte(7));
        let header = &executed.header;
        assert_eq!(header.number, 1);
        assert_eq!(header.parent_hash, parent.hash_slow());
        assert_eq!(header.base_fee_per_gas, Some(875_000_000), "an empty parent lowers it by an eighth");
        assert_eq!(header.mix_hash, keccak256([parent.hash_slow().as_slice(), &1_u64.to_be_bytes()].concat()));
        assert_eq!(header.extra_data.to_vec(), [0, 0, 0, 1, 0, 0, 0, 3]);
        assert_eq!(header.state_root, B256::repeat_byte(7));
        assert_eq!((header.difficulty, header.nonce), (U256::ZERO, B64::ZERO));
        assert_eq!(executed.hash, keccak256(alloy_rlp::encode(header)));
        let envelopes: Vec<_> =
            executed.transactions.iter().map(|transaction| transaction.envelope().clone()).collect();
        assert_eq!(header.transactions_root, calculate_transaction_root(&envelopes));
        assert_eq!(header.receipts_root, calculate_receipt_root(&executed.receipts));
        let statuses: Vec<_> = executed.receipts.iter().map(|receipt| receipt.status()).collect();
        assert_eq!(statuses, [true, true, true, true, false, true, true, true]);
        assert_eq!(executed.receipts.last().expect("eight").cumulative_gas_used(), header.gas_used);
        assert!(executed.receipts[4].logs().is_empty(), "what halted logs nothing");
        let mut bloom = Bloom::ZERO;
        for topic in [0, 1, 3] {
            bloom.accrue(BloomInput::Raw(word(topic).as_slice()));
        }
        bloom.accrue(BloomInput::Raw(CONTRACT.as_slice()));
        assert_eq!(header.logs_bloom, bloom);
        assert_eq!(check_header(&config, &parent, header), Ok(()));
    });
}

#[test]
fn executing_a_block_twice_gives_the_same_block() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let transactions = block_of(&machine, &mut ledger);
    let config = config();
    let run = || {
        esker_vm::execution(&machine, |session| execute_block(session, &ledger, &config, env(), &transactions))
            .expect("valid")
    };
    let (one, two) = (run(), run());
    assert_eq!(one.changes, two.changes);
    assert_eq!(one.results, two.results);
    assert_eq!(one.seal(B256::ZERO).hash, two.seal(B256::ZERO).hash);
}

#[test]
fn a_block_equals_its_transactions_executed_in_blocks_of_their_own() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let transactions = block_of(&machine, &mut ledger);
    let config = config();
    let together =
        esker_vm::execution(&machine, |session| execute_block(session, &ledger, &config, env(), &transactions))
            .expect("valid");
    let mut by_one = ledger.clone();
    for (transaction, result) in transactions.iter().zip(&together.results) {
        let alone = std::slice::from_ref(transaction);
        let block = esker_vm::execution(&machine, |session| execute_block(session, &by_one, &config, env(), alone))
            .expect("valid");
        assert_eq!(&block.results[0], result);
        by_one.apply(&block.changes);
    }
    ledger.apply(&together.changes);
    assert_eq!(by_one, ledger);
}

#[test]
fn what_does_not_fit_is_told_apart_from_what_never_will() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let config = config();
    let small = BlockEnv { gas_limit: 50_000, ..env() };
    esker_vm::execution(&machine, |session| {
        let mut builder = BlockBuilder::new(session, &ledger, &config, small);
        let transfer = |index, nonce, gas_limit| {
            let mut transfer = transaction(nonce, TxKind::Call(Address::repeat_byte(9)), 5, Bytes::new());
            transfer.gas_limit = gas_limit;
            signed(index, transfer)
        };
        let error = builder.push(transfer(0, 0, 50_001)).expect_err("above the block's limit");
        assert_eq!(error.to_string(), "exceeds block gas limit");
        assert_eq!(builder.push(transfer(0, 0, 50_000)).expect("fits").gas_used, 21_000);
        assert_eq!(builder.push(transfer(0, 1, 29_001)), Err(PushError::BlockFull));
        let error = builder.push(transfer(0, 5, 29_000)).expect_err("a gap");
        assert!(matches!(error, PushError::Invalid(TransactionError::NonceTooHigh { .. })));
        assert!(builder.push(transfer(1, 0, 29_000)).is_ok());
        assert_eq!(builder.gas_left(), 8_000);
        let block = builder.finish().expect("no fault");
        assert_eq!((block.transactions.len(), block.gas_used), (2, 42_000));
    });
}

#[test]
fn a_header_that_does_not_follow_its_parent_is_refused() {
    let config = config();
    let parent = parent();
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let env = BlockEnv::child_of(&parent, 1_001, BENEFICIARY, 0, &config);
    let good = esker_vm::execution(&machine, |session| execute_block(session, &ledger, &config, env, &[]))
        .expect("empty")
        .header(B256::ZERO);
    assert_eq!(check_header(&config, &parent, &good), Ok(()));
    type Damage = (fn(&mut Header), HeaderFault);
    let damages: [Damage; 13] = [
        (|header| header.parent_hash = B256::ZERO, HeaderFault::ParentHash),
        (|header| header.number = 2, HeaderFault::Number),
        (|header| header.timestamp = 999, HeaderFault::Timestamp),
        (|header| header.gas_limit += 1, HeaderFault::GasLimit),
        (|header| header.base_fee_per_gas = Some(7), HeaderFault::BaseFee),
        (|header| header.base_fee_per_gas = None, HeaderFault::BaseFee),
        (|header| header.mix_hash = B256::ZERO, HeaderFault::MixHash),
        (
            |header| header.extra_data = Bytes::from_static(&[0, 0, 0, 2, 0, 0, 0, 0]),
            HeaderFault::Version { found: 2, expected: 1 },
        ),
        (|header| header.extra_data = Bytes::from_static(&[0, 0, 0, 1]), HeaderFault::ExtraData),
        (|header| header.difficulty = U256::from(1), HeaderFault::ProofOfWork),
        (|header| header.ommers_hash = B256::ZERO, HeaderFault::ProofOfWork),
        (|header| header.withdrawals_root = Some(B256::ZERO), HeaderFault::UnknownField),
        (|header| header.blob_gas_used = Some(0), HeaderFault::UnknownField),
    ];
    for (damage, fault) in damages {
        let mut header = good.clone();
        damage(&mut header);
        assert_eq!(check_header(&config, &parent, &header), Err(fault));
    }
}

#[test]
fn a_genesis_reads_as_geth_writes_it() {
    let text = r#"{
        "config": { "chainId": 31337 },
        "gasLimit": "0x1c9c380",
        "timestamp": "0x10",
        "alloc": {
            "0x0101010101010101010101010101010101010101": { "balance": "0x5" },
            "0x0202020202020202020202020202020202020202": { "balance": "0" }
        }
    }"#;
    let genesis: Genesis = serde_json::from_str(text).expect("a genesis");
    assert_eq!((genesis.config.chain_id, genesis.gas_limit, genesis.timestamp), (31_337, 30_000_000, 16));
    assert_eq!(genesis.base_fee_per_gas, 1_000_000_000);
    let again: Genesis = serde_json::from_str(&serde_json::to_string(&genesis).expect("JSON")).expect("a genesis");
    assert_eq!(again, genesis);
    let block = genesis.build().expect("valid");
    assert_eq!(block.changes.accounts.len(), 1, "an empty account does not exist");
    let header = block.header(B256::ZERO);
    assert_eq!((header.number, header.parent_hash, header.base_fee_per_gas), (0, B256::ZERO, Some(1_000_000_000)));
}

#[test]
fn a_genesis_that_breaks_a_rule_says_which() {
    let with = |account| {
        let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 0);
        genesis.alloc.insert(CONTRACT, account);
        genesis.build().map(drop)
    };
    let code = GenesisAccount { code: Bytes::from_static(&[0x60]), ..GenesisAccount::default() };
    assert!(matches!(with(code), Err(GenesisError::Code { address: CONTRACT, .. })));
    let storage = [(word(0), word(1))].into();
    let storage = GenesisAccount { storage, balance: U256::from(1), ..GenesisAccount::default() };
    assert_eq!(with(storage), Err(GenesisError::Storage(CONTRACT)));
    assert_eq!(Genesis::new(CHAIN_ID, 20_999, 0).build().map(drop), Err(GenesisError::GasLimit(20_999)));
    let mut rich = Genesis::new(CHAIN_ID, 30_000_000, 0);
    for index in 0..2 {
        let account = GenesisAccount { balance: U256::MAX, ..GenesisAccount::default() };
        rich.alloc.insert(Address::repeat_byte(index), account);
    }
    assert_eq!(rich.build().map(drop), Err(GenesisError::Supply));
}

#[test]
fn a_contract_of_the_genesis_answers() {
    let machine = ScriptedMachine::default();
    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 0);
    let code = machine.code(0, |guest| Ok(End::Return(guest.host.storage_load(h256(3), &mut guest.meter)?.0.to_vec())));
    let contract = GenesisAccount { code, nonce: 1, storage: [(word(3), word(4))].into(), ..GenesisAccount::default() };
    genesis.alloc.insert(CONTRACT, contract);
    let mut ledger = ledger();
    ledger.apply(&genesis.build().expect("valid").changes);
    let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new()));
    let (results, _) = execute(&machine, &ledger, &[call]);
    assert_eq!(results[0].as_ref().expect("valid").output, word(4).to_vec());
}
