//! What held states cost: reads behind many blocks, and memory over many blocks. Counted, not timed.

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_primitives::{B256, U256};
use esker_runtime::db::{Batch, MemoryStore, chunks, keys};
use esker_runtime::state::{
    Account, AccountChange, ChangeSet, SlotChange, StateDb, StateMemory, StateOptions, StateReader, StateUpdate,
    StateView,
};

use super::model::{Action, Model, address, slot};
use super::rules::rows;

const ACCOUNTS: u64 = 100;
/// Accounts that a block changes.
const CHANGED: u64 = 5;

fn open(row_cache_bytes: usize) -> (Arc<MemoryStore>, StateDb) {
    let store = Arc::new(MemoryStore::new());
    let options = StateOptions { row_cache_bytes, code_cache_bytes: 1 << 16, threads: 1, ..StateOptions::default() };
    let db = StateDb::open_with(store.clone(), options).expect("opens");
    (store, db)
}

/// Says what blocks change: each pays to some accounts and stores into them, one after the other.
struct Blocks {
    accounts: Vec<u64>,
    number: u64,
}

impl Blocks {
    fn new() -> Self {
        Self { accounts: vec![0; ACCOUNTS as usize], number: 0 }
    }

    fn account(paid: u64) -> Option<Account> {
        (paid > 0).then(|| Account { balance: U256::from(paid), ..Account::default() })
    }

    fn next(&mut self) -> ChangeSet {
        let mut changes = ChangeSet::default();
        for index in 0..CHANGED {
            let number = (self.number * CHANGED + index) % ACCOUNTS;
            let paid = &mut self.accounts[number as usize];
            let word = |number: u64| B256::from(U256::from(number));
            let storage = [(slot(1), SlotChange { before: word(*paid), after: word(*paid + 1) })].into();
            let change = AccountChange { before: Self::account(*paid), after: Self::account(*paid + 1), storage };
            *paid += 1;
            changes.accounts.insert(address(number as u16), change);
        }
        self.number += 1;
        changes
    }

    /// Prepares the next block on `view`.
    fn prepare(&mut self, view: &StateView) -> StateUpdate {
        let number = self.number;
        view.prepare(&self.next(), number).expect("fits")
    }

    /// Everything must be as after the last block.
    fn check(&self, view: &StateView) {
        for (number, paid) in self.accounts.iter().enumerate() {
            let address = address(number as u16);
            assert_eq!(view.account(address), Ok(Self::account(*paid)), "account {number}");
            let value = view.storage(address, slot(1)).expect("memory");
            assert_eq!(U256::from_be_bytes(value.0), U256::from(*paid), "slot of account {number}");
        }
    }
}

/// What a node keeps of a block beside its state.
fn tables(number: u64) -> Batch {
    let hash = B256::from(U256::from(number));
    let mut batch = Batch::new();
    batch.put(keys::block_hash(number), hash.as_slice());
    batch.put(keys::block_number(&hash), number.to_be_bytes());
    batch.put(keys::key(keys::METADATA, &[b"head"]), number.to_be_bytes());
    chunks::put_chunked(&mut batch, &keys::key(keys::BODY, &[&number.to_be_bytes()]), &[7; 5000]);
    for transaction in 0..20u8 {
        batch.put(keys::key(keys::TRANSACTION, &[hash.as_slice(), &[transaction]]), [transaction]);
    }
    batch
}

#[test]
fn a_state_held_behind_a_thousand_blocks_is_read_in_a_few_steps_and_keeps_a_bounded_past() {
    let (_, db) = open(1 << 20);
    let mut blocks = Blocks::new();
    for number in 0..40 {
        db.commit(blocks.prepare(&db.snapshot()), tables(number)).expect("memory");
    }
    let held = db.snapshot();
    let at = Blocks { accounts: blocks.accounts.clone(), number: blocks.number };
    let mut distinct = 0;
    for number in 40..1_040u64 {
        db.commit(blocks.prepare(&db.snapshot()), tables(number)).expect("memory");
        let memory = db.memory().history;
        assert_eq!(memory.states, 2);
        assert!(held.steps() <= 12, "{} steps behind {} blocks", held.steps(), number - 39);
        assert_eq!(memory.undos, held.steps());
        if number == 540 {
            distinct = memory.keys;
        }
    }
    // Accounts, slots, branches, the state's record and the head are always the same; each block has one hash more.
    let memory = db.memory().history;
    assert!(memory.keys <= 2 * distinct + 1_000 && memory.keys < 2_500, "{memory:?}, {distinct} half way");
    assert!(memory.bytes < 300 << 10, "{memory:?}");
    at.check(&held);
    held.verify().expect("the state that is held is sound");
    blocks.check(&db.snapshot());
    drop(held);
    let memory = db.memory().history;
    assert_eq!((memory.states, memory.undos, memory.keys, memory.bytes), (1, 0, 0, 0));
}

#[test]
fn a_view_derived_from_views_alone_does_not_degrade() {
    let (_, db) = open(1 << 20);
    let mut blocks = Blocks::new();
    let mut view = db.snapshot();
    let mut parent: Option<StateUpdate> = None;
    for number in 0..1_000u64 {
        let update = blocks.prepare(&view);
        view = update.view(B256::from(U256::from(number)));
        assert!(view.steps() <= 2, "block {number}: {} steps", view.steps());
        if let Some(parent) = parent.replace(update) {
            db.commit(parent, Batch::new()).expect("memory");
        }
        assert_eq!(view.steps(), 1, "only the block itself is not committed");
        assert_eq!(view.block_hash(number), Ok(Some(B256::from(U256::from(number)))));
    }
    blocks.check(&view);
    assert!(db.memory().history.undos <= 1, "{:?}", db.memory());
}

