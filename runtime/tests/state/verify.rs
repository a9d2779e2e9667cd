//! What `verify` finds: every kind of damage, as the store holds it, whatever is cached above.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::{B256, Bytes, keccak256};
use esker_runtime::db::{Batch, MAX_VALUE_BYTES, MemoryStore, OpenError, Store, StoreError, Visit, keys};
use esker_runtime::state::{
    Account, ChangeSet, SlotChange, StateDb, StateReader, VerifyError, VerifyProgress, VerifyReport,
};
use esker_runtime::trie::Path;

use super::model::{address, slot};
use super::rules::{memory, paid, pay, rows};

/// The account with code and slots.
const CONTRACT: u16 = 7;
/// Another one with slots, whose trie is one leaf.
const SMALL: u16 = 8;

fn code() -> Bytes {
    vec![7; 5000].into()
}

/// A state of many accounts, one of which has many slots and a code of two chunks.
pub fn filled() -> (Arc<MemoryStore>, StateDb) {
    let (store, db) = memory();
    let mut changes = ChangeSet::default();
    for number in 0..300 {
        changes.accounts.extend(pay(number, None, paid(u64::from(number) + 1)).accounts);
    }
    let hash = keccak256(code());
    changes.codes.insert(hash, code());
    let contract = changes.accounts.get_mut(&address(CONTRACT)).expect("just put there");
    contract.after = Some(Account { code_hash: hash, ..Account::default() });
    for number in 0..200 {
        contract.storage.insert(slot(number), SlotChange { before: B256::ZERO, after: B256::repeat_byte(9) });
    }
    let small = changes.accounts.get_mut(&address(SMALL)).expect("just put there");
    small.storage.insert(slot(1), SlotChange { before: B256::ZERO, after: B256::repeat_byte(5) });
    db.commit(db.prepare(&changes, 0).expect("fits"), Batch::new()).expect("memory");
    (store, db)
}

/// The keys of a table, without those that opening looks at.
fn keys_of(store: &dyn Store, table: u8) -> Vec<Vec<u8>> {
    let root = keys::account_branch(&Path::ROOT);
    let keys = rows(store).into_iter().map(|(key, _)| key);
    keys.filter(|key| key[0] == table && key[..] != root[..]).collect()
}

/// Verifies the damaged store with every cache warm, and then anew, unless it is refused already on opening.
fn verified(damage: &dyn Fn(&dyn Store) -> Batch) -> Vec<Result<VerifyReport, VerifyError>> {
    let (store, db) = filled();
    let view = db.snapshot();
    for (key, _) in rows(store.as_ref()) {
        view.get(&key).expect("memory");
    }
    assert_eq!(db.code(keccak256(code())), Ok(Some(code())), "it is in the cache now");
    db.verify().expect("sound before it is damaged");
    store.apply(damage(store.as_ref())).expect("memory");
    let mut results = vec![db.verify()];
    match StateDb::open(store) {
        Ok(reopened) => results.push(reopened.verify()),
        Err(error) => assert!(matches!(error, OpenError::Store(StoreError::Corrupt(_))), "{error}"),
    }
    results
}

/// The damage must be found and be named so.
fn found(what: &str, is_named: impl Fn(&VerifyError) -> bool, damage: impl Fn(&dyn Store) -> Batch) {
    for (result, cache) in verified(&damage).into_iter().zip(["warm", "cold"]) {
        match result {
            Ok(_) => panic!("{what}, {cache} caches: not found"),
            Err(error) => assert!(is_named(&error), "{what}, {cache} caches: {error}"),
        }
    }
}

fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Batch {
    let mut batch = Batch::new();
    batch.put(key, value);
    batch
}

fn delete(key: impl Into<Vec<u8>>) -> Batch {
    let mut batch = Batch::new();
    batch.delete(key);
    batch
}

fn row(store: &dyn Store, key: &[u8]) -> Vec<u8> {
    store.get(key).expect("memory").expect("there")
}

fn is_root(error: &VerifyError) -> bool {
    matches!(error, VerifyError::Root { .. })
}

