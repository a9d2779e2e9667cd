//! A state made anew from its pieces: the same as before, or refused, and never taken for whole before it is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::TrieAccount;
use esker_runtime::db::{Batch, MAX_VALUE_BYTES, MemoryStore, OpenError, SledStore, Store, StoreError, Visit, keys};
use esker_runtime::state::{
    Account, Rebuild, RebuildError, Rebuilt, StateDb, StateItem, StateOptions, StateView, is_unfinished,
};
use esker_runtime::trie::EMPTY_ROOT_HASH;
use esker_runtime::trie::scratch::root_from_scratch;

use super::model::{Model, blocks};
use super::random::run;

/// Most bytes that a rebuilding may write at once.
const BATCH_BYTES_MAX: usize = 16 << 20;

fn items(view: &StateView) -> Vec<StateItem> {
    let mut items = Vec::new();
    let collect = &mut |item| {
        items.push(item);
        Ok::<(), StoreError>(())
    };
    view.visit_items(collect).expect("the state is sound");
    items
}

/// Without the codes of accounts that are gone: on a chain none ever goes.
fn held(items: Vec<StateItem>) -> Vec<StateItem> {
    let hash = |item: &StateItem| match item {
        StateItem::Account { account, .. } => Some(account.code_hash),
        _ => None,
    };
    let hashes: BTreeSet<B256> = items.iter().filter_map(hash).collect();
    let is_held = |item: &StateItem| !matches!(item, StateItem::Code(code) if !hashes.contains(&keccak256(code)));
    items.into_iter().filter(is_held).collect()
}

fn rebuild(store: Arc<dyn Store>, items: &[StateItem], root: B256, block: u64) -> Result<Rebuilt, RebuildError> {
    let mut rebuild = Rebuild::begin(store, 2)?;
    for item in items {
        rebuild.add(item.clone())?;
    }
    rebuild.finish(root, block, Batch::new())
}

/// Random blocks, copied to the store that `fresh` gives, then one more block on both.
fn copies_go_on_alike(cases: u32, fresh: impl Fn() -> (Option<tempfile::TempDir>, Arc<dyn Store>)) {
    run(cases, blocks(12), |mut blocks| {
        let last = blocks.pop().unwrap_or_default();
        let db = StateDb::open(Arc::new(MemoryStore::new())).expect("opens");
        let mut model = Model::default();
        for (number, block) in (0..).zip(&blocks) {
            let update = db.prepare(&model.apply(block), number).expect("fits");
            db.commit(update, Batch::new()).expect("memory");
        }
        let number = blocks.len() as u64;
        if number == 0 {
            return;
        }
        let items = held(items(&db.snapshot()));
        let (_folder, store) = fresh();
        rebuild(Arc::clone(&store), &items, db.root(), number - 1).expect("the pieces are a state");
        let copy = StateDb::open_with(store, StateOptions { threads: 1, ..StateOptions::default() }).expect("whole");
        assert_eq!((copy.root(), copy.block_number()), (db.root(), db.block_number()));
        assert_eq!(copy.verify().expect("sound"), db.verify().expect("sound"));
        assert_eq!(self::items(&copy.snapshot()), items);
        let changes = model.apply(&last);
        let [one, other] = [&db, &copy].map(|db| db.prepare(&changes, number).expect("fits"));
        assert_eq!((one.root, other.root), (model.root(), model.root()));
        copy.commit(other, Batch::new()).expect("the store works");
        copy.verify().expect("sound");
    });
}

#[test]
fn random_states_come_back_and_go_on_alike() {
    copies_go_on_alike(60, || (None, Arc::new(MemoryStore::new())));
}

#[test]
fn random_states_come_back_on_sled() {
    copies_go_on_alike(3, || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = SledStore::open(folder.path(), 1 << 20).expect("opens");
        (Some(folder), Arc::new(store))
    });
}

/// A store that counts what is written at once, and fails from some batch on.
struct Watched {
    inner: MemoryStore,
    largest: AtomicUsize,
    batches: AtomicUsize,
    fails_at: usize,
}

impl Watched {
    fn failing_at(fails_at: usize) -> Self {
        Self { inner: MemoryStore::new(), largest: 0.into(), batches: 0.into(), fails_at }
    }
}

