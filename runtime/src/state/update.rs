//! From a block's changes to its root and everything that must be written.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, keccak256};

use super::computed::{At, Computed};
use super::layers::{Base, Value};
use super::record::{AccountRecord, StateRecord, slot_row, slot_trie_value, slot_value};
use super::view::{AccountTrie, StorageTrie};
use super::{AccountChange, ChangeSet, StateView, diff};
use crate::db::keys::{self, Key};
use crate::db::{Batch, StoreError, chunks};
use crate::trie::keccak::hash_each;
use crate::trie::{EMPTY_ROOT_HASH, Hashed, LeafChange, TrieChanges, TrieUpdate, update};

/// A block's state, computed and not yet committed. Dropping it undoes nothing, since nothing was written.
#[derive(Clone)]
pub struct StateUpdate {
    /// Root of the account trie after the block.
    pub root: B256,
    pub(super) parent: u64,
    pub(super) batch: Arc<Batch>,
    /// What stood at each key of the batch, in its order, as far as it is known.
    pub(super) before: Vec<Option<Value>>,
    pub(super) computed: Arc<Computed>,
    base: Arc<Base>,
    hashed: Hashed,
}

impl StateUpdate {
    /// Everything that the state writes for the block.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The trie nodes that were hashed.
    pub fn hashed(&self) -> Hashed {
        self.hashed
    }

    /// The state after the block, before it is committed: the next block can be executed and prepared on it while
    /// this one is being committed. `block_hash` is the block's, which depends on the state's root; it holds no other of
    /// the block's own tables.
    #[must_use]
    pub fn view(&self, block_hash: B256) -> StateView {
        StateView { base: Arc::clone(&self.base), at: At::Computed(Arc::clone(&self.computed), block_hash) }
    }
}

/// An account that a block touches.
struct Touched<'a> {
    address: &'a Address,
    hashed: B256,
    change: &'a AccountChange,
    row: Value,
    before: Option<AccountRecord>,
    /// Its id, if it has or gets storage.
    id: Option<u64>,
    slots: Vec<LeafChange>,
}

/// Writes, gathered in any order.
struct Writes(Vec<Write>);

struct Write {
    key: Vec<u8>,
    /// What stood there, if that is known.
    before: Option<Value>,
    after: Option<Vec<u8>>,
}

impl Writes {
    fn set(&mut self, key: Key, before: Value, after: Option<Vec<u8>>) {
        self.0.push(Write { key: key.to_vec(), before: Some(before), after });
    }

    fn add(&mut self, batch: Batch) {
        self.0.extend(batch.into_iter().map(|(key, after)| Write { key, before: None, after }));
    }

    /// The writes as a batch, and what stood at each of its keys.
    fn finish(mut self) -> (Batch, Vec<Option<Value>>) {
        // Most of the list is made of sorted runs, which this sort only merges.
        self.0.sort_by(|a, b| a.key.cmp(&b.key));
        let mut before = Vec::with_capacity(self.0.len());
        let batch = self.0.into_iter().map(|write| {
            before.push(write.before);
            (write.key, write.after)
        });
        let batch = batch.collect::<Batch>();
        assert_eq!(batch.len(), before.len(), "no key is written twice");
        (batch, before)
    }
}

