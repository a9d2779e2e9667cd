//! Readers beside a committing writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::{B256, U256};
use esker_runtime::db::{Batch, MemoryStore, SledStore, Store};
use esker_runtime::state::{Account, AccountChange, ChangeSet, SlotChange, StateDb, StateOptions, StateReader};

use super::model::{address, slot};

const ACCOUNTS: u16 = 64;

fn account(balance: u64) -> Account {
    Account { nonce: balance, balance: U256::from(balance), ..Account::default() }
}

/// Block `number` sets every balance, nonce and slot to its number.
fn block(number: u64) -> ChangeSet {
    let mut changes = ChangeSet::default();
    let word = |number: u64| B256::from(U256::from(number));
    for index in 0..ACCOUNTS {
        let mut change = AccountChange {
            before: (number > 1).then(|| account(number - 1)),
            after: Some(account(number)),
            storage: Default::default(),
        };
        change.storage.insert(slot(1), SlotChange { before: word(number - 1), after: word(number) });
        changes.accounts.insert(address(index), change);
    }
    changes
}

/// Reads everything of one view: all must be of one block, whatever is committed meanwhile.
fn read_one_block(db: &StateDb) -> u64 {
    let view = db.snapshot();
    let expected = view.block_number().expect("a block is there");
    for index in 0..ACCOUNTS {
        assert_eq!(view.account(address(index)), Ok(Some(account(expected))), "balance {index} of block {expected}");
        let value = view.storage(address(index), slot(1)).expect("the store works");
        assert_eq!(U256::from_be_bytes(value.0), U256::from(expected), "slot of {index} of block {expected}");
    }
    let proof = view.proof(address((expected % u64::from(ACCOUNTS)) as u16), &[slot(1)]).expect("the store works");
    assert_eq!(proof.verify(view.root()), Ok(()), "proof at block {expected}");
    expected
}

fn readers_see_whole_blocks(store: Arc<dyn Store>, blocks: u64) {
    // A cache so small that most reads reach the store.
    let options = StateOptions { row_cache_bytes: 32 << 10, ..StateOptions::default() };
    let db = StateDb::open_with(store, options).expect("opens");
    db.commit(db.prepare(&block(1), 1).expect("fits"), Batch::new()).expect("works");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut last = 0;
                    while !done.load(Ordering::SeqCst) {
                        let seen = read_one_block(&db);
                        assert!(seen >= last, "block {seen} seen after {last}");
                        last = seen;
                    }
                })
            })
            .collect();
        let writer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for number in 2..=blocks {
                db.commit(db.prepare(&block(number), number).expect("fits"), Batch::new()).expect("works");
            }
        }));
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.join().expect("a reader saw a mixed state");
        }
        writer.expect("the writer works");
    });
    assert_eq!(read_one_block(&db), blocks);
    db.verify().expect("sound");
}

#[test]
fn readers_see_whole_blocks_in_memory() {
    readers_see_whole_blocks(Arc::new(MemoryStore::new()), 300);
}

#[test]
fn readers_see_whole_blocks_on_sled() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    readers_see_whole_blocks(Arc::new(SledStore::open(folder.path(), 1 << 20).expect("opens")), 25);
}

#[test]
fn a_long_chain_of_held_views_is_dropped_without_recursion() {
    let db = StateDb::open(Arc::new(MemoryStore::new())).expect("opens");
    let first = db.snapshot();
    for number in 0..60_000 {
        db.commit(db.prepare(&ChangeSet::default(), number).expect("fits"), Batch::new()).expect("works");
    }
    assert_eq!(first.block_number(), None);
    // A chain dropped by recursion needs far more stack than this thread has.
    let small = std::thread::Builder::new().stack_size(64 << 10);
    small.spawn(move || drop(first)).expect("a thread starts").join().expect("no overflow");
}
