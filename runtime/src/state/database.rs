//! The state on a store: opening, committing, and the newest block's view.

use std::num::NonZero;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use parking_lot::{Mutex, RwLock};

use super::computed::Computed;
use super::diff::{self, ReverseDiff};
use super::history::{Before, HistoryMemory};
use super::layers::{Base, Layer, Value};
use super::record::StateRecord;
use super::tables;
use super::verify::{VerifyError, VerifyProgress, VerifyReport};
use super::{Account, AccountProof, ChangeSet, StateReader, StateUpdate, StateView};
use crate::db::{Batch, OpenError, Store, StoreError, chunks, keys, schema};

/// How a state uses its machine. Nothing here changes a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateOptions {
    /// Room for rows read lately, in bytes.
    pub row_cache_bytes: usize,
    /// Room for codes read lately, in bytes.
    pub code_cache_bytes: usize,
    /// Threads that compute a root.
    pub threads: usize,
    /// For how many blocks reverse diffs are kept.
    pub history_blocks: u64,
}

impl Default for StateOptions {
    /// 128 MiB of rows, 32 MiB of code, all processors, 128 blocks.
    fn default() -> Self {
        Self {
            row_cache_bytes: 128 << 20,
            code_cache_bytes: 32 << 20,
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
            history_blocks: 128,
        }
    }
}

/// The state on a store. Cheap to clone; all clones see the same state.
///
/// As a [`StateReader`] it reads the newest committed state. Whoever needs several reads of one block takes a
/// [`StateDb::snapshot`].
#[derive(Clone)]
pub struct StateDb {
    shared: Arc<Shared>,
}

struct Shared {
    base: Arc<Base>,
    tip: RwLock<Arc<Layer>>,
    /// Held while committing. Holds the error of a commit that failed halfway: what the store holds is then unknown.
    committing: Mutex<Option<StoreError>>,
}

