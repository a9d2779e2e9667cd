//! The state on a store.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};

use super::{Account, AccountProof, ChangeSet, StateReader};
use crate::db::{Batch, OpenError, Store, StoreError, schema};

/// The state on a store. Cheap to clone; all clones see the same state.
#[derive(Clone)]
pub struct StateDb {
    store: Arc<dyn Store>,
}

/// The state at one block, which later commits do not change for its holder.
#[derive(Clone)]
pub struct StateView {
    db: StateDb,
}

/// A block's state, computed and not yet committed.
#[derive(Clone)]
pub struct StateUpdate {
    /// Root of the state after the block.
    pub root: B256,
    /// Everything the state writes for the block.
    pub batch: Batch,
}

const UNFINISHED: &str = "state roots are not computed yet";

impl StateDb {
    /// Opens the state on `store`; an empty store holds the empty state.
    ///
    /// # Errors
    /// [`OpenError`] if the store has another layout or is damaged.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, OpenError> {
        schema::ensure(store.as_ref())?;
        Ok(Self { store })
    }

    /// Root of the account trie after the last committed block.
    pub fn root(&self) -> B256 {
        alloy_trie::EMPTY_ROOT_HASH
    }

    /// The state as it is now, unchanged by later commits.
    pub fn snapshot(&self) -> StateView {
        StateView { db: self.clone() }
    }

    /// Computes the state after block `block_number`, which makes `changes`; writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if `changes` were not made on this state; else as reading.
    pub fn prepare(&self, _changes: &ChangeSet, _block_number: u64) -> Result<StateUpdate, StoreError> {
        Err(StoreError::Mismatch(UNFINISHED.into()))
    }

    /// Makes `update` and `extra` (the block's own tables) durable in one atomic batch, then lets readers see them.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if another update was committed since `update` was prepared; else as writing.
    pub fn commit(&self, update: StateUpdate, extra: Batch) -> Result<(), StoreError> {
        let mut batch = update.batch;
        batch.extend(extra);
        self.store.apply(batch)?;
        self.store.flush()
    }

    /// The value at `key` of any table, as of the last committed block; does not wait for a commit under way.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub fn get(&self, key: &[u8]) -> Result<Option<Arc<[u8]>>, StoreError> {
        Ok(self.store.get(key)?.map(Arc::from))
    }

    /// As [`StateDb::get`], for values written with [`put_chunked`](crate::db::chunks::put_chunked).
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or chunks are missing.
    pub fn get_chunked(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        crate::db::chunks::get_chunked_with(|key| self.get(key), key)
    }

    /// Proof of an account and some of its slots against [`StateDb::root`].
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn proof(&self, _address: Address, _slots: &[B256]) -> Result<AccountProof, StoreError> {
        Err(StoreError::Mismatch(UNFINISHED.into()))
    }
}

impl StateView {
    /// Root of the account trie at this view's block.
    pub fn root(&self) -> B256 {
        self.db.root()
    }

    /// As [`StateDb::prepare`], on this view.
    ///
    /// # Errors
    /// As [`StateDb::prepare`].
    pub fn prepare(&self, changes: &ChangeSet, block_number: u64) -> Result<StateUpdate, StoreError> {
        self.db.prepare(changes, block_number)
    }

    /// As [`StateDb::proof`], at this view's block.
    ///
    /// # Errors
    /// As [`StateDb::proof`].
    pub fn proof(&self, address: Address, slots: &[B256]) -> Result<AccountProof, StoreError> {
        self.db.proof(address, slots)
    }
}

macro_rules! empty_reader {
    ($type:ty) => {
        impl StateReader for $type {
            fn account(&self, _address: Address) -> Result<Option<Account>, StoreError> {
                Err(StoreError::Mismatch(UNFINISHED.into()))
            }

            fn storage(&self, _address: Address, _slot: B256) -> Result<B256, StoreError> {
                Err(StoreError::Mismatch(UNFINISHED.into()))
            }

            fn code(&self, _code_hash: B256) -> Result<Option<Bytes>, StoreError> {
                Err(StoreError::Mismatch(UNFINISHED.into()))
            }

            fn block_hash(&self, _number: u64) -> Result<Option<B256>, StoreError> {
                Err(StoreError::Mismatch(UNFINISHED.into()))
            }
        }
    };
}
empty_reader!(StateDb);
empty_reader!(StateView);