#[test]
fn a_view_of_blocks_above_the_store_settles_as_they_are_committed() {
    let (_, db) = open(1 << 20);
    let mut blocks = Blocks::new();
    let mut view = db.snapshot();
    let (mut updates, mut views) = (Vec::new(), Vec::new());
    for number in 0..60u64 {
        let update = blocks.prepare(&view);
        view = update.view(B256::from(U256::from(number)));
        views.push((view.clone(), blocks.accounts.clone()));
        updates.push(update);
    }
    assert_eq!(view.steps(), 60);
    for (done, update) in (1..).zip(updates) {
        db.commit(update, Batch::new()).expect("memory");
        assert_eq!(view.steps(), 60 - done, "{done} are committed");
        blocks.check(&view);
    }
    for (number, (view, accounts)) in (0..).zip(&views) {
        Blocks { accounts: accounts.clone(), number }.check(view);
        assert_eq!(view.steps(), 59 - number as usize, "each is held, so nothing between them is merged");
    }
    drop(views);
    blocks.check(&view);
    assert_eq!((view.steps(), db.memory().history.undos), (0, 0));
}

#[test]
fn a_long_chain_above_the_store_is_dropped_without_recursion() {
    let (_, db) = open(1 << 20);
    let mut view = db.snapshot();
    for number in 0..1_500 {
        view = view.prepare(&ChangeSet::default(), number).expect("fits").view(B256::ZERO);
    }
    assert_eq!(view.steps(), 1_500);
    // Dropping it by recursion needs more stack than this thread has.
    let small = std::thread::Builder::new().stack_size(32 << 10);
    small.spawn(move || drop(view)).expect("a thread starts").join().expect("no overflow");
}

#[test]
fn states_held_and_let_go_at_random_read_as_they_were() {
    let (_, db) = open(32 << 10);
    let mut model = Model::default();
    let mut held: Vec<(StateView, Model, u64)> = Vec::new();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let mut most = 0;
    for number in 0..400u64 {
        let actions: Vec<(u16, Action)> = (0..below(6))
            .map(|_| {
                let action = match below(6) {
                    0 => Action::Pay(below(1 << 40), below(1 << 40)),
                    1 => Action::Deploy(1 + below(5_000) as u16),
                    2 => Action::Clear,
                    3 => Action::Remove,
                    _ => Action::Store((0..5).map(|_| (below(40) as u8, below(3))).collect()),
                };
                (below(12) as u16, action)
            })
            .collect();
        let update = db.prepare(&model.apply(&actions), number).expect("fits");
        db.commit(update, tables(number)).expect("memory");
        if below(3) == 0 {
            held.push((db.snapshot(), model.clone(), number));
        }
        held.retain(|_| below(9) != 0);
        most = most.max(held.len());
        assert!(db.memory().history.states <= held.len() + 1);
        if number % 20 == 19 {
            for (view, model, at) in &held {
                model.check(view, 12, &format!("block {at}, seen at block {number}"));
            }
        }
    }
    assert!(most > 3, "some were held together");
    held.clear();
    assert_eq!(db.memory().history.undos, 0);
    model.check(&db.snapshot(), 12, "at last");
}

/// Blocks as a node commits them, which holds its last 128 states: neither the state's memory nor its rows grow.
#[test]
fn thousands_of_small_blocks_leave_memory_and_state_as_large_as_they_were() {
    const HELD: usize = 128;
    const CACHE: usize = 1 << 18;
    let (store, db) = open(CACHE);
    let mut blocks = Blocks::new();
    let mut recent = VecDeque::new();
    let mut measured: Vec<(StateMemory, usize)> = Vec::new();
    for number in 0..4_000u64 {
        let update = blocks.prepare(&db.snapshot());
        recent.push_back(db.commit(update, tables(number)).expect("memory"));
        if recent.len() > HELD {
            recent.pop_front();
        }
        let memory = db.memory();
        assert_eq!(memory.history.states, recent.len(), "block {number}");
        assert_eq!(memory.history.undos, recent.len() - 1, "block {number}");
        assert!(memory.row_bytes <= CACHE + 64 * 700 && memory.code_bytes == 0, "block {number}: {memory:?}");
        if number % 1_000 == 999 {
            let is_state = |key: &[u8]| b"asAScMD".contains(&key[0]);
            let rows = rows(store.as_ref()).iter().filter(|(key, _)| is_state(key)).count();
            measured.push((memory, rows));
        }
    }
    let ((first, rows), rest) = (measured[0], &measured[1..]);
    for (memory, after) in rest {
        assert!(memory.history.keys <= first.history.keys * 11 / 10, "{measured:?}");
        assert!(memory.history.bytes <= first.history.bytes * 11 / 10, "{measured:?}");
        assert!(*after <= rows + rows / 10, "{measured:?}");
    }
    assert!(first.history.keys < HELD * 100, "{first:?}");
    blocks.check(&db.snapshot());
}
