//! Time to compute the state after a block of 5,000 changed accounts, over the time that scalar keccak alone needs for
//! the trie nodes that must be hashed. The ratio, the store's reads and the bytes written are printed first.
//!
//! `ESKER_BENCH_ACCOUNTS` sets the number of accounts (100,000 unless said).

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256, keccak256};
use criterion::Criterion;
use esker_runtime::db::{Batch, MemoryStore, Store, StoreError, Visit};
use esker_runtime::state::{Account, AccountChange, ChangeSet, StateDb, StateOptions, StateReader};
use esker_runtime::trie::Hashed;
use esker_runtime::trie::keccak::{Engine, RATE};
use sha3::{Digest, Keccak256};

const CHANGED: u64 = 5_000;

/// Counts what reaches the store.
struct Counting {
    inner: MemoryStore,
    reads: AtomicU64,
}

impl Store for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.scan(prefix, start, visit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.apply(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }
}

fn address(number: u64) -> Address {
    Address::from_word(keccak256(number.to_be_bytes()))
}

fn account(balance: u64) -> Account {
    Account { nonce: 1, balance: U256::from(balance), ..Account::default() }
}

fn fill(db: &StateDb, accounts: u64) {
    let numbers: Vec<u64> = (0..accounts).collect();
    for (block, numbers) in (0..).zip(numbers.chunks(50_000)) {
        let mut changes = ChangeSet::default();
        for number in numbers {
            let change = AccountChange { before: None, after: Some(account(*number)), storage: Default::default() };
            changes.accounts.insert(address(*number), change);
        }
        let update = db.prepare(&changes, block).expect("fits");
        db.commit(update, Batch::new()).expect("memory works");
    }
}

/// A block that pays to accounts all over the state.
fn block(db: &StateDb, accounts: u64, seed: u64) -> ChangeSet {
    let mut changes = ChangeSet::default();
    let mut draw = 0u64;
    while (changes.accounts.len() as u64) < CHANGED {
        let word = keccak256([seed.to_be_bytes(), draw.to_be_bytes()].concat());
        let address = address(u64::from_be_bytes(word[..8].try_into().expect("8 bytes")) % accounts);
        draw += 1;
        let before = db.account(address).expect("memory works");
        let after = before.map(|before| Account { balance: before.balance + U256::from(1_000_000), ..before });
        changes.accounts.insert(address, AccountChange { before, after, storage: Default::default() });
    }
    changes
}

/// Hashes as many messages of the same numbers of blocks as the update did, one after the other.
fn floor(hashed: &Hashed) -> B256 {
    let message = [0x5a; RATE * 8];
    let mut last = B256::ZERO;
    for (blocks, count) in hashed.nodes.iter().enumerate().skip(1) {
        for _ in 0..*count {
            // A message of n blocks is at most one byte shorter than they are, for the padding.
            last = B256::from_slice(&Keccak256::digest(black_box(&message[..blocks * RATE - 4])));
        }
    }
    last
}

/// The fastest of some runs: what the work takes when nothing disturbs it.
fn fastest(mut run: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..15 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    best
}

fn open(store: &Arc<Counting>, threads: usize) -> StateDb {
    let options = StateOptions { threads, row_cache_bytes: 2 << 30, ..StateOptions::default() };
    StateDb::open_with(Arc::clone(store) as Arc<dyn Store>, options).expect("opens")
}

fn main() {
    let accounts: u64 =
        std::env::var("ESKER_BENCH_ACCOUNTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let store = Arc::new(Counting { inner: MemoryStore::new(), reads: AtomicU64::new(0) });
    fill(&open(&store, 2), accounts);
    let number = open(&store, 1).block_number().expect("filled") + 1;

    // Execution reads the accounts before their root is computed, so only trie reads count as cold.
    let cold = open(&store, 1);
    let changes = block(&cold, accounts, 7);
    let reads_before = store.reads.load(Ordering::Relaxed);
    let update = cold.prepare(&changes, number).expect("fits");
    let cold_reads = store.reads.load(Ordering::Relaxed) - reads_before;
    cold.prepare(&changes, number).expect("fits");
    let warm_reads = store.reads.load(Ordering::Relaxed) - reads_before - cold_reads;
    let hashed = update.hashed();
    let keccak = fastest(|| {
        black_box(floor(&hashed));
    });
    println!("engine {:?}; {accounts} accounts, {CHANGED} changed", Engine::best());
    println!("nodes hashed: {} ({} bytes)", hashed.nodes.iter().sum::<u64>(), hashed.bytes);
    println!("scalar keccak floor: {keccak:?}");
    for threads in [1, 2] {
        let db = open(&store, threads);
        let time = fastest(|| {
            black_box(db.prepare(&changes, number).expect("fits"));
        });
        println!("prepare on {threads} thread(s): {time:?}, {:.2} x floor", time.as_secs_f64() / keccak.as_secs_f64());
    }
    println!(
        "per changed leaf: {:.2} store reads cold, {:.2} warm, {:.0} bytes written",
        cold_reads as f64 / CHANGED as f64,
        warm_reads as f64 / CHANGED as f64,
        update.batch().bytes() as f64 / CHANGED as f64
    );

    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    criterion.bench_function("state root, 5,000 changed accounts, one thread", |bencher| {
        bencher.iter(|| cold.prepare(&changes, number).expect("fits"));
    });
    criterion.bench_function("scalar keccak of the same nodes", |bencher| bencher.iter(|| floor(&hashed)));
    criterion.final_summary();
}
