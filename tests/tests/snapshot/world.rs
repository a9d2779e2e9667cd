//! Chains to make snapshots of.

use std::sync::{Arc, OnceLock};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use esker::chain::{Chain, Origin};
use esker::snapshot::{Imported, Snapshot, SnapshotError, export};
use esker_runtime::block::InOrder;
use esker_runtime::db::{MemoryStore, Store};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::StateDb;
use esker_runtime::{Block, Genesis, Proposal, Transaction};
use esker_tests::script::{self, CommittedArtifact, Wallets};
use esker_vm::{Engine, EngineConfig, EngineKind};

/// A contract that stores the hash of the block whose number (u64, little-endian) is its input, in the slot that the
/// input is.
pub const HASHER: Address = Address::repeat_byte(0x1a);
/// An account of the genesis with code and slots.
pub const KEEPER: Address = Address::repeat_byte(0x2b);

const HASHER_WAT: &str = r#"
(module
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "block_hash" (func $block_hash (param i64 i32)))
  (import "esker_v1" "storage_store" (func $storage_store (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "call")
    (call $input_copy (i32.const 0) (i32.const 0) (i32.const 8))
    (call $block_hash (i64.load (i32.const 0)) (i32.const 32))
    (call $storage_store (i32.const 0) (i32.const 32))))
"#;

pub fn machine() -> Arc<Engine> {
    static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();
    let start = || Engine::new(EngineConfig::with_kind(EngineKind::Pulley)).expect("the engine starts");
    ENGINE.get_or_init(|| Arc::new(start())).clone()
}

fn code(text: &str) -> Bytes {
    esker_vm::envelope::encode(&wat::parse_str(text).expect("the text is a module")).into()
}

/// A chain in memory that is made to grow.
pub struct World {
    pub chain: Chain,
    pub store: Arc<dyn Store>,
    pub wallets: Wallets,
}

impl World {
    pub fn new() -> Self {
        Self::with(&genesis())
    }

    pub fn with(genesis: &Genesis) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let chain = Chain::open(store.clone(), genesis, machine()).expect("an empty store opens");
        Self { chain, store, wallets: Wallets::default() }
    }

    /// Makes a block of these transactions, all of which must fit.
    pub fn mine(&mut self, raw: &[Bytes]) {
        let block = self.propose(raw);
        self.chain.commit(block).expect("the store works");
    }

    pub fn propose(&self, raw: &[Bytes]) -> esker_runtime::PreparedBlock {
        let decode = |raw: &Bytes| Transaction::decode(raw, self.chain.config()).expect("a valid transaction");
        self.propose_decoded(raw.iter().map(decode).collect())
    }

    pub fn propose_decoded(&self, transactions: Vec<Transaction>) -> esker_runtime::PreparedBlock {
        let count = transactions.len();
        let parent = self.chain.head().as_parent().expect("the head's own state");
        let timestamp = parent.header().timestamp + 1;
        let proposal = Proposal { timestamp, beneficiary: Address::repeat_byte(0xcb), round: 0 };
        let mut source = InOrder::new(transactions);
        let proposed = self.chain.propose(&parent, proposal, &mut source, &mut || true).expect("the node works");
        assert_eq!(proposed.block.block().transactions.len(), count, "{:?}", proposed.refused);
        proposed.block
    }

    pub fn mine_empty(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.mine(&[]);
        }
    }

    pub fn number(&self) -> u64 {
        self.chain.head().block.header.number
    }

    pub fn hash(&self) -> B256 {
        self.chain.head().block.hash
    }

    /// Asks the hasher for a block's hash.
    pub fn ask(&mut self, from: usize, number: u64) -> Bytes {
        self.wallets.send(from, TxKind::Call(HASHER), 0, number.to_le_bytes().to_vec().into(), 300_000)
    }

    /// A token is made, and moves.
    pub fn mine_tokens(&mut self, transfers: u64) {
        let erc20 = CommittedArtifact::read("Erc20");
        let uint = |number: u64| DynSolValue::Uint(U256::from(number), 256);
        let name = |text: &str| DynSolValue::String(text.to_owned());
        let token = self.wallets.address(0).create(0);
        let deploy = erc20.deploy(&[name("Gold"), name("GLD"), uint(1_000_000)]);
        let creation = self.wallets.send(0, TxKind::Create, 0, deploy, 20_000_000);
        self.mine(&[creation]);
        for number in 0..transfers {
            let to = DynSolValue::Address(Address::left_padding_from(&(number + 0xf000).to_be_bytes()));
            let input = erc20.call("transfer", &[to, uint(number + 1)]);
            let transfer = self.wallets.send(0, TxKind::Call(token), 0, input, 300_000);
            self.mine(&[transfer]);
        }
    }

    /// The snapshot of the head.
    pub fn export(&self) -> Vec<u8> {
        let db = StateDb::open(self.store.clone()).expect("a sound store");
        exported(&db)
    }
}

pub fn exported(db: &StateDb) -> Vec<u8> {
    let mut file = Vec::new();
    let exported = export(db, &mut file, &mut |_| {}).expect("the chain is sound");
    assert_eq!(exported.bytes, file.len() as u64);
    file
}

/// Coins for the script's accounts, the hasher, and the keeper with slots.
pub fn genesis() -> Genesis {
    let mut genesis = script::genesis();
    genesis.alloc.insert(HASHER, GenesisAccount { nonce: 1, code: code(HASHER_WAT), ..GenesisAccount::default() });
    let storage = (1..40u64).map(|slot| (B256::from(U256::from(slot)), B256::from(U256::from(slot) << (slot * 5))));
    let keeper = GenesisAccount {
        nonce: 1,
        code: code("(module (memory (export \"memory\") 1) (func (export \"call\")))"),
        storage: storage.collect(),
        ..GenesisAccount::default()
    };
    genesis.alloc.insert(KEEPER, keeper);
    genesis
}

/// Imports into a new store in memory.
pub fn import(file: &[u8], trusted: B256) -> (Arc<dyn Store>, Result<Imported, SnapshotError>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let imported = Snapshot::read(file, trusted).and_then(|snapshot| snapshot.import(store.clone(), &mut |_| {}));
    (store, imported)
}

/// Imports what must be sound, and opens the chain.
pub fn imported(file: &[u8], trusted: B256) -> (Arc<dyn Store>, Chain) {
    let (store, imported) = import(file, trusted);
    imported.expect("the snapshot is sound");
    let chain = Chain::open_existing(store.clone(), "memory", machine()).expect("the chain is whole");
    (store, chain)
}

/// Imports what must be refused, and makes sure that nothing is left that passes for a chain. Returns the reason.
pub fn refused(file: &[u8], trusted: B256, what: &str) -> String {
    let (store, imported) = import(file, trusted);
    let error = match imported {
        Ok(imported) => panic!("{what} was imported: {imported:?}"),
        Err(error) => error,
    };
    assert!(error.is_refusal(), "{what}: {error}");
    if let Ok(db) = StateDb::open(store.clone()) {
        assert_eq!(db.block_number(), None, "{what}");
        assert!(Origin::read(&db).expect("memory").is_none(), "{what}");
    }
    assert!(Chain::open_existing(store, "memory", machine()).is_err(), "{what}");
    error.to_string()
}

/// A block as another node would get it.
pub fn block(prepared: &esker_runtime::PreparedBlock) -> Block {
    prepared.block().block()
}
