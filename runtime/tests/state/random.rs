//! Random blocks against the model.

use std::sync::Arc;

use esker_runtime::db::{Batch, MemoryStore, SledStore, Store, keys};
use esker_runtime::state::{StateDb, StateOptions, StateReader};
use proptest::prelude::*;

use super::model::{Action, Model, blocks};
use super::seeded;

const SEED: [u8; 32] = *b"esker: random blocks, fixed seed";

pub fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    seeded::run(&SEED, cases, strategy, test);
}

/// So small a cache that rows leave it, so that some reads are served by the store and some by the cache.
fn options() -> StateOptions {
    StateOptions { row_cache_bytes: 64 << 10, history_blocks: 3, threads: 2, ..StateOptions::default() }
}

const ACCOUNTS: u16 = 12;

fn commit_all(db: &mut StateDb, blocks: &[Vec<(u16, Action)>], mut after: impl FnMut(&mut StateDb, &Model, u64)) {
    let mut model = Model::default();
    for (number, block) in (0..).zip(blocks) {
        let changes = model.apply(block);
        let update = db.prepare(&changes, number).expect("the changes fit");
        assert_eq!(update.root, model.root(), "block {number}");
        model.check(&update.view(alloy_primitives::B256::ZERO), ACCOUNTS, &format!("block {number}, prepared"));
        db.commit(update, Batch::new()).expect("the store works");
        model.check(&db.snapshot(), ACCOUNTS, &format!("block {number}, committed"));
        after(db, &model, number);
    }
}

#[test]
fn every_block_reads_back_and_proves_as_the_model_says() {
    run(60, blocks(ACCOUNTS), |blocks| {
        let mut db = StateDb::open_with(Arc::new(MemoryStore::new()), options()).expect("opens");
        commit_all(&mut db, &blocks, |db, model, number| {
            for account in 0..ACCOUNTS {
                let slots = [0, 1, 7, (number % 40) as u8, 39];
                model.check_proof(&db.snapshot(), account, &slots, &format!("block {number}"));
            }
        });
    });
}

#[test]
fn reopening_the_store_after_every_block_changes_nothing() {
    run(40, blocks(ACCOUNTS), |blocks| {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let mut db = StateDb::open_with(Arc::clone(&store), options()).expect("opens");
        commit_all(&mut db, &blocks, |db, model, number| {
            *db = StateDb::open_with(Arc::clone(&store), options()).expect("reopens");
            model.check(&db.snapshot(), ACCOUNTS, &format!("block {number}, reopened"));
        });
    });
}

#[test]
fn a_sled_folder_holds_the_same_state_after_reopening() {
    run(2, blocks(ACCOUNTS), |blocks| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let open = || StateDb::open_with(Arc::new(SledStore::open(folder.path(), 1 << 20).expect("opens")), options());
        let mut model = Model::default();
        for (number, block) in (0..).zip(&blocks) {
            let db = open().expect("opens");
            model.check(&db.snapshot(), ACCOUNTS, &format!("before block {number}"));
            let update = db.prepare(&model.apply(block), number).expect("the changes fit");
            db.commit(update, Batch::new()).expect("the store works");
        }
        model.check(&open().expect("opens").snapshot(), ACCOUNTS, "at the end");
    });
}

#[test]
fn views_of_older_blocks_stay_as_they_were() {
    run(30, blocks(ACCOUNTS), |blocks| {
        let mut db = StateDb::open_with(Arc::new(MemoryStore::new()), options()).expect("opens");
        let mut views = vec![(db.snapshot(), Model::default())];
        commit_all(&mut db, &blocks, |db, model, _| views.push((db.snapshot(), model.clone())));
        for (number, (view, model)) in views.iter().enumerate() {
            model.check(view, ACCOUNTS, &format!("view {number}"));
            model.check_proof(view, 3, &[0, 1, 2], &format!("view {number}"));
        }
    });
}

