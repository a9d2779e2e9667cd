//! Blocks: what was built validates, and what was changed after that does not.

use std::sync::Arc;

use alloy_consensus::TxEnvelope;
use alloy_primitives::{Address, B64, B256, Bytes, U256, keccak256};
use arbitrary::{Result, Unstructured};
use esker_runtime::block::InOrder;
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::{StateDb, StateOptions};
use esker_runtime::types::SignedTransaction;
use esker_runtime::{
    Block, BlockError, ChainConfig, Genesis, Parent, PreparedBlock, Proposal, propose_block, validate_block,
};
use esker_vm::{Engine, Session, envelope, execution};

use super::super::generators::transaction::{CHAIN_ID, SIGNERS, signer, transaction};

/// A contract that keeps and logs its input's first word, and on odd input calls itself.
const CONTRACT: &str = r#"(module
    (import "esker_v1" "input_size" (func $size (result i32)))
    (import "esker_v1" "input_copy" (func $input (param i32 i32 i32)))
    (import "esker_v1" "storage_load" (func $load (param i32 i32)))
    (import "esker_v1" "storage_store" (func $store (param i32 i32)))
    (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
    (import "esker_v1" "address" (func $address (param i32)))
    (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "deploy"))
    (func (export "call") (local $length i32)
        (local.set $length (call $size))
        (if (i32.gt_u (local.get $length) (i32.const 64)) (then (local.set $length (i32.const 64))))
        (call $input (i32.const 0) (i32.const 0) (local.get $length))
        (call $load (i32.const 0) (i32.const 128))
        (call $store (i32.const 0) (i32.const 32))
        (call $log (i32.const 0) (i32.const 1) (i32.const 128) (i32.const 32))
        (call $address (i32.const 200))
        (if (i32.and (i32.load8_u (i32.const 31)) (i32.const 1))
            (then (drop (call $call (i64.const 100000) (i32.const 200) (i32.const 256) (i32.const 1)
                (local.get $length)))))))"#;

/// A chain at genesis: four rich signers and a contract.
pub struct Chain {
    pub engine: Engine,
    pub config: ChainConfig,
    pub parent: Parent,
    pub targets: Vec<Address>,
    pub payloads: Vec<Bytes>,
}

impl Chain {
    /// Block 0, committed, with `engine` to execute what follows.
    pub fn begin(engine: Engine) -> Self {
        let code = Bytes::from(envelope::encode(&wat::parse_str(CONTRACT).expect("the contract is sound")));
        let target = Address::repeat_byte(0xc0);
        let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_000);
        for index in 0..SIGNERS {
            let account = GenesisAccount { balance: U256::from(1u128 << 100), ..GenesisAccount::default() };
            genesis.alloc.insert(signer(index), account);
        }
        let account = GenesisAccount { nonce: 1, code: code.clone(), ..GenesisAccount::default() };
        genesis.alloc.insert(target, account);
        let options = StateOptions { row_cache_bytes: 1 << 20, threads: 1, ..StateOptions::default() };
        let db = StateDb::open_with(Arc::new(MemoryStore::new()), options).expect("an empty store opens");
        let built = genesis.build().expect("the genesis is sound");
        let first = PreparedBlock::genesis(&db, built).expect("memory does not fail");
        let parent = first.commit(&db, Batch::new()).expect("memory does not fail").as_parent;
        let payloads = vec![code, Bytes::from(envelope::encode(b"\0asm\x01\0\0\0"))];
        Self { engine, config: genesis.chain_config(), parent, targets: vec![target], payloads }
    }

    /// Builds the block after genesis from transactions drawn from `bytes`, validates it, and draws changes of it that
    /// must not pass. Returns how many transactions it holds.
    pub fn builds_and_validates(&self, bytes: &mut Unstructured<'_>) -> Result<usize> {
        let timestamp = 1_000 + u64::from(bytes.arbitrary::<u8>()?);
        let proposal = Proposal { timestamp, beneficiary: Address::repeat_byte(0xbe), round: 0 };
        let mut nonces = [0; SIGNERS as usize];
        let mut drawn: Vec<TxEnvelope> = Vec::new();
        for _ in 0..bytes.int_in_range(0..=6)? {
            drawn.push(transaction(bytes, &mut nonces, &self.targets, &self.payloads)?);
        }
        let block = execution(&self.engine, |session| self.build(session, proposal, drawn));
        let count = block.transactions.len();
        let hash = block.header.hash_slow();
        let prepared = self.validate(&block).unwrap_or_else(|error| panic!("what was built is invalid: {error}"));
        assert_eq!((prepared.block().hash, &prepared.block().header), (hash, &block.header));
        let changed = changed(block, bytes)?;
        match self.validate(&changed) {
            Ok(prepared) => {
                assert_eq!(prepared.block().header, changed.header, "another header than the one that was judged");
            }
            Err(BlockError::Fatal(fatal)) => panic!("a block stopped the node: {fatal}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        Ok(count)
    }

    fn build(&self, session: &Session<'_>, proposal: Proposal, drawn: Vec<TxEnvelope>) -> Block {
        let recover = |envelope| SignedTransaction::from_envelope(envelope, &self.config)?.recover();
        let transactions = drawn.into_iter().filter_map(|envelope| recover(envelope).ok()).collect();
        let mut source = InOrder::new(transactions);
        let proposed = propose_block(session, &self.config, &self.parent, proposal, &mut source, &mut || true);
        proposed.unwrap_or_else(|fatal| panic!("a transaction stopped the node: {fatal}")).block.block().block()
    }

    fn validate(&self, block: &Block) -> std::result::Result<PreparedBlock, BlockError> {
        execution(&self.engine, |session| validate_block(session, &self.config, &self.parent, block))
    }
}

/// The block with one thing changed.
fn changed(mut block: Block, bytes: &mut Unstructured<'_>) -> Result<Block> {
    let header = &mut block.header;
    let noise = keccak256(bytes.arbitrary::<[u8; 2]>()?);
    let number: u64 = if bytes.arbitrary()? { bytes.arbitrary()? } else { u64::MAX };
    match bytes.int_in_range(0..=20)? {
        0 => header.parent_hash = noise,
        1 => header.ommers_hash = noise,
        2 => header.beneficiary = Address::from_word(noise),
        3 => header.state_root = noise,
        4 => header.transactions_root = noise,
        5 => header.receipts_root = noise,
        6 => header.logs_bloom.0[usize::from(noise[0])] ^= 1,
        7 => header.number = number,
        8 => header.gas_limit = number,
        9 => header.gas_used = number,
        10 => header.timestamp = number,
        11 => header.extra_data = bytes.arbitrary::<Vec<u8>>()?.into(),
        12 => header.mix_hash = noise,
        13 => header.base_fee_per_gas = Some(number).filter(|_| noise[0] > 80),
        14 => header.difficulty = U256::from(number),
        15 => header.nonce = B64::from(number),
        16 => header.withdrawals_root = Some(B256::ZERO),
        17 => header.excess_blob_gas = Some(number),
        18 => block.transactions.reverse(),
        19 => {
            block.transactions.pop();
        }
        _ => {
            let last = block.transactions.last().cloned();
            block.transactions.extend(last);
        }
    }
    Ok(block)
}