fn is_storage_root(error: &VerifyError) -> bool {
    matches!(error, VerifyError::StorageRoot { .. })
}

fn is_branches(error: &VerifyError) -> bool {
    matches!(error, VerifyError::Branches { .. })
}

fn is_code(error: &VerifyError) -> bool {
    matches!(error, VerifyError::Code { .. } | VerifyError::DamagedCode { .. })
}

#[test]
fn every_missing_row_is_found_wherever_it_stood() {
    let (store, _) = filled();
    type Named = fn(&VerifyError) -> bool;
    let tables: [(u8, Named); 5] = [
        (keys::ACCOUNT, is_root),
        (keys::STORAGE, is_storage_root),
        (keys::ACCOUNT_BRANCH, is_branches),
        (keys::STORAGE_BRANCH, is_branches),
        (keys::CODE, is_code),
    ];
    for (table, named) in tables {
        let keys = keys_of(store.as_ref(), table);
        assert!(!keys.is_empty(), "table {}", char::from(table));
        for key in [0, keys.len() / 2, keys.len() - 1].map(|index| keys[index].clone()) {
            found(&format!("a missing row of table {}", char::from(table)), named, |_| delete(key.clone()));
        }
    }
}

#[test]
fn an_extra_or_changed_leaf_is_found() {
    let account = keys::account(&keccak256(address(3)));
    let some_slot = |store: &dyn Store| keys_of(store, keys::STORAGE)[20].clone();
    found("an extra account", is_root, |store| put(keys::account(&B256::repeat_byte(0x61)), row(store, &account)));
    found("a changed account", is_root, |store| {
        let mut changed = row(store, &account);
        *changed.last_mut().expect("not empty") ^= 1;
        put(account, changed)
    });
    found("a changed slot", is_storage_root, |store| put(some_slot(store), vec![1, 2, 3]));
    found("an extra slot", is_storage_root, |store| {
        let mut key = some_slot(store);
        *key.last_mut().expect("not empty") ^= 1;
        put(key, vec![1])
    });
}

#[test]
fn an_extra_or_changed_branch_record_is_found() {
    for table in [keys::ACCOUNT_BRANCH, keys::STORAGE_BRANCH] {
        found("a changed record", is_branches, |store| {
            let key = keys_of(store, table).pop().expect("there");
            let mut record = row(store, &key);
            *record.last_mut().expect("not empty") ^= 1;
            put(key, record)
        });
        found("a record where no branch is", is_branches, |store| {
            let mut key = keys_of(store, table).pop().expect("there");
            let record = row(store, &key);
            let depth = if table == keys::ACCOUNT_BRANCH { 1 } else { 9 };
            key.truncate(depth);
            put([&key[..], &[63], &[0xee; 31], &[0xe0]].concat(), record)
        });
    }
}

#[test]
fn a_code_that_is_gone_or_damaged_is_found_though_it_is_in_the_cache() {
    let chunk = |index: u8| keys::key(keys::CODE, &[keccak256(code()).as_slice(), &[0, index]]);
    let whole = |mut batch: Batch| {
        batch.delete(chunk(0));
        batch.delete(chunk(1));
        batch
    };
    found("a deleted code", |error| matches!(error, VerifyError::Code { .. }), |_| whole(Batch::new()));
    let is_damaged = |error: &VerifyError| matches!(error, VerifyError::DamagedCode { .. });
    found("a lost end", is_damaged, |_| delete(chunk(1)));
    found("a lost beginning", is_damaged, |_| delete(chunk(0)));
    found("a chunk too many", is_damaged, |_| put(chunk(2), [7]));
    found("a chunk that goes on", is_damaged, |store| put(chunk(1), [row(store, &chunk(1)), vec![7]].concat()));
    found("a chunk that is cut", is_damaged, |_| put(chunk(0), [&[0, 0, 0x13, 0x88][..], &[7; 20]].concat()));
    found("another byte", is_damaged, |store| {
        let mut changed = row(store, &chunk(0));
        changed[MAX_VALUE_BYTES - 1] ^= 1;
        put(chunk(0), changed)
    });
    let odd = |error: &VerifyError| matches!(error, VerifyError::Store(StoreError::Corrupt(_)));
    found("a key that is no code's", odd, |_| put([keys::CODE, 1], [7]));
}

