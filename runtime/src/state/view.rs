//! The state at one block.

use std::fmt;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY};

use super::computed::At;
use super::layers::{Base, Layer, Value};
use super::record::{AccountRecord, StateRecord, slot_trie_value, slot_value};
use super::{Account, StateReader, StorageHandle};
use crate::db::{StoreError, Visit, chunks, keys};
use crate::trie::{Path, TrieReader, keccak, proof};

/// The state at one block: a committed one, or one that was prepared and not yet committed. Later commits do not
/// change what its holder reads. Cheap to clone; holding one for long keeps what later blocks replaced in memory, each
/// changed key about once or twice.
#[derive(Clone)]
pub struct StateView {
    pub(super) base: Arc<Base>,
    pub(super) at: At,
}

impl fmt::Debug for StateView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (block, root) = (self.block_number(), self.root());
        f.debug_struct("StateView").field("block", &block).field("root", &root).finish_non_exhaustive()
    }
}

impl StateView {
    pub(super) fn new(base: Arc<Base>, layer: Arc<Layer>) -> Self {
        Self { base, at: At::Committed(layer) }
    }

    /// What names this state.
    pub(super) fn id(&self) -> u64 {
        match &self.at {
            At::Committed(layer) => layer.id,
            At::Computed(computed, _) => computed.id,
        }
    }

    pub(super) fn record(&self) -> &StateRecord {
        match &self.at {
            At::Committed(layer) => &layer.record,
            At::Computed(computed, _) => &computed.record,
        }
    }

    /// What a read looks through before it comes to cache and store, if it finds the key nowhere: blocks that are not
    /// committed yet, and what later blocks replaced.
    pub fn steps(&self) -> usize {
        let (blocks, layer) = self.at.chain();
        blocks.len() + self.base.history.after(layer.sequence).len()
    }

    /// Root of the account trie.
    pub fn root(&self) -> B256 {
        self.record().root
    }

    /// The block whose post-state this is; `None` before genesis.
    pub fn block_number(&self) -> Option<u64> {
        self.record().block
    }

