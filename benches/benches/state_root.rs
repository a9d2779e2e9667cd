//! Time of a state root after a block of 5,000 changed accounts, over the time that scalar keccak alone needs for the
//! trie nodes that must be hashed. Two times: the root (from sorted leaves to root and branch records), and the whole
//! of `prepare` (reading and checking the rows, the root, the reverse diff, the sorted batch). Ratios, store reads and
//! bytes written are printed first.
//!
//! `ESKER_BENCH_ACCOUNTS` sets the number of accounts (100,000 unless said).

use esker_benches as _;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use alloy_consensus::TrieAccount;
use alloy_primitives::{Address, B256, U256, keccak256};
use criterion::Criterion;
use esker_runtime::db::{Batch, MemoryStore, Store, StoreError, Visit, keys};
use esker_runtime::state::{Account, AccountChange, ChangeSet, StateDb, StateOptions, StateReader, StateView};
use esker_runtime::trie::keccak::{Engine, RATE};
use esker_runtime::trie::{self, EMPTY_ROOT_HASH, Hashed, LeafChange, Path, Shape, TrieChanges, TrieReader};
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

/// Time that this thread has had a processor, where the system tells (Linux); else the time of day. On a busy machine
/// only the former compares.
fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok()).filter(|nanoseconds| *nanoseconds > 0);
    told.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// The fastest of some rounds: what the work takes when nothing disturbs it. Ten runs make a round, since the system
/// counts processor time in steps.
fn fastest(now: impl Fn() -> Duration, mut run: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = now();
        for _ in 0..10 {
            run();
        }
        best = best.min((now() - start) / 10);
    }
    best
}

/// The account trie, read through a view's cache.
struct AccountTrie(StateView);

impl TrieReader for AccountTrie {
    fn branch(&self, path: &Path) -> Result<Option<Arc<[u8]>>, StoreError> {
        self.0.get(&keys::account_branch(path))
    }

    fn first_leaf(&self, _: &Path) -> Result<Option<(B256, Vec<u8>)>, StoreError> {
        unreachable!("no account comes or goes")
    }
}

fn leaves(changes: &ChangeSet) -> Vec<LeafChange> {
    let leaf = |(address, change): (&Address, &AccountChange)| {
        let Account { nonce, balance, code_hash } = change.after?;
        let account = TrieAccount { nonce, balance, storage_root: EMPTY_ROOT_HASH, code_hash };
        Some(LeafChange { key: keccak256(address), existed: true, value: Some(alloy_rlp::encode(account)) })
    };
    let mut leaves: Vec<LeafChange> = changes.accounts.iter().filter_map(leaf).collect();
    leaves.sort_by_key(|change| change.key);
    leaves
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
    let keccak = fastest(processor_time, || {
        black_box(floor(&hashed));
    });
    println!("engine {:?}; {accounts} accounts, {CHANGED} changed", Engine::best());
    println!("nodes hashed: {} ({} bytes)", hashed.nodes.iter().sum::<u64>(), hashed.bytes);
    println!("scalar keccak floor: {keccak:?}");
    let trie = AccountTrie(cold.snapshot());
    let leaves = leaves(&changes);
    let root_of = |leaves: &[LeafChange]| {
        let changes = TrieChanges { reader: &trie, shape: Shape::Branch(Path::ROOT), changes: leaves };
        trie::update(&[changes], 1).expect("sound").0[0].root
    };
    assert_eq!(root_of(&leaves), update.root, "both ways lead to one root");
    let root = fastest(processor_time, || {
        black_box(root_of(&leaves));
    });
    println!(
        "root on one thread: {root:?} of processor time, {:.2} x floor",
        root.as_secs_f64() / keccak.as_secs_f64()
    );
    let one = fastest(processor_time, || {
        black_box(cold.prepare(&changes, number).expect("fits"));
    });
    println!(
        "prepare on one thread: {one:?} of processor time, {:.2} x floor",
        one.as_secs_f64() / keccak.as_secs_f64()
    );
    let since = Instant::now();
    for threads in [1, 2] {
        let db = open(&store, threads);
        let wall = fastest(
            || since.elapsed(),
            || {
                black_box(db.prepare(&changes, number).expect("fits"));
            },
        );
        println!("prepare on {threads} thread(s): {wall:?} by the clock");
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