#[test]
fn rows_of_storage_that_belong_to_no_account_are_found() {
    let is_stray = |error: &VerifyError| matches!(error, VerifyError::Stray { id: 2 | 999 | u64::MAX, .. });
    for id in [2, 999, u64::MAX] {
        found("a stray slot", is_stray, |_| put(keys::storage(id, &B256::repeat_byte(3)), [1]));
        let path = Path::of(&B256::repeat_byte(3), 2);
        found("a stray branch", is_stray, |_| put(keys::storage_branch(id, &path), [1]));
    }
    let odd = |error: &VerifyError| matches!(error, VerifyError::Store(StoreError::Corrupt(_)));
    found("a slot without an id", odd, |_| put([keys::STORAGE, 1], [1]));
}

#[test]
fn two_accounts_cannot_share_their_slots() {
    // The id stands behind flags, nonce and balance of the small account: it is given that of the contract.
    let key = keys::account(&keccak256(address(SMALL)));
    let is_id = |error: &VerifyError| matches!(error, VerifyError::Id { .. } | VerifyError::StorageRoot { .. });
    let with_id = |store: &dyn Store, id: u64| {
        let mut changed = row(store, &key);
        let at = changed.len() - 40;
        let before = u64::from_be_bytes(changed[at..at + 8].try_into().expect("8 bytes"));
        assert!(before < 2, "the row is read rightly: {before}");
        changed[at..at + 8].copy_from_slice(&(before ^ id).to_be_bytes());
        put(key, changed)
    };
    found("the id of another account", is_id, |store| with_id(store, 1));
    found("an id that was not given", |error| matches!(error, VerifyError::Id { .. }), |store| with_id(store, 1 << 40));
}

/// Notes the longest piece of the store that was read at once.
struct Measured {
    inner: Arc<MemoryStore>,
    longest: AtomicUsize,
}

impl Store for Measured {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        let mut seen = 0;
        let outcome = self.inner.scan(prefix, start, &mut |key, value| {
            seen += 1;
            visit(key, value)
        });
        self.longest.fetch_max(seen, Ordering::Relaxed);
        outcome
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.apply(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[test]
fn a_large_state_is_read_in_pieces_and_progress_is_told() {
    let store = Arc::new(Measured { inner: Arc::new(MemoryStore::new()), longest: AtomicUsize::new(0) });
    let db = StateDb::open(store.clone()).expect("opens");
    let mut changes = ChangeSet::default();
    for number in 0..6_000 {
        changes.accounts.extend(pay(number, None, paid(1)).accounts);
    }
    let many = changes.accounts.get_mut(&address(1)).expect("just put there");
    for number in 0..9_000u64 {
        let key = B256::from(alloy_primitives::U256::from(number));
        many.storage.insert(key, SlotChange { before: B256::ZERO, after: B256::repeat_byte(9) });
    }
    db.commit(db.prepare(&changes, 0).expect("fits"), Batch::new()).expect("memory");
    store.longest.store(0, Ordering::Relaxed);
    let mut told: Vec<VerifyProgress> = Vec::new();
    let report = db.verify_with(&mut |progress| told.push(progress)).expect("sound");
    assert_eq!((report.accounts, report.slots), (6_000, 9_000));
    assert!(store.longest.load(Ordering::Relaxed) <= 1024, "{:?} rows at once", store.longest);
    assert!(told.is_sorted_by_key(|progress| (progress.accounts, progress.slots, progress.done)));
    let last = told.last().expect("something was told");
    assert_eq!((last.accounts, last.slots), (6_000, 9_000));
    assert!(last.done > VerifyProgress::WHOLE - 100 && last.done <= VerifyProgress::WHOLE, "{last:?}");
    assert!(told.iter().any(|progress| progress.slots > 0 && progress.slots < 9_000), "also within an account");
}
