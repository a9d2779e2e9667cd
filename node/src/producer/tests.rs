//! The producer on stores that are slow, and at paces that cannot be kept.

use std::sync::OnceLock;

use alloy_consensus::{TxEip1559, TypedTransaction};
use alloy_primitives::{B256, TxKind, U256};
use esker_runtime::db::{Batch, MemoryStore, Store, Visit};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::{Genesis, SignedTransaction};
use esker_vm::{Engine, EngineConfig};

use super::*;
use crate::accounts::{Accounts, DEFAULT_MNEMONIC};
use crate::mempool::Limits;
use crate::mempool::submit::submit;

const CHAIN_ID: u64 = 31_337;
/// For what should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a batch wait, from the first block on, until the block after it is executed: its timestamp has moved the clock.
struct Waiting {
    inner: MemoryStore,
    clock: Arc<Clock>,
    /// When the clock shows this, a block was executed upon one that is not durable; from the test on.
    until: OnceLock<u64>,
    has_waited: AtomicBool,
}

impl Store for Waiting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(prefix, start, visit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let begun = Instant::now();
        if let Some(until) = self.until.get()
            && !self.has_waited.swap(true, Ordering::SeqCst)
        {
            while self.clock.now() < *until {
                if begun.elapsed() > PATIENCE {
                    return Err(StoreError::Io("nobody executed the next block meanwhile".into()));
                }
                std::thread::yield_now();
            }
        }
        self.inner.apply(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }
}

/// A chain whose blocks hold five plain transfers.
fn chain(store: Arc<dyn Store>, accounts: &Accounts) -> Arc<Chain> {
    let engine = Engine::new(EngineConfig::default()).expect("the engine starts");
    let mut genesis = Genesis::new(CHAIN_ID, 5 * 21_000, 1_000);
    let balance = U256::from(10).pow(U256::from(20));
    for address in accounts.addresses() {
        genesis.alloc.insert(*address, GenesisAccount { balance, ..GenesisAccount::default() });
    }
    Arc::new(Chain::open(store, &genesis, Arc::new(engine)).expect("a new chain begins"))
}

fn accounts() -> Accounts {
    Accounts::from_mnemonic(DEFAULT_MNEMONIC, 3).expect("a mnemonic")
}

async fn at_once<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it happens")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pace_that_cannot_be_kept_leaves_time_for_orders() {
    let chain = chain(Arc::new(MemoryStore::new()), &accounts());
    let (pool, clock) = (Arc::new(Pool::new(Limits::default())), Arc::new(Clock::new()));
    let mining = Mining::Interval(Duration::from_nanos(1));
    let producer = Producer::start(chain, pool, clock, Address::ZERO, mining).expect("a thread");
    let handle = producer.handle();
    let mined = tokio::time::timeout(PATIENCE, handle.mine(1, None)).await;
    if mined.is_err() {
        // Else the end of the test would wait for ever too.
        handle.set_mining(Mining::Manual);
    }
    assert_eq!(mined, Ok(Ok(())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_executed_while_the_one_before_becomes_durable() {
    let clock = Arc::new(Clock::new());
    let (inner, until, has_waited) = (MemoryStore::new(), OnceLock::new(), AtomicBool::new(false));
    let store = Arc::new(Waiting { inner, clock: clock.clone(), until, has_waited });
    let chain = chain(store.clone(), &accounts());
    let pool = Arc::new(Pool::new(Limits::default()));
    let producer = Producer::start(chain.clone(), pool, clock.clone(), Address::ZERO, Mining::Manual);
    let producer = producer.expect("a thread");
    let interval = 1_000_000;
    store.until.set(clock.now() + interval).expect("set once");
    assert_eq!(at_once(producer.handle().mine(3, Some(interval))).await, Ok(()));
    assert!(store.has_waited.load(Ordering::SeqCst));
    // Whoever asked is answered when all are durable.
    assert_eq!(chain.head().block.header.number, 3);
    let times: Vec<u64> =
        (1..=3).map(|number| chain.header(number).expect("readable").expect("there").timestamp).collect();
    assert_eq!((times[1] - times[0], times[2] - times[1]), (interval, interval));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_block_that_is_not_durable_yet_is_in_no_other() {
    let accounts = accounts();
    let chain = chain(Arc::new(MemoryStore::new()), &accounts);
    let (pool, clock) = (Arc::new(Pool::new(Limits::default())), Arc::new(Clock::new()));
    chain.follow(pool.clone());
    let producer = Producer::start(chain.clone(), pool.clone(), clock, Address::ZERO, Mining::Manual);
    let producer = producer.expect("a thread");
    let mut sent = Vec::new();
    // Nonces of each sender in order, over many more blocks than one.
    for nonce in 0..60 {
        for from in accounts.addresses() {
            let transfer = TypedTransaction::Eip1559(TxEip1559 {
                chain_id: CHAIN_ID,
                nonce,
                gas_limit: 21_000,
                max_fee_per_gas: 100_000_000_000,
                max_priority_fee_per_gas: u128::from(nonce % 7),
                to: TxKind::Call(Address::repeat_byte(0xee)),
                value: U256::from(1),
                ..TxEip1559::default()
            });
            let envelope = accounts.sign(*from, transfer).expect("signs");
            let signed = SignedTransaction::from_envelope(envelope, chain.config()).expect("well-formed");
            let transaction = signed.recover().expect("signed");
            sent.push(transaction.hash());
            submit(&chain, &pool, transaction).expect("taken");
        }
    }
    producer.handle().set_mining(Mining::Interval(Duration::from_nanos(1)));
    let mut heads = chain.watch();
    let mut found: Vec<B256> = Vec::new();
    at_once(async {
        let mut number = 1;
        while found.len() < sent.len() {
            heads.wait_for(|head| *head >= number).await.expect("blocks are made");
            let block = chain.block(number).expect("readable").expect("there");
            found.extend(block.transactions.iter().map(|transaction| transaction.hash()));
            number += 1;
        }
    })
    .await;
    producer.handle().set_mining(Mining::Manual);
    assert!(chain.head().block.header.number >= 36, "five a block");
    found.sort();
    sent.sort();
    assert_eq!(found, sent);
    let status = pool.status();
    assert_eq!((status.pending, status.queued), (0, 0));
}
