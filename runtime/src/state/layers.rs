//! The store with the cache above it, and states that somebody holds while later blocks are committed: see [`History`]
//! for how.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::Bytes;

use super::StateOptions;
use super::cache::Cache;
use super::computed::Above;
use super::history::{Before, History, Undo};
use super::record::StateRecord;
use crate::db::keys::{self, Key};
use crate::db::{Batch, Store, StoreError, Visit};

/// What stands at a key; `None`: nothing.
pub(super) type Value = Option<Arc<[u8]>>;

/// The state after one commit. While it lives, what later commits replaced is kept.
pub(super) struct Layer {
    /// Names the state: no two have the same, not even one computed and never committed.
    pub(super) id: u64,
    /// Commits since the store was opened.
    pub(super) sequence: u64,
    pub(super) record: StateRecord,
    history: Arc<History>,
}

impl Drop for Layer {
    fn drop(&mut self) {
        self.history.release(self.sequence);
    }
}

/// The store, the cache above it, and how far commits have gone.
pub(super) struct Base {
    pub(super) store: Arc<dyn Store>,
    pub(super) options: StateOptions,
    pub(super) rows: Cache<Value>,
    pub(super) codes: Cache<Bytes>,
    pub(super) history: Arc<History>,
    /// Sequence of the newest commit that may have touched the store.
    newest: AtomicU64,
    /// Names that were given to states.
    ids: AtomicU64,
}

/// The key, if its table's rows are read again and again. The others are large, or read once.
fn cached(key: &[u8]) -> Option<Key> {
    let is_cached = matches!(
        key.first(),
        Some(
            &keys::ACCOUNT
                | &keys::STORAGE
                | &keys::ACCOUNT_BRANCH
                | &keys::STORAGE_BRANCH
                | &keys::STATE
                | &keys::BLOCK_HASH
                | &keys::BLOCK_NUMBER
                | &keys::METADATA
        )
    );
    Key::copy(key).filter(|_| is_cached)
}

impl Base {
    pub(super) fn new(store: Arc<dyn Store>, options: StateOptions) -> Self {
        Self {
            store,
            options,
            rows: Cache::new(options.row_cache_bytes),
            codes: Cache::new(options.code_cache_bytes),
            history: Arc::default(),
            newest: AtomicU64::new(0),
            ids: AtomicU64::new(1),
        }
    }

    /// A name for a state that was computed.
    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// The state after the newest commit, or after the one that is about to be made.
    pub(super) fn layer(&self, id: u64, sequence: u64, record: StateRecord) -> Arc<Layer> {
        self.history.hold(sequence);
        Arc::new(Layer { id, sequence, record, history: Arc::clone(&self.history) })
    }

    /// As [`Base::get`], past the cache: what the store really holds.
    pub(super) fn stored(&self, layer: &Layer, key: &[u8]) -> Result<Value, StoreError> {
        let reached = match self.undone(layer.sequence, key) {
            Ok(value) => return Ok(value),
            Err(reached) => reached,
        };
        let value = self.store.get(key)?.map(Arc::from);
        Ok(self.undone(reached, key).unwrap_or(value))
    }

    /// The value at `key` in the state of `layer`.
    pub(super) fn get(&self, layer: &Layer, key: &[u8]) -> Result<Value, StoreError> {
        let reached = match self.undone(layer.sequence, key) {
            Ok(value) => return Ok(value),
            Err(reached) => reached,
        };
        let cached = cached(key);
        let hit = cached.as_ref().and_then(|key| self.rows.get(key));
        let is_hit = hit.is_some();
        let value = match hit {
            Some(value) => value,
            None => self.store.get(key)?.map(Arc::from),
        };
        // A commit may have begun since: if it writes this key, its undo was there before it touched store or cache.
        let reached = match self.undone(reached, key) {
            Ok(value) => return Ok(value),
            Err(reached) => reached,
        };
        if let Some(key) = cached
            && !is_hit
        {
            let current = || self.newest.load(Ordering::SeqCst) == reached;
            self.rows.put_if(&key, value.clone(), current);
        }
        Ok(value)
    }

    /// What stood at `key` after commit `reached`, if a later one writes it; else the newest commit, which does not.
    fn undone(&self, reached: u64, key: &[u8]) -> Result<Value, u64> {
        // Most readers read the newest state.
        if self.newest.load(Ordering::SeqCst) == reached { Err(reached) } else { self.history.find(reached, key) }
    }

    /// Visits the entries with `prefix` from `start` on in the state of `layer`, with what `blocks` write
    /// above it, the newest of which is the first.
    pub(super) fn scan(
        &self,
        layer: &Layer,
        blocks: &[Above],
        prefix: &[u8],
        start: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let mut from = start.max(prefix).to_vec();
        let mut rows_at_once = 4;
        loop {
            let mut rows = Vec::new();
            self.store.scan(prefix, &from, &mut |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                if rows.len() < rows_at_once { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            let last = (rows.len() >= rows_at_once).then(|| rows[rows.len() - 1].0.clone());
            let inside = |key: &[u8]| key.starts_with(prefix) && last.as_deref().is_none_or(|last| key <= last);
            let mut merged: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
            for block in blocks {
                for (key, value) in block.batch.range(&from).take_while(|(key, _)| inside(key)) {
                    merged.entry(key.to_vec()).or_insert_with(|| value.map(<[u8]>::to_vec));
                }
            }
            // The rows were read before the undos are: whatever a commit changed among them, its undo is seen here.
            for undo in self.history.after(layer.sequence) {
                for (key, value) in undo.range(&from).iter().take_while(|(key, _)| inside(key)) {
                    merged.entry(key.to_vec()).or_insert_with(|| value.as_ref().map(|value| value.to_vec()));
                }
            }
            for (key, value) in rows {
                merged.entry(key).or_insert(Some(value));
            }
            for (key, value) in &merged {
                if let Some(value) = value
                    && visit(key, value).is_break()
                {
                    return Ok(());
                }
            }
            let Some(mut last) = last else { return Ok(()) };
            last.push(0);
            from = last;
            rows_at_once = (rows_at_once * 4).min(1024);
        }
    }

    /// Makes `batch` durable as the step from `tip` to commit `next`. Readers of `tip` and before see nothing of it, at no
    /// time; `before` is what stands at every key of the batch, sorted.
    ///
    /// # Errors
    /// As the store. Whether the batch was applied is then unknown, and nothing may be committed any more.
    pub(super) fn advance(&self, tip: &Layer, next: u64, before: Vec<Before>, batch: Batch) -> Result<(), StoreError> {
        let rows: Vec<(Key, Value)> =
            batch.iter().filter_map(|(key, value)| Some((cached(key)?, value.map(Arc::from)))).collect();
        self.history.push(Undo::new(tip.sequence, next, before));
        self.newest.store(next, Ordering::SeqCst);
        self.store.apply(batch)?;
        self.store.flush()?;
        for (key, value) in rows {
            self.rows.put(&key, value);
        }
        Ok(())
    }
}
