//! What the state refuses, and what it serves beside accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::{B256, U256};
use esker_runtime::db::{Batch, MAX_VALUE_BYTES, MemoryStore, OpenError, Store, StoreError, keys};
use esker_runtime::state::{Account, AccountChange, ChangeSet, SlotChange, StateDb, StateReader};
use esker_runtime::trie::EMPTY_ROOT_HASH;

use super::model::{address, slot};

pub fn paid(balance: u64) -> Option<Account> {
    Some(Account { balance: U256::from(balance), ..Account::default() })
}

pub fn pay(number: u16, before: Option<Account>, after: Option<Account>) -> ChangeSet {
    let mut changes = ChangeSet::default();
    changes.accounts.insert(address(number), AccountChange { before, after, storage: Default::default() });
    changes
}

fn store_slot(before: u64, after: u64) -> ChangeSet {
    let value = |number: u64| B256::from(U256::from(number));
    let mut changes = pay(1, paid(1), paid(1));
    let slots = &mut changes.accounts.get_mut(&address(1)).expect("just put there").storage;
    slots.insert(slot(1), SlotChange { before: value(before), after: value(after) });
    changes
}

pub fn memory() -> (Arc<MemoryStore>, StateDb) {
    let store = Arc::new(MemoryStore::new());
    let db = StateDb::open(store.clone()).expect("opens");
    (store, db)
}

#[test]
fn an_empty_store_is_the_empty_state() {
    let (_, db) = memory();
    assert_eq!(db.root(), EMPTY_ROOT_HASH);
    assert_eq!(db.block_number(), None);
    assert_eq!(db.account(address(1)), Ok(None));
    let proof = db.proof(address(1), &[slot(1)]).expect("sound");
    assert_eq!(proof.verify(EMPTY_ROOT_HASH), Ok(()));
    let update = db.prepare(&ChangeSet::default(), 0).expect("fits");
    assert_eq!(update.root, EMPTY_ROOT_HASH);
    db.commit(update, Batch::new()).expect("memory");
    assert_eq!(db.block_number(), Some(0));
}

#[test]
fn an_update_of_another_state_is_refused_and_nothing_is_written() {
    let (_, db) = memory();
    let first = db.prepare(&pay(1, None, paid(1)), 0).expect("fits");
    let rival = db.prepare(&pay(1, None, paid(2)), 0).expect("fits");
    let root = first.root;
    db.commit(first, Batch::new()).expect("memory");
    assert!(matches!(db.commit(rival, Batch::new()), Err(StoreError::Mismatch(_))));
    assert_eq!(db.root(), root);
    assert_eq!(db.account(address(1)), Ok(paid(1)));
}

#[test]
fn a_block_number_that_is_not_the_next_is_refused() {
    let (_, db) = memory();
    db.commit(db.prepare(&pay(1, None, paid(1)), 5).expect("fits"), Batch::new()).expect("the first may have any");
    for number in [0, 5, 7] {
        let update = db.prepare(&pay(2, None, paid(1)), number).expect("fits");
        assert!(matches!(db.commit(update, Batch::new()), Err(StoreError::Mismatch(_))), "number {number}");
    }
    db.commit(db.prepare(&pay(2, None, paid(1)), 6).expect("fits"), Batch::new()).expect("memory");
}

#[test]
fn changes_that_were_not_made_on_this_state_are_refused() {
    let (_, db) = memory();
    db.commit(db.prepare(&pay(1, None, paid(1)), 0).expect("fits"), Batch::new()).expect("memory");
    db.commit(db.prepare(&store_slot(0, 9), 1).expect("fits"), Batch::new()).expect("memory");
    for (changes, what) in [
        (pay(1, None, paid(2)), "an account said to be new"),
        (pay(1, paid(3), paid(2)), "an account with another balance"),
        (pay(2, paid(3), None), "an account said to exist"),
        (pay(1, paid(1), None), "removing an account that keeps storage"),
        (store_slot(0, 8), "a slot said to be zero"),
        (store_slot(7, 8), "a slot with another value"),
    ] {
        assert!(matches!(db.prepare(&changes, 2), Err(StoreError::Mismatch(_))), "{what}");
    }
    let mut changes = ChangeSet::default();
    changes.codes.insert(B256::repeat_byte(1), vec![1, 2, 3].into());
    assert!(matches!(db.prepare(&changes, 2), Err(StoreError::Mismatch(_))), "code under another hash");
}