impl StateView {
    /// Computes the state after block `block_number`, which makes `changes` to this one; writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if `changes` were not made on this state or contradict themselves; else as reading.
    pub fn prepare(&self, changes: &ChangeSet, block_number: u64) -> Result<StateUpdate, StoreError> {
        let before = *self.record();
        let mut writes = Writes(Vec::with_capacity(changes.accounts.len() * 4));
        let mut record = StateRecord { block: Some(block_number), ..before };
        let touched = self.touch(changes, &mut record.next_id, &mut writes)?;
        let mut touched: Vec<&Touched<'_>> = touched.iter().collect();
        touched.sort_unstable_by_key(|account| account.hashed);

        let (mut storage, mut hashed) = self.update_storage(&touched)?;
        let mut leaves = Vec::with_capacity(touched.len());
        for account in touched {
            let id = account.id;
            let storage = id.and_then(|id| storage.remove(&id));
            leaves.extend(account_leaf(account, storage.as_ref(), &mut writes)?);
            if let (Some(id), Some(update)) = (id, storage) {
                for branch in update.branches {
                    writes.set(keys::storage_branch(id, &branch.path), branch.before, branch.after);
                }
            }
        }
        if !leaves.is_empty() {
            let trie = TrieChanges { reader: &AccountTrie(self), shape: before.shape, changes: &leaves };
            let (updates, more) = update(&[trie], self.base.options.threads)?;
            hashed.add(&more);
            for update in updates {
                record.root = update.root;
                record.shape = update.shape;
                for branch in update.branches {
                    writes.set(keys::account_branch(&branch.path), branch.before, branch.after);
                }
            }
        }
        let mut chunks = Batch::new();
        self.write_codes(changes, &mut chunks)?;
        self.write_diff(&before, &mut record, block_number, &writes, &mut chunks)?;
        chunks.put([keys::STATE], record.encode());
        writes.add(chunks);
        let (batch, before) = writes.finish();
        let batch = Arc::new(batch);
        let computed = Computed::new(self.base.next_id(), record, self.at.clone(), Arc::clone(&batch));
        Ok(StateUpdate {
            root: record.root,
            parent: self.id(),
            batch,
            before,
            computed: Arc::new(computed),
            base: Arc::clone(&self.base),
            hashed,
        })
    }