impl Store for Watched {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(prefix, start, visit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        if self.batches.fetch_add(1, Ordering::SeqCst) >= self.fails_at {
            return Err(StoreError::Io("no space left on device".into()));
        }
        self.largest.fetch_max(batch.bytes(), Ordering::SeqCst);
        self.inner.apply(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Key number `index` of `count` in rising order, spread over all keys.
fn spread(index: u64, count: u64) -> B256 {
    let first = u64::MAX / count * index;
    let mut key = keccak256(index.to_be_bytes());
    key[..8].copy_from_slice(&first.to_be_bytes());
    key
}

/// A state with more of everything than is written at once, and its root the slow way.
fn large() -> (Vec<StateItem>, B256) {
    const ACCOUNTS: u64 = 9_000;
    const SLOTS: u64 = 20_000;
    let mut codes: Vec<(B256, Bytes)> = (0..100u64)
        .map(|number| {
            let code: Bytes = [number.to_be_bytes().as_slice(), &[7; 60_000]].concat().into();
            (keccak256(&code), code)
        })
        .collect();
    codes.sort();
    let mut items: Vec<StateItem> = codes.iter().map(|(_, code)| StateItem::Code(code.clone())).collect();
    let mut leaves = Vec::new();
    for number in 0..ACCOUNTS {
        // One has many slots, some have a few, most have none.
        let slots = match number {
            4_321 => SLOTS,
            _ if number % 5 == 0 => 3,
            _ => 0,
        };
        let value = |slot: u64| B256::from(U256::from(number * 31 + slot + 1));
        let rlp = |slot: u64| alloy_rlp::encode(U256::from_be_bytes(value(slot).0));
        let storage: Vec<(B256, Vec<u8>)> = (0..slots).map(|slot| (spread(slot, slots), rlp(slot))).collect();
        let storage_root = root_from_scratch(&storage);
        let code_hash = codes.get(number as usize).map_or(KECCAK256_EMPTY, |(hash, _)| *hash);
        let account = Account { nonce: number, balance: U256::from(number), code_hash };
        let hashed_address = spread(number, ACCOUNTS);
        items.push(StateItem::Account { hashed_address, account, storage_root });
        items.extend(
            storage.iter().zip(0..).map(|((key, _), slot)| StateItem::Slot { hashed_slot: *key, value: value(slot) }),
        );
        let Account { nonce, balance, .. } = account;
        leaves.push((hashed_address, alloy_rlp::encode(TrieAccount { nonce, balance, storage_root, code_hash })));
    }
    (items, root_from_scratch(&leaves))
}

#[test]
fn a_large_state_is_written_in_bounded_batches() {
    let (items, root) = large();
    let store = Arc::new(Watched::failing_at(usize::MAX));
    let rebuilt = rebuild(store.clone(), &items, root, 7).expect("the pieces are a state");
    assert_eq!(rebuilt, Rebuilt { accounts: 9_000, slots: 20_000 + 3 * 1_800, codes: 100 });
    let batches = store.batches.load(Ordering::SeqCst);
    assert!(batches >= 7, "only {batches} batches");
    let largest = store.largest.load(Ordering::SeqCst);
    assert!(largest <= BATCH_BYTES_MAX, "{largest} bytes at once");
    let db = StateDb::open(store).expect("whole");
    assert_eq!(db.verify().expect("sound").root, root);
    assert_eq!(self::items(&db.snapshot()), items);
}

#[test]
fn wherever_the_store_fails_the_state_is_not_there_or_says_that_it_is_incomplete() {
    let (items, root) = large();
    for fails_at in 0.. {
        let store = Arc::new(Watched::failing_at(fails_at));
        let rebuilt = rebuild(store.clone(), &items, root, 7);
        let mut rows = Batch::new();
        store
            .scan(&[], &[], &mut |key, value| {
                rows.put(key, value);
                std::ops::ControlFlow::Continue(())
            })
            .expect("memory");
        let after = Arc::new(MemoryStore::new());
        after.apply(rows).expect("memory");
        if rebuilt.is_ok() {
            assert!(fails_at > 6, "after {fails_at} batches");
            assert_eq!(StateDb::open(after).expect("whole").root(), root);
            break;
        }
        let marked = is_unfinished(after.as_ref()).expect("memory");
        match StateDb::open(after.clone()) {
            Err(error) => assert!(error == OpenError::Unfinished && marked, "after {fails_at} batches: {error}"),
            Ok(db) => assert!(!marked && fails_at <= 2 && db.block_number().is_none(), "after {fails_at} batches"),
        }
        let again = Rebuild::begin(after, 1).err();
        assert!(!marked || again == Some(RebuildError::Open(OpenError::Unfinished)), "it is not gone on with");
    }
}

fn account(first: u8, storage_root: B256, code_hash: B256) -> StateItem {
    let account = Account { nonce: 1, balance: U256::from(first), code_hash };
    StateItem::Account { hashed_address: B256::repeat_byte(first), account, storage_root }
}

fn plain(first: u8) -> StateItem {
    account(first, EMPTY_ROOT_HASH, KECCAK256_EMPTY)
}

fn slot(first: u8, value: u8) -> StateItem {
    StateItem::Slot { hashed_slot: B256::repeat_byte(first), value: B256::with_last_byte(value) }
}

#[test]
fn pieces_that_are_no_state_are_refused() {
    let code = |text: &'static str| StateItem::Code(Bytes::from_static(text.as_bytes()));
    let (low, high) = {
        let mut codes = [keccak256("one"), keccak256("two")].into_iter().zip(["one", "two"]).collect::<Vec<_>>();
        codes.sort_unstable();
        (codes[0], codes[1])
    };
    let stored = root_from_scratch(&[(B256::repeat_byte(5), alloy_rlp::encode(9u8))]);
    type Expected = fn(&RebuildError) -> bool;
    let order: Expected = |error| matches!(error, RebuildError::Order { .. });
    let misplaced: Expected = |error| matches!(error, RebuildError::Misplaced(_));
    let storage: Expected = |error| matches!(error, RebuildError::StorageRoot { .. });
    let cases: Vec<(&str, Vec<StateItem>, Expected)> = vec![
        ("accounts the wrong way round", vec![plain(2), plain(1)], order),
        ("an account twice", vec![plain(1), plain(1)], order),
        ("codes the wrong way round", vec![code(high.1), code(low.1)], order),
        ("a code twice", vec![code("one"), code("one")], order),
        ("slots the wrong way round", vec![account(1, stored, KECCAK256_EMPTY), slot(6, 1), slot(5, 9)], order),
        ("a slot twice", vec![account(1, stored, KECCAK256_EMPTY), slot(5, 9), slot(5, 9)], order),
        ("a slot before any account", vec![slot(5, 9)], misplaced),
        ("a slot of an account without storage", vec![plain(1), slot(5, 9)], misplaced),
        ("a slot that is zero", vec![account(1, stored, KECCAK256_EMPTY), slot(5, 0)], misplaced),
        ("a code among the accounts", vec![plain(1), code("one")], misplaced),
        ("an empty code", vec![code("")], misplaced),
        ("another value", vec![account(1, stored, KECCAK256_EMPTY), slot(5, 8)], storage),
        ("another slot", vec![account(1, stored, KECCAK256_EMPTY), slot(4, 9)], storage),
        ("a slot too few", vec![account(1, stored, KECCAK256_EMPTY)], storage),
        ("a slot too many", vec![account(1, stored, KECCAK256_EMPTY), slot(5, 9), slot(6, 9)], storage),
        ("no code", vec![account(1, EMPTY_ROOT_HASH, low.0)], |error| {
            matches!(error, RebuildError::MissingCode { .. })
        }),
        ("a code of nobody", vec![code("one"), plain(1)], |error| matches!(error, RebuildError::ExtraCode(_))),
        ("another account", vec![plain(2)], |error| matches!(error, RebuildError::Root { .. })),
        ("no account", vec![], |error| matches!(error, RebuildError::Root { .. })),
    ];
    for (what, items, expected) in cases {
        let store = Arc::new(MemoryStore::new());
        // Where the pieces are those of a state, it is another one than is wanted, or lacks nothing but a holder of a code.
        let root = if what == "a code of nobody" { root_of(&[plain(1)]) } else { B256::repeat_byte(0xee) };
        let error = rebuild(store.clone(), &items, root, 0).expect_err(what);
        assert!(expected(&error), "{what}: {error}");
        assert_eq!(StateDb::open(store).err(), Some(OpenError::Unfinished), "{what}");
    }
}

/// The root of a state of accounts without storage.
fn root_of(items: &[StateItem]) -> B256 {
    let leaf = |item: &StateItem| match item {
        StateItem::Account { hashed_address, account, storage_root } => {
            let Account { nonce, balance, code_hash } = *account;
            let leaf = TrieAccount { nonce, balance, storage_root: *storage_root, code_hash };
            Some((*hashed_address, alloy_rlp::encode(leaf)))
        }
        _ => None,
    };
    root_from_scratch(&items.iter().filter_map(leaf).collect::<Vec<_>>())
}

#[test]
fn a_store_that_holds_anything_is_left_as_it_is() {
    let store = Arc::new(MemoryStore::new());
    let db = StateDb::open(store.clone()).expect("opens");
    let update = db.prepare(&Default::default(), 0).expect("fits");
    db.commit(update, Batch::new()).expect("memory");
    assert_eq!(Rebuild::begin(store.clone(), 1).err(), Some(RebuildError::NotEmpty));
    assert_eq!(store.get(&[keys::REBUILD]), Ok(None));
    StateDb::open(store).expect("as before");
}

#[test]
fn tables_that_would_write_into_the_rebuilt_state_are_refused() {
    let (_, db) = super::verify::filled();
    let items = items(&db.snapshot());
    let account = keys::account(&keccak256(super::model::address(3)));
    let mut into_the_state = Batch::new();
    into_the_state.delete(account);
    let mut too_long = Batch::new();
    too_long.put([keys::METADATA], [1; MAX_VALUE_BYTES + 1]);
    for tables in [into_the_state, too_long] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let mut rebuild = Rebuild::begin(Arc::clone(&store), 1).expect("an empty store");
        for item in &items {
            rebuild.add(item.clone()).expect("sound");
        }
        let error = rebuild.finish(db.root(), 0, tables).expect_err("refused");
        assert!(matches!(error, RebuildError::Store(StoreError::Mismatch(_))), "{error}");
        assert!(matches!(StateDb::open(store), Err(OpenError::Unfinished)), "it is still incomplete");
    }
}