#[test]
fn block_hashes_come_from_the_blocks_own_table() {
    let (_, db) = memory();
    let mut extra = Batch::new();
    extra.put(keys::block_hash(0), B256::repeat_byte(7).as_slice());
    let before = db.snapshot();
    assert_eq!(db.block_hash(0), Ok(None));
    db.commit(db.prepare(&pay(1, None, paid(1)), 0).expect("fits"), extra).expect("memory");
    assert_eq!(db.block_hash(0), Ok(Some(B256::repeat_byte(7))));
    assert_eq!(before.block_hash(0), Ok(None), "an older view does not see it");
}

/// Commits block 1 with `extra`, which must be refused without a trace; then without it.
fn refused(extra: Batch, what: &str) {
    let (store, db) = memory();
    db.commit(db.prepare(&pay(1, None, paid(1)), 0).expect("fits"), Batch::new()).expect("memory");
    let (root, rows) = (db.root(), rows(store.as_ref()));
    let update = db.prepare(&pay(2, None, paid(2)), 1).expect("fits");
    let error = db.commit(update, extra).expect_err(what);
    assert!(matches!(error, StoreError::Mismatch(_)), "{what}: {error}");
    assert_eq!(rows, self::rows(store.as_ref()), "{what}: nothing is written");
    assert_eq!((db.root(), db.account(address(1))), (root, Ok(paid(1))), "{what}: the state is as it was");
    db.verify().unwrap_or_else(|error| panic!("{what}: {error}"));
    let update = db.prepare(&pay(2, None, paid(2)), 1).expect("fits");
    db.commit(update, Batch::new()).unwrap_or_else(|error| panic!("{what}: the state is still usable: {error}"));
    assert_eq!(db.account(address(2)), Ok(paid(2)), "{what}");
    db.verify().unwrap_or_else(|error| panic!("{what}: {error}"));
}

pub fn rows(store: &dyn Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        std::ops::ControlFlow::Continue(())
    };
    store.scan(&[], &[], visit).expect("memory");
    rows
}

#[test]
fn a_blocks_own_tables_cannot_write_into_the_state() {
    let account = keys::account(&alloy_primitives::keccak256(address(1)));
    let mut extra = Batch::new();
    extra.delete(account);
    refused(extra, "deleting an account");
    for table in 0..=u8::MAX {
        if keys::NODE_TABLES.contains(&table) {
            continue;
        }
        let mut extra = Batch::new();
        extra.put(keys::block_hash(1), B256::repeat_byte(1).as_slice());
        extra.put(keys::key(table, &[&[7; 32]]), [1]);
        refused(extra, &format!("writing into the table {table:#04x}"));
        let mut extra = Batch::new();
        extra.delete([table]);
        refused(extra, &format!("deleting the key {table:#04x}"));
    }
    let mut extra = Batch::new();
    extra.put([], [1]);
    refused(extra, "the empty key");
}

#[test]
fn a_blocks_own_tables_hold_nothing_that_no_store_takes() {
    for table in keys::NODE_TABLES {
        let mut extra = Batch::new();
        extra.put(keys::key(table, &[&[7; 32]]), [1; MAX_VALUE_BYTES + 1]);
        refused(extra, "a value that is not cut into chunks");
        let mut extra = Batch::new();
        extra.put(keys::key(table, &[&[7; keys::KEY_LENGTH_MAX]]), [1]);
        refused(extra, "a key that is too long");
    }
    let (_, db) = memory();
    let mut extra = Batch::new();
    let key = keys::key(keys::METADATA, &[&[7; keys::KEY_LENGTH_MAX - 1]]);
    extra.put(key.clone(), [3; MAX_VALUE_BYTES]);
    db.commit(db.prepare(&pay(1, None, paid(1)), 0).expect("fits"), extra).expect("both are just short enough");
    assert_eq!(db.get(&key).expect("memory").as_deref(), Some(&[3; MAX_VALUE_BYTES][..]));
}