    /// The value at `key` of any table. Of tables that are no part of the state (but hashes of blocks by number), it may
    /// be that of a later block.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub fn get(&self, key: &[u8]) -> Result<Value, StoreError> {
        self.at.get(key, &|layer| self.base.get(layer, key))
    }

    /// As [`StateView::get`], past the cache: what the store really holds.
    pub(super) fn stored(&self, key: &[u8]) -> Result<Value, StoreError> {
        self.at.get(key, &|layer| self.base.stored(layer, key))
    }

    /// As [`StateView::get`], for values written with [`put_chunked`](chunks::put_chunked).
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or chunks are missing.
    pub fn get_chunked(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        chunks::get_chunked_with(|key| self.get(key), key)
    }

    /// Visits the entries whose key starts with `prefix` and is not below `start`, in key order, until `visit` breaks.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        let (blocks, layer) = self.at.chain();
        self.base.scan(&layer, &blocks, prefix, start, visit)
    }

    /// Hashes of all codes that accounts hold or held, in order.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store fails.
    pub fn code_hashes(&self) -> Result<Vec<B256>, StoreError> {
        let mut hashes = Vec::new();
        self.scan(&[keys::CODE], &[], &mut |key, _| {
            // A long code has further rows, whose keys are the first one's but for their last two bytes.
            if let [_, hash @ .., 0, 0] = key
                && let Ok(hash) = B256::try_from(hash)
            {
                hashes.push(hash);
            }
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(hashes)
    }

    pub(super) fn account_record(&self, hashed_address: &B256) -> Result<Option<AccountRecord>, StoreError> {
        self.get(&keys::account(hashed_address))?.map(|row| AccountRecord::decode(&row)).transpose()
    }

    pub(super) fn slot(&self, id: u64, hashed_slot: &B256) -> Result<B256, StoreError> {
        self.get(&keys::storage(id, hashed_slot))?.map_or(Ok(B256::ZERO), |row| slot_value(&row))
    }

    /// Hash of the account trie's topmost node, computed from its record.
    pub(super) fn top_hash(&self) -> Result<B256, StoreError> {
        proof::top_hash(&AccountTrie(self), self.record().shape)
    }

    /// As the free function, in this state.
    fn first_row(&self, table: &[u8], path: &Path) -> Result<Option<(B256, Vec<u8>)>, StoreError> {
        first_row(table, path, &|prefix, start, visit| self.scan(prefix, start, visit))
    }
}

/// Visits entries as [`Store::scan`](crate::db::Store::scan) does.
pub(super) type Scan<'a> = &'a dyn Fn(&[u8], &[u8], Visit<'_>) -> Result<(), StoreError>;

/// The first key of a flat table (whose keys are `table` and a hash) that starts with `path`, and its row.
pub(super) fn first_row(table: &[u8], path: &Path, scan: Scan<'_>) -> Result<Option<(B256, Vec<u8>)>, StoreError> {
    let start = [table, path.lowest_key().as_slice()].concat();
    let prefix = &start[..table.len() + path.len() / 2];
    let mut found = None;
    scan(prefix, &start, &mut |key, row| {
        found = B256::try_from(&key[table.len()..]).ok().map(|key| (key, row.to_vec()));
        std::ops::ControlFlow::Break(())
    })?;
    Ok(found.filter(|(key, _)| path.begins(key)))
}

impl StateReader for StateView {
    fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        Ok(self.account_and_storage(address)?.map(|(account, _)| account))
    }

    fn storage(&self, address: Address, slot: B256) -> Result<B256, StoreError> {
        match self.account_and_storage(address)? {
            Some((_, handle)) => self.storage_at(address, handle, slot),
            None => Ok(B256::ZERO),
        }
    }

    fn account_and_storage(&self, address: Address) -> Result<Option<(Account, StorageHandle)>, StoreError> {
        let record = self.account_record(&keccak::hash(address.as_slice()).into())?;
        let handle = |record: &AccountRecord| record.id.map_or(StorageHandle::Empty, StorageHandle::Id);
        Ok(record.map(|record| (record.account, handle(&record))))
    }

    fn storage_at(&self, address: Address, handle: StorageHandle, slot: B256) -> Result<B256, StoreError> {
        match handle {
            StorageHandle::Id(id) => self.slot(id, &keccak::hash(slot.as_slice()).into()),
            StorageHandle::Empty => Ok(B256::ZERO),
            StorageHandle::ByAddress => self.storage(address, slot),
        }
    }

    fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StoreError> {
        if code_hash == KECCAK256_EMPTY {
            return Ok(Some(Bytes::new()));
        }
        let key = keys::code(&code_hash);
        if let Some(code) = self.base.codes.get(&key) {
            return Ok(Some(code));
        }
        let code = self.get_chunked(&key)?.map(Bytes::from);
        if let Some(code) = &code {
            self.base.codes.put(&key, code.clone());
        }
        Ok(code)
    }

    fn block_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        if let Some(hash) = self.at.block_hash(number) {
            return Ok(Some(hash));
        }
        let unreadable = |_| StoreError::Corrupt(format!("the hash of block {number} is unreadable"));
        self.get(&keys::block_hash(number))?.map(|hash| B256::try_from(&hash[..]).map_err(unreadable)).transpose()
    }
}

/// The account trie of a view.
pub(super) struct AccountTrie<'a>(pub(super) &'a StateView);

impl TrieReader for AccountTrie<'_> {
    fn branch(&self, path: &Path) -> Result<Value, StoreError> {
        self.0.get(&keys::account_branch(path))
    }

    fn first_leaf(&self, prefix: &Path) -> Result<Option<(B256, Vec<u8>)>, StoreError> {
        let row = self.0.first_row(&[keys::ACCOUNT], prefix)?;
        row.map(|(key, row)| Ok((key, AccountRecord::decode(&row)?.trie_value()))).transpose()
    }
}

/// The storage trie of the account with this id.
pub(super) struct StorageTrie<'a> {
    pub(super) view: &'a StateView,
    pub(super) id: u64,
}

impl TrieReader for StorageTrie<'_> {
    fn branch(&self, path: &Path) -> Result<Value, StoreError> {
        self.view.get(&keys::storage_branch(self.id, path))
    }

    fn first_leaf(&self, prefix: &Path) -> Result<Option<(B256, Vec<u8>)>, StoreError> {
        let table = keys::key(keys::STORAGE, &[&self.id.to_be_bytes()]);
        let row = self.view.first_row(&table, prefix)?;
        Ok(row.map(|(key, row)| (key, slot_trie_value(&row))))
    }
}
