//! A store that fails as a full disk does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::{Address, U256};
use esker::accounts::{Accounts, DEFAULT_MNEMONIC};
use esker::chain::{Chain, Clock, memory_store};
use esker::mempool::{Limits, Pool};
use esker::producer::{Mining, Producer};
use esker::rpc::dev::DevApi;
use esker::rpc::{self, Api};
use esker_runtime::Genesis;
use esker_runtime::db::{Batch, Store, StoreError, Visit};
use esker_runtime::genesis::GenesisAccount;
use esker_vm::{Engine, EngineConfig, EngineKind, Machine};
use jsonrpsee::RpcModule;
use serde_json::{Value, json};

/// A store on a disk that can fill up, or panic.
struct Disk {
    inner: Arc<dyn Store>,
    is_full: AtomicBool,
    is_mad: AtomicBool,
}

impl Store for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(prefix, start, visit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        assert!(!self.is_mad.load(Ordering::SeqCst), "the store went mad");
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::Io("no space left on device".into()));
        }
        self.inner.apply(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }
}

/// A chain on a disk, with all that makes its blocks.
struct Node {
    disk: Arc<Disk>,
    chain: Arc<Chain>,
    producer: Producer,
    from: Address,
    methods: RpcModule<DevApi>,
}

impl Node {
    fn start() -> Self {
        let inner = memory_store();
        let disk = Arc::new(Disk { inner, is_full: AtomicBool::new(false), is_mad: AtomicBool::new(false) });
        let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, 1).expect("a mnemonic");
        let from = accounts.addresses()[0];
        let mut genesis = Genesis::new(31_337, 30_000_000, 1_700_000_000);
        let balance = U256::from(10).pow(U256::from(20));
        genesis.alloc.insert(from, GenesisAccount { balance, ..GenesisAccount::default() });
        let engine = Engine::new(EngineConfig::with_kind(EngineKind::Cranelift)).expect("an engine");
        let machine: Arc<dyn Machine> = Arc::new(engine);
        let chain = Arc::new(Chain::open(disk.clone(), &genesis, machine.clone()).expect("a chain"));
        let (pool, clock) = (Arc::new(Pool::new(Limits::default())), Arc::new(Clock::new()));
        let producer = Producer::start(chain.clone(), pool.clone(), clock.clone(), Address::ZERO, Mining::Instant);
        let producer = producer.expect("a thread");
        let api = Arc::new(Api::new(chain.clone(), pool, clock, machine, Address::ZERO, "test".into()));
        let methods = rpc::dev::module(DevApi::new(api, producer.handle(), accounts)).expect("methods differ");
        Self { disk, chain, producer, from, methods }
    }

    async fn send(&self) -> Value {
        let transaction = json!({"from": self.from, "to": Address::repeat_byte(7), "value": "0x1"});
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction", "params": [transaction]});
        let (answer, _) = self.methods.raw_json_request(&request.to_string(), 1).await.expect("a request");
        serde_json::from_str::<Value>(answer.get()).expect("JSON")
    }

    /// Sends twice, and both are told these words: the first failure ends block production, and nothing is acknowledged
    /// after it either.
    async fn fails_with(&self, words: &str) {
        for _ in 0..2 {
            let answer = self.send().await;
            assert_eq!(answer["error"]["code"], json!(-32603), "{answer}");
            assert!(answer["error"]["message"].as_str().expect("words").contains(words), "{answer}");
        }
        assert_eq!(self.chain.head().block.header.number, 1);
        assert!(self.producer.handle().failed().await.to_string().contains(words));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_block_cannot_be_kept_is_not_acknowledged() {
    let node = Node::start();
    assert!(node.send().await["result"].is_string());
    node.disk.is_full.store(true, Ordering::SeqCst);
    node.fails_with("no space left").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_producer_that_panics_ends_the_node_with_its_reason() {
    let node = Node::start();
    assert!(node.send().await["result"].is_string());
    node.disk.is_mad.store(true, Ordering::SeqCst);
    node.fails_with("the store went mad").await;
}