#[test]
fn another_layout_version_and_foreign_data_are_refused() {
    let (store, _) = memory();
    let mut batch = Batch::new();
    batch.put([keys::VERSION], 2u32.to_be_bytes());
    store.apply(batch).expect("memory");
    let error = StateDb::open(store).err().expect("refused");
    assert_eq!(error, OpenError::Version { found: "2".into(), expected: 1 });
    assert!(error.to_string().contains("version 2"), "{error}");

    let foreign = Arc::new(MemoryStore::new());
    let mut batch = Batch::new();
    batch.put("someone", "else");
    foreign.apply(batch).expect("memory");
    assert_eq!(StateDb::open(foreign).err(), Some(OpenError::Version { found: "none".into(), expected: 1 }));
}

#[test]
fn a_root_branch_that_does_not_hash_to_the_root_is_noticed_on_opening() {
    let (store, _) = super::verify::filled();
    let key = keys::account_branch(&esker_runtime::trie::Path::ROOT);
    let mut record = store.get(&key).expect("memory").expect("there");
    *record.last_mut().expect("not empty") ^= 1;
    let mut batch = Batch::new();
    batch.put(key, record);
    store.apply(batch).expect("memory");
    assert!(matches!(StateDb::open(store), Err(OpenError::Store(StoreError::Corrupt(_)))));
}

/// A store whose disk fills up when told to, or that panics then.
#[derive(Default)]
struct Failing {
    inner: MemoryStore,
    fail: AtomicBool,
    panic: AtomicBool,
}

impl Store for Failing {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], start: &[u8], visit: esker_runtime::db::Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(prefix, start, visit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.apply(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        assert!(!self.panic.load(Ordering::SeqCst), "the store panics");
        if self.fail.load(Ordering::SeqCst) {
            return Err(StoreError::Io("no space left on device".into()));
        }
        Ok(())
    }
}

#[test]
fn a_commit_that_fails_is_never_seen_and_ends_all_committing() {
    let store = Arc::new(Failing::default());
    let db = StateDb::open(store.clone()).expect("opens");
    db.commit(db.prepare(&pay(1, None, paid(1)), 0).expect("fits"), Batch::new()).expect("works");
    let root = db.root();
    store.fail.store(true, Ordering::SeqCst);
    let update = db.prepare(&pay(1, paid(1), paid(2)), 1).expect("fits");
    assert!(matches!(db.commit(update, Batch::new()), Err(StoreError::Io(_))));
    // The batch was applied, and is yet neither durable nor acknowledged: nobody sees it.
    assert_eq!(db.root(), root);
    assert_eq!(db.account(address(1)), Ok(paid(1)));
    db.verify().expect("readers still have a sound state");
    store.fail.store(false, Ordering::SeqCst);
    let update = db.prepare(&pay(2, None, paid(2)), 1).expect("fits");
    assert!(matches!(db.commit(update, Batch::new()), Err(StoreError::Io(_))), "until reopened");
    let reopened = StateDb::open(store).expect("opens");
    assert_eq!(reopened.account(address(1)), Ok(paid(2)));
    reopened.verify().expect("sound");
}

#[test]
fn a_store_that_panics_ends_all_committing_too() {
    let store = Arc::new(Failing::default());
    let db = StateDb::open(store.clone()).expect("opens");
    db.commit(db.prepare(&pay(1, None, paid(1)), 0).expect("fits"), Batch::new()).expect("works");
    store.panic.store(true, Ordering::SeqCst);
    let update = db.prepare(&pay(1, paid(1), paid(2)), 1).expect("fits");
    let commit = std::panic::AssertUnwindSafe(|| db.commit(update, Batch::new()));
    assert!(std::panic::catch_unwind(commit).is_err());
    store.panic.store(false, Ordering::SeqCst);
    assert_eq!(db.account(address(1)), Ok(paid(1)), "readers keep the state before");
    db.verify().expect("which is sound");
    let update = db.prepare(&pay(2, None, paid(2)), 1).expect("fits");
    assert!(matches!(db.commit(update, Batch::new()), Err(StoreError::Io(_))), "an error, no further panic");
}
