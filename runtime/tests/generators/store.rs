//! A small chain's store, sound, and the same with damage.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use arbitrary::{Result, Unstructured};
use esker_runtime::db::{Batch, MAX_VALUE_BYTES, MemoryStore, Store};
use esker_runtime::state::{Account, AccountChange, ChangeSet, SlotChange, StateDb, StateOptions};

/// A store's rows.
pub type Rows = BTreeMap<Vec<u8>, Vec<u8>>;
/// Blocks of the sound store.
pub const BLOCKS: u64 = 3;

/// Small caches, one thread: what is read is what the store holds.
pub fn options() -> StateOptions {
    StateOptions { row_cache_bytes: 1 << 12, code_cache_bytes: 1 << 12, threads: 1, history_blocks: 8 }
}

/// Account `number`; every third has code, every second has storage.
pub fn address(number: u8) -> Address {
    Address::from_word(keccak256([number]))
}

/// Slot `number`.
pub fn slot(number: u8) -> B256 {
    B256::with_last_byte(number)
}

pub const ACCOUNTS: u8 = 24;
pub const SLOTS: u8 = 12;

fn code(number: u8) -> Bytes {
    vec![number; 5_000].into()
}

fn account(number: u8, block: u64) -> Account {
    let code_hash = if number.is_multiple_of(3) { keccak256(code(number)) } else { KECCAK256_EMPTY };
    Account { nonce: block + 1, balance: U256::from(number) * U256::from(7), code_hash }
}

/// What block `block` changes: everybody's nonce, and some slots, which come and go.
pub fn changes(block: u64) -> ChangeSet {
    let mut changes = ChangeSet::default();
    for number in 0..ACCOUNTS {
        let value = |slot: u8, block: u64| {
            B256::from(U256::from((u64::from(slot) * 5 + block * 3 + u64::from(number)) % 4 * 1_000))
        };
        let mut storage = BTreeMap::new();
        if number.is_multiple_of(2) {
            for index in 0..SLOTS {
                let before = if block == 0 { B256::ZERO } else { value(index, block - 1) };
                let after = value(index, block);
                if before != after {
                    storage.insert(slot(index), SlotChange { before, after });
                }
            }
        }
        if block == 0 && number.is_multiple_of(3) {
            changes.codes.insert(keccak256(code(number)), code(number));
        }
        let before = block.checked_sub(1).map(|before| account(number, before));
        changes
            .accounts
            .insert(address(number), AccountChange { before, after: Some(account(number, block)), storage });
    }
    changes
}

/// The rows of a store that holds all blocks.
pub fn sound() -> Rows {
    let store = Arc::new(MemoryStore::new());
    let db = StateDb::open_with(store.clone(), options()).expect("an empty store opens");
    for block in 0..BLOCKS {
        let update = db.prepare(&changes(block), block).expect("the changes fit");
        db.commit(update, Batch::new()).expect("memory does not fail");
    }
    let mut rows = Rows::new();
    let all = &mut |key: &[u8], value: &[u8]| {
        rows.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    store.scan(b"", b"", all).expect("memory does not fail");
    rows
}

/// A store with these rows.
pub fn filled(rows: &Rows) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let mut batch = Batch::new();
    for (key, value) in rows {
        batch.put(key.clone(), value.clone());
    }
    store.apply(batch).expect("memory does not fail");
    store
}

/// Damages one to three rows: changed, cut, prolonged, replaced by another's or by noise, or gone.
pub fn damaged(rows: &mut Rows, bytes: &mut Unstructured<'_>) -> Result<()> {
    // A table first, then one of its rows: else the many slots would draw all the damage.
    let mut tables: Vec<u8> = rows.keys().filter_map(|key| key.first().copied()).collect();
    tables.dedup();
    for _ in 0..bytes.int_in_range(1..=3)? {
        let table = *bytes.choose(&tables)?;
        let keys: Vec<Vec<u8>> = rows.keys().filter(|key| key.first() == Some(&table)).cloned().collect();
        if keys.is_empty() {
            continue;
        }
        let key = bytes.choose(&keys)?.clone();
        let other = bytes.choose(&keys)?.clone();
        let kind = bytes.int_in_range(0..=7)?;
        let other = rows.get(&other).cloned().unwrap_or_default();
        let Some(value) = rows.get_mut(&key) else { continue };
        match kind {
            0..=2 if !value.is_empty() => {
                let at = bytes.choose_index(value.len())?;
                value[at] = bytes.arbitrary()?;
            }
            3 => {
                let length = bytes.choose_index(value.len() + 1)?;
                value.truncate(length);
            }
            4 => value.extend_from_slice(&bytes.arbitrary::<[u8; 3]>()?),
            5 => *value = other,
            6 => {
                let length = bytes.int_in_range(0..=120)?.min(bytes.len());
                *value = bytes.bytes(length)?.to_vec();
            }
            _ => {
                rows.remove(&key);
            }
        }
        // What a store cannot hold, it does not hold.
        if let Some(value) = rows.get_mut(&key) {
            value.truncate(MAX_VALUE_BYTES);
        }
    }
    Ok(())
}