impl StateDb {
    /// Opens the state on `store`; an empty store holds the empty state.
    ///
    /// # Errors
    /// [`OpenError::Version`] if the store has another layout, [`OpenError::Unfinished`] if a [`Rebuild`](super::Rebuild)
    /// of it did not come to its end, [`OpenError::Store`] if it fails or if the topmost branch of the account trie does
    /// not have the recorded root.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, OpenError> {
        Self::open_with(store, StateOptions::default())
    }

    /// As [`StateDb::open`], with other options.
    ///
    /// # Errors
    /// As [`StateDb::open`].
    pub fn open_with(store: Arc<dyn Store>, options: StateOptions) -> Result<Self, OpenError> {
        schema::ensure(store.as_ref())?;
        if super::rebuild::is_unfinished(store.as_ref())? {
            return Err(OpenError::Unfinished);
        }
        let record = match store.get(&[keys::STATE])? {
            Some(record) => StateRecord::decode(&record)?,
            None => StateRecord::EMPTY,
        };
        let base = Arc::new(Base::new(store, options));
        let tip = RwLock::new(base.layer(0, 0, record));
        let shared = Shared { base, tip, committing: Mutex::new(None) };
        let db = Self { shared: Arc::new(shared) };
        let top = db.snapshot().top_hash()?;
        if top != record.root {
            let reason = format!("the account trie begins with {top}, its root should be {}", record.root);
            return Err(StoreError::Corrupt(reason).into());
        }
        Ok(db)
    }

    /// Root of the account trie after the newest committed block; the empty trie's root before genesis.
    pub fn root(&self) -> B256 {
        self.shared.tip.read().record.root
    }

    /// Number of the newest committed block; `None` before genesis.
    pub fn block_number(&self) -> Option<u64> {
        self.shared.tip.read().record.block
    }

    /// The newest committed state. Later commits do not change it.
    pub fn snapshot(&self) -> StateView {
        let layer = Arc::clone(&self.shared.tip.read());
        StateView::new(Arc::clone(&self.shared.base), layer)
    }

    /// Computes the state after block `block_number`, which makes `changes` to the newest committed state; writes
    /// nothing. [`StateView::prepare`] does so on an older or a not yet committed state.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if `changes` were not made on this state; else as reading.
    pub fn prepare(&self, changes: &ChangeSet, block_number: u64) -> Result<StateUpdate, StoreError> {
        self.snapshot().prepare(changes, block_number)
    }

    /// Makes `update` and `extra` (the block's own tables) durable in one atomic batch, then lets readers see them. Until
    /// it returns, readers see the state before, undisturbed. Returns the state after it.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if `update` was not prepared on the newest committed state, if its number is not the
    /// next, or if `extra` writes elsewhere than in [`keys::NODE_TABLES`] or what no store takes; nothing is written
    /// then, and another block can be committed. Else as the store: then no further commit is accepted, and reopening
    /// tells whether the block is there.
    pub fn commit(&self, update: StateUpdate, extra: Batch) -> Result<StateView, StoreError> {
        let mut failed = self.shared.committing.lock();
        if let Some(error) = failed.as_ref() {
            return Err(error.clone());
        }
        let tip = Arc::clone(&self.shared.tip.read());
        if update.parent != tip.id {
            return Err(StoreError::Mismatch("another block was committed since this one was prepared".into()));
        }
        if tip.record.block.is_some_and(|block| block.checked_add(1) != update.computed.record.block) {
            return Err(StoreError::Mismatch("a block's number is one more than its parent's".into()));
        }
        tables::check(&extra)?;
        tables::check_lengths(&update.batch)?;
        let base = &self.shared.base;
        let StateUpdate { batch, before, computed, .. } = update;
        let before = stood(base, &tip, &batch, before, &extra)?;
        // If nobody has a view of the block, this is all that holds its batch, which then need not be copied.
        let (next, computed) = (base.layer(computed.id, tip.sequence + 1, computed.record), shared(computed));
        let mut batch = Arc::unwrap_or_clone(batch);
        batch.extend(extra);
        // Should the store panic, what it holds is unknown too.
        *failed = Some(StoreError::Io("a commit did not come to its end".into()));
        if let Err(error) = base.advance(&tip, next.sequence, before, batch) {
            *failed = Some(error.clone());
            return Err(error);
        }
        if let Some(computed) = computed {
            computed.commit(Arc::clone(&next));
        }
        let superseded = std::mem::replace(&mut *self.shared.tip.write(), Arc::clone(&next));
        drop((superseded, tip));
        base.history.merge();
        *failed = None;
        Ok(StateView::new(Arc::clone(base), next))
    }

    /// What the state holds in memory at most for its readers' sake.
    pub fn memory(&self) -> StateMemory {
        let Base { history, rows, codes, .. } = &*self.shared.base;
        StateMemory { history: history.memory(), row_bytes: rows.bytes(), code_bytes: codes.bytes() }
    }

    /// The value at `key` of any table, as of the newest committed block. Small tables that are read often come from
    /// a cache and do not wait for a commit under way.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub fn get(&self, key: &[u8]) -> Result<Option<Arc<[u8]>>, StoreError> {
        let tip = Arc::clone(&self.shared.tip.read());
        self.shared.base.get(&tip, key)
    }

    /// As [`StateDb::get`], for values written with [`put_chunked`](chunks::put_chunked).
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or chunks are missing.
    pub fn get_chunked(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let tip = Arc::clone(&self.shared.tip.read());
        chunks::get_chunked_with(|key| self.shared.base.get(&tip, key), key)
    }

    /// What block `number` replaced, if its reverse diff is still kept.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or the diff is damaged.
    pub fn reverse_diff(&self, number: u64) -> Result<Option<ReverseDiff>, StoreError> {
        self.get_chunked(&keys::diff(number))?.map(|bytes| diff::decode(&bytes)).transpose()
    }

    /// Proof of an account and some of its slots (indices, not hashed) against [`StateDb::root`].
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn proof(&self, address: Address, slots: &[B256]) -> Result<AccountProof, StoreError> {
        self.snapshot().proof(address, slots)
    }

    /// Builds every root anew from all rows and compares them, every branch record and every code, as the store holds
    /// them; reads the whole state, in bounded memory.
    ///
    /// # Errors
    /// [`VerifyError`] says what does not fit.
    pub fn verify(&self) -> Result<VerifyReport, VerifyError> {
        self.snapshot().verify()
    }

    /// As [`StateDb::verify`]; shows `progress` now and then how far it is.
    ///
    /// # Errors
    /// As [`StateDb::verify`].
    pub fn verify_with(&self, progress: &mut dyn FnMut(VerifyProgress)) -> Result<VerifyReport, VerifyError> {
        self.snapshot().verify_with(progress)
    }
}

/// What a state holds in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateMemory {
    /// What states that somebody holds make it keep.
    pub history: HistoryMemory,
    /// Rows in the cache, in bytes.
    pub row_bytes: usize,
    /// Codes in the cache, in bytes.
    pub code_bytes: usize,
}

/// The computed state, if anybody else has it.
fn shared(computed: Arc<Computed>) -> Option<Arc<Computed>> {
    (Arc::strong_count(&computed) > 1).then_some(computed)
}

/// What stands at every key of `update` and `extra`, sorted: for the keys of `update` what is `known`, the rest read.
fn stood(
    base: &Base,
    tip: &Layer,
    update: &Batch,
    known: Vec<Option<Value>>,
    extra: &Batch,
) -> Result<Vec<Before>, StoreError> {
    let read = |key: &[u8]| base.get(tip, key);
    let mut before: Vec<Before> = Vec::with_capacity(update.len() + extra.len());
    for ((key, _), known) in update.iter().zip(known) {
        before.push((Arc::from(key), known.map_or_else(|| read(key), Ok)?));
    }
    for (key, _) in extra.iter().filter(|(key, _)| update.get(key).is_none()) {
        before.push((Arc::from(key), read(key)?));
    }
    before.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(before)
}

impl StateReader for StateDb {
    fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        self.snapshot().account(address)
    }

    fn storage(&self, address: Address, slot: B256) -> Result<B256, StoreError> {
        self.snapshot().storage(address, slot)
    }

    fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StoreError> {
        self.snapshot().code(code_hash)
    }

    fn block_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        self.snapshot().block_hash(number)
    }
}