#[test]
fn blocks_prepared_on_blocks_not_yet_committed_give_the_same_roots() {
    run(40, blocks(ACCOUNTS), |blocks| {
        let db = StateDb::open_with(Arc::new(MemoryStore::new()), options()).expect("opens");
        let mut model = Model::default();
        let mut updates = Vec::new();
        let mut view = db.snapshot();
        for (number, block) in (0..).zip(&blocks) {
            let update = view.prepare(&model.apply(block), number).expect("the changes fit");
            view = update.view(alloy_primitives::B256::ZERO);
            model.check(&view, ACCOUNTS, &format!("{number} blocks above the store"));
            updates.push(update);
        }
        for update in updates {
            db.commit(update, Batch::new()).expect("the store works");
            // The topmost view does not care how much of what it stands on has been committed.
            model.check(&view, ACCOUNTS, "while the blocks below are committed");
        }
        model.check(&db.snapshot(), ACCOUNTS, "committed");
    });
}

#[test]
fn a_block_may_be_prepared_while_its_parent_is_being_committed() {
    run(30, blocks(ACCOUNTS), |blocks| {
        let db = StateDb::open_with(Arc::new(MemoryStore::new()), options()).expect("opens");
        let mut model = Model::default();
        let mut view = db.snapshot();
        let mut parent = None;
        for (number, block) in (0..).zip(&blocks) {
            let changes = model.apply(block);
            let update = std::thread::scope(|scope| {
                let waiting = parent.take();
                let commit = scope.spawn(|| waiting.map_or(Ok(()), |parent| db.commit(parent, Batch::new()).map(drop)));
                let update = view.prepare(&changes, number).expect("the changes fit");
                commit.join().expect("no panic").expect("the store works");
                update
            });
            assert_eq!(update.root, model.root(), "block {number}");
            view = update.view(alloy_primitives::B256::ZERO);
            assert_eq!(view.steps(), 1, "its parent is committed");
            model.check(&view, ACCOUNTS, &format!("block {number}, its parent committed"));
            parent = Some(update);
        }
        if let Some(last) = parent {
            db.commit(last, Batch::new()).expect("the store works");
        }
        assert_eq!((view.root(), view.steps()), (db.root(), 0));
        model.check(&view, ACCOUNTS, "all committed");
    });
}

#[test]
fn reverse_diffs_lead_back_to_the_rows_before_and_only_the_last_are_kept() {
    run(30, blocks(ACCOUNTS), |blocks| {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let mut db = StateDb::open_with(Arc::clone(&store), options()).expect("opens");
        let rows = |store: &dyn Store| {
            let mut rows = std::collections::BTreeMap::new();
            for table in [keys::ACCOUNT, keys::STORAGE] {
                let visit = &mut |key: &[u8], row: &[u8]| {
                    rows.insert(key.to_vec(), row.to_vec());
                    std::ops::ControlFlow::Continue(())
                };
                store.scan(&[table], &[], visit).expect("memory");
            }
            rows
        };
        let mut states = Vec::new();
        commit_all(&mut db, &blocks, |db, _, _| states.push((db.root(), rows(store.as_ref()))));
        let last = blocks.len() - 1;
        let mut rewound = states[last].1.clone();
        for number in (0..=last).rev() {
            let diff = db.reverse_diff(number as u64).expect("readable");
            let kept = number > 0 && number + 3 > last;
            assert_eq!(diff.is_some(), kept, "the diff of block {number} of {last}");
            let Some(diff) = diff else { continue };
            for (key, row) in diff.rows {
                match row {
                    Some(row) => rewound.insert(key, row),
                    None => rewound.remove(&key),
                };
            }
            assert_eq!((diff.root, &rewound), (states[number - 1].0, &states[number - 1].1), "back before {number}");
        }
        let mut diffs = 0;
        let count = &mut |_: &[u8], _: &[u8]| {
            diffs += 1;
            std::ops::ControlFlow::Continue(())
        };
        store.scan(&[keys::DIFF], &[], count).expect("memory");
        assert!(diffs <= 3 * 4, "{diffs} chunks of diffs are left");
        assert_eq!(db.block_hash(0), Ok(None));
    });
}