    /// Reads what the changes replace, compares it with what they say, and writes the slots' rows.
    fn touch<'a>(
        &self,
        changes: &'a ChangeSet,
        next_id: &mut u64,
        writes: &mut Writes,
    ) -> Result<Vec<Touched<'a>>, StoreError> {
        let addresses = hash_each(changes.accounts.keys());
        let slots = changes.accounts.values().flat_map(|change| change.storage.iter());
        let mut slots =
            hash_each(slots.filter(|(_, slot)| slot.before != slot.after).map(|(index, _)| index)).into_iter();
        let mut touched = Vec::with_capacity(addresses.len());
        for ((address, change), hashed) in changes.accounts.iter().zip(addresses) {
            let row = self.get(&keys::account(&hashed))?;
            let before = row.as_deref().map(AccountRecord::decode).transpose()?;
            if before.map(|record| record.account) != change.before {
                return Err(mismatch(address, "its account was not what the change says it was"));
            }
            let mut account = Touched { address, hashed, change, row, before, id: None, slots: Vec::new() };
            account.id = before.and_then(|record| record.id);
            let had_id = account.id.is_some();
            for slot in change.storage.values().filter(|slot| slot.before != slot.after) {
                let id = *account.id.get_or_insert_with(|| {
                    let id = *next_id;
                    *next_id += 1;
                    id
                });
                let hashed_slot = slots.next().expect("one hash a changed slot, in the same order");
                let key = keys::storage(id, &hashed_slot);
                let row = if had_id { self.get(&key)? } else { None };
                let stood = row.as_deref().map_or(Ok(B256::ZERO), slot_value)?;
                if stood != slot.before {
                    return Err(mismatch(address, "a slot was not what the change says it was"));
                }
                let after = (!slot.after.is_zero()).then(|| slot_row(&slot.after));
                let value = after.map(slot_trie_value);
                account.slots.push(LeafChange { key: hashed_slot, existed: row.is_some(), value });
                writes.set(key, row, after.map(<[u8]>::to_vec));
            }
            account.slots.sort_unstable_by_key(|slot| slot.key);
            touched.push(account);
        }
        Ok(touched)
    }

    /// Updates the storage tries of all accounts whose slots changed.
    fn update_storage(&self, touched: &[&Touched<'_>]) -> Result<(BTreeMap<u64, TrieUpdate>, Hashed), StoreError> {
        let changed = |account: &&&Touched<'_>| !account.slots.is_empty();
        let ids: Vec<u64> = touched.iter().filter(changed).filter_map(|account| account.id).collect();
        let readers: Vec<StorageTrie<'_>> = ids.iter().map(|id| StorageTrie { view: self, id: *id }).collect();
        let tries: Vec<TrieChanges<'_>> = touched
            .iter()
            .filter(changed)
            .zip(&readers)
            .map(|(account, reader)| TrieChanges {
                reader,
                shape: account.before.map(|record| record.storage_shape).unwrap_or_default(),
                changes: &account.slots,
            })
            .collect();
        let (updates, hashed) = update(&tries, self.base.options.threads)?;
        Ok((ids.into_iter().zip(updates).collect(), hashed))
    }

    fn write_codes(&self, changes: &ChangeSet, batch: &mut Batch) -> Result<(), StoreError> {
        for (hash, code) in &changes.codes {
            if keccak256(code) != *hash {
                return Err(StoreError::Mismatch(format!("the code said to hash to {hash} does not")));
            }
            let key = keys::code(hash);
            if !code.is_empty() && self.get_chunked(&key)?.is_none() {
                chunks::put_chunked(batch, &key, code);
            }
        }
        Ok(())
    }

    /// Writes the block's reverse diff and removes those that are too old. The first block has none: before it is
    /// nothing.
    fn write_diff(
        &self,
        before: &StateRecord,
        record: &mut StateRecord,
        number: u64,
        writes: &Writes,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        if before.block.is_none() {
            record.oldest_diff = number.saturating_add(1);
            return Ok(());
        }
        let flat = |write: &&Write| matches!(write.key.first(), Some(&keys::ACCOUNT | &keys::STORAGE));
        let mut rows: Vec<(&[u8], Option<&[u8]>)> = writes
            .0
            .iter()
            .filter(flat)
            .map(|write| (write.key.as_slice(), write.before.as_ref().and_then(Option::as_deref)))
            .collect();
        rows.sort_by_key(|(key, _)| *key);
        let encoded = diff::encode(before, &rows);
        chunks::put_chunked(batch, &keys::diff(number), &encoded);
        // Several at a time only after the number of kept blocks was lowered; then not all at once.
        for _ in 0..4 {
            if record.oldest_diff.saturating_add(self.base.options.history_blocks) > number {
                break;
            }
            let key = keys::diff(record.oldest_diff);
            chunks::delete_chunked_with(|key| self.get(key), batch, &key)?;
            record.oldest_diff += 1;
        }
        Ok(())
    }
}

/// Writes the account's row, and returns the change of its leaf if there is one.
fn account_leaf(
    account: &Touched<'_>,
    storage: Option<&TrieUpdate>,
    writes: &mut Writes,
) -> Result<Option<LeafChange>, StoreError> {
    let Touched { address, hashed, change, row, before, id, .. } = account;
    let (before, id) = (*before, *id);
    let (storage_root, storage_shape) = match storage {
        Some(update) => (update.root, update.shape),
        None => {
            before.map_or((EMPTY_ROOT_HASH, Default::default()), |record| (record.storage_root, record.storage_shape))
        }
    };
    let after = match change.after {
        Some(account) => Some(AccountRecord { account, id, storage_root, storage_shape }),
        None if storage_root == EMPTY_ROOT_HASH => None,
        None => return Err(mismatch(address, "an account that keeps storage cannot go away")),
    };
    if after == before {
        return Ok(None);
    }
    let existed = before.is_some();
    let value = after.map(|record| record.trie_value());
    writes.set(keys::account(hashed), row.clone(), after.map(|record| record.encode()));
    Ok(Some(LeafChange { key: *hashed, existed, value }))
}

fn mismatch(address: &Address, what: &str) -> StoreError {
    StoreError::Mismatch(format!("{address}: {what}"))
}
