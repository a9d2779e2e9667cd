//! A state on a store with damage: errors, never a panic, and never a wrong value that verification calls right.

use std::sync::Arc;

use alloy_primitives::B256;
use esker_runtime::db::Batch;
use esker_runtime::state::{AccountProof, StateDb, StateReader};

use super::super::generators::store::{ACCOUNTS, BLOCKS, Rows, SLOTS, address, changes, filled, options, slot};

/// All that a reader of the sound store sees.
#[derive(Debug, PartialEq)]
pub struct Seen {
    root: B256,
    accounts: Vec<(esker_runtime::state::Account, Vec<B256>, AccountProof)>,
}

/// Reads everything there is; `None` as soon as anything is an error.
fn seen(db: &StateDb) -> Option<Seen> {
    let slots: Vec<B256> = (0..SLOTS).map(slot).collect();
    let mut accounts = Vec::new();
    let mut whole = true;
    for number in 0..ACCOUNTS {
        let address = address(number);
        let account = db.account(address);
        if let Ok(Some(account)) = &account {
            whole &= !account.has_code() || db.code(account.code_hash).is_ok_and(|code| code.is_some());
        }
        let values: Result<Vec<B256>, _> = slots.iter().map(|slot| db.storage(address, *slot)).collect();
        let proof = db.proof(address, &slots);
        match (account, values, proof) {
            (Ok(Some(account)), Ok(values), Ok(proof)) => accounts.push((account, values, proof)),
            _ => whole = false,
        }
    }
    whole.then(|| Seen { root: db.root(), accounts })
}

/// What the sound store shows.
pub fn expected(sound: &Rows) -> Seen {
    let db = StateDb::open_with(filled(sound), options()).expect("the sound store opens");
    seen(&db).expect("the sound store is whole")
}

/// Uses a store with these rows for everything a node does. What verification passes shows what the sound store shows,
/// as long as its root is the sound one. Whether verification passed.
pub fn survives(rows: &Rows, expected: &Seen) -> bool {
    let db = match StateDb::open_with(filled(rows), options()) {
        Ok(db) => db,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let seen = seen(&db);
    for block in 0..=BLOCKS {
        // A damaged diff is an error or another diff, never a panic.
        let _ = db.reverse_diff(block);
        let _ = db.block_hash(block);
    }
    let verified = db.verify();
    if verified.is_ok() && db.root() == expected.root {
        if let Some(seen) = &seen {
            assert_eq!(seen, expected, "verification passed wrong values");
        }
        for (_, _, proof) in seen.iter().flat_map(|seen| &seen.accounts) {
            assert_eq!(proof.verify(db.root()), Ok(()));
        }
    }
    // The next block, whatever became of the last: refused, or committed and read back.
    for block in [BLOCKS, db.block_number().map_or(0, |block| block.wrapping_add(1))] {
        if let Ok(update) = db.prepare(&changes(BLOCKS), block) {
            let root = update.root;
            if db.commit(update, Batch::new()).is_ok() {
                assert_eq!(db.root(), root);
                let _ = Arc::new(db.snapshot().verify());
            }
        }
    }
    verified.is_ok()
}
