//! What lets a reader keep the state of its block while later blocks are committed.
//!
//! The store only knows the newest state. Every commit, before it touches the store, hangs an *undo* on the layer that
//! it supersedes: for each key that it writes, what stood there. A reader holds the layer of its block: it finds the
//! old value of a changed key in the undos between its block and the newest, and every other key in the cache or the
//! store. An undo lives as long as somebody holds the layer that it hangs on.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use alloy_primitives::Bytes;

use super::cache::Cache;
use super::record::StateRecord;
use crate::db::keys::{self, Key};
use crate::db::{Batch, Store, StoreError, Visit};

/// What stands at a key; `None`: nothing.
pub(super) type Value = Option<Arc<[u8]>>;

/// The state after one commit.
pub(super) struct Layer {
    /// Names the state: no two have the same, not even one computed and never committed.
    pub(super) id: u64,
    /// Commits since the store was opened.
    pub(super) sequence: u64,
    pub(super) record: StateRecord,
    next: OnceLock<Undo>,
}

/// The way back from the next layer.
struct Undo {
    /// What stood at each key that the next commit writes, sorted.
    before: Vec<(Vec<u8>, Value)>,
    layer: Arc<Layer>,
}

impl Layer {
    pub(super) fn new(id: u64, sequence: u64, record: StateRecord) -> Self {
        Self { id, sequence, record, next: OnceLock::new() }
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        // A long chain must not be dropped by recursion.
        let mut next = self.next.take();
        while let Some(undo) = next {
            next = Arc::into_inner(undo.layer).and_then(|mut layer| layer.next.take());
        }
    }
}

/// The store, the cache above it, and how far commits have gone.
pub(super) struct Base {
    pub(super) store: Arc<dyn Store>,
    rows: Cache<Value>,
    pub(super) codes: Cache<Bytes>,
    /// Sequence of the newest commit that may have touched the store.
    newest: AtomicU64,
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
    pub(super) fn new(store: Arc<dyn Store>, row_bytes: usize, code_bytes: usize) -> Self {
        Self { store, rows: Cache::new(row_bytes), codes: Cache::new(code_bytes), newest: AtomicU64::new(0) }
    }

    /// The value at `key` in the state of `layer`.
    pub(super) fn get(&self, layer: &Layer, key: &[u8]) -> Result<Value, StoreError> {
        let reached = match older(layer, key) {
            Older::Found(value) => return Ok(value),
            Older::Newest(reached) => reached,
        };
        let cached = cached(key);
        let hit = cached.as_ref().and_then(|key| self.rows.get(key));
        let is_hit = hit.is_some();
        let value = match hit {
            Some(value) => value,
            None => self.store.get(key)?.map(Arc::from),
        };
        // A commit may have begun since: if it writes this key, its undo was there before it touched store or cache.
        let reached = match older(reached, key) {
            Older::Found(value) => return Ok(value),
            Older::Newest(reached) => reached,
        };
        if let Some(key) = cached
            && !is_hit
        {
            let current = || self.newest.load(Ordering::SeqCst) == reached.sequence;
            self.rows.put_if(&key, value.clone(), current);
        }
        Ok(value)
    }

    /// Visits the entries with `prefix` from `start` on in the state of `layer`, with the `pending` batches (the last
    /// one counts most) above it.
    pub(super) fn scan(
        &self,
        layer: &Layer,
        pending: &[Arc<Batch>],
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
            for batch in pending.iter().rev() {
                for (key, value) in batch.range(&from).take_while(|(key, _)| inside(key)) {
                    merged.entry(key.to_vec()).or_insert_with(|| value.map(<[u8]>::to_vec));
                }
            }
            // The rows were read before the undos are: whatever a commit changed among them, its undo is seen here.
            let mut layer = layer;
            while let Some(undo) = layer.next.get() {
                let first = undo.before.partition_point(|(key, _)| *key < from);
                for (key, value) in undo.before[first..].iter().take_while(|(key, _)| inside(key)) {
                    merged.entry(key.clone()).or_insert_with(|| value.as_ref().map(|value| value.to_vec()));
                }
                layer = &undo.layer;
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

    /// Makes `batch` durable as the step from `tip` to `next`. Readers of `tip` and before see nothing of it, at no
    /// time; `before` is what stands at every key of the batch, sorted.
    ///
    /// # Errors
    /// As the store. Whether the batch was applied is then unknown, and nothing may be committed any more.
    pub(super) fn advance(
        &self,
        tip: &Layer,
        next: Arc<Layer>,
        before: Vec<(Vec<u8>, Value)>,
        batch: Batch,
    ) -> Result<(), StoreError> {
        let rows: Vec<(Key, Value)> =
            batch.iter().filter_map(|(key, value)| Some((cached(key)?, value.map(Arc::from)))).collect();
        let sequence = next.sequence;
        let hung = tip.next.set(Undo { before, layer: next }).is_ok();
        assert!(hung, "only the newest layer is superseded, and only once");
        self.newest.store(sequence, Ordering::SeqCst);
        self.store.apply(batch)?;
        self.store.flush()?;
        for (key, value) in rows {
            self.rows.put(&key, value);
        }
        Ok(())
    }
}

enum Older<'a> {
    Found(Value),
    Newest(&'a Layer),
}

/// Looks for `key` in the undos from `layer` to the newest layer: the first one that has it says what `layer` has.
fn older<'a>(layer: &'a Layer, key: &[u8]) -> Older<'a> {
    let mut layer = layer;
    while let Some(undo) = layer.next.get() {
        if let Ok(index) = undo.before.binary_search_by(|(before, _)| before.as_slice().cmp(key)) {
            return Older::Found(undo.before[index].1.clone());
        }
        layer = &undo.layer;
    }
    Older::Newest(layer)
}
