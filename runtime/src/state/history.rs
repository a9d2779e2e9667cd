//! What commits replaced, for readers of the states before them.
//!
//! The store only knows the newest state. Every commit, before it touches the store, adds an *undo* here: for each key
//! that it writes, what stood there. A reader of the state after commit `n` finds the old value of a changed key in the
//! undos of the commits after `n`, and every other key in the cache or the store.
//!
//! Undos live as long as somebody holds a state before them. Neighbours between which nobody stands are merged, as long
//! as the older one is not more than twice the newer: so behind a state that is held for long there are about as many
//! undos as the logarithm of what was written since, and together they hold at most twice the keys that differ. What grows
//! with every block and is no part of a state ([`is_kept`]) is left out then.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::layers::Value;
use crate::db::keys;

/// A key and what stood there.
pub(super) type Before = (Arc<[u8]>, Value);

/// What a step from one state to a later one replaced.
pub(super) struct Undo {
    /// The commit whose state this leads back to.
    from: u64,
    /// The last commit that it undoes.
    to: u64,
    /// What stood at each key before, sorted by key.
    before: Vec<Before>,
    /// Keys and values, in bytes.
    bytes: usize,
}

/// Whether an undo of several commits says what stood at `key`. Each block brings rows of its own to the other tables:
/// they need to be hidden only until the block is committed.
fn is_kept(key: &[u8]) -> bool {
    !matches!(
        key.first(),
        Some(
            &keys::DIFF
                | &keys::BLOCK_NUMBER
                | &keys::HEADER
                | &keys::BODY
                | &keys::RECEIPTS
                | &keys::TRANSACTION
                | &keys::CERTIFICATE
                | &keys::VALIDATOR_SET
        )
    )
}

/// The undos that somebody needs.
#[derive(Default)]
pub(super) struct History {
    /// In order, each beginning where the one before ends.
    undos: RwLock<Vec<Arc<Undo>>>,
    /// The commits whose states are held.
    held: Mutex<BTreeSet<u64>>,
}

/// What a [`History`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryMemory {
    /// States that somebody holds, the newest one with them.
    pub states: usize,
    /// Undos.
    pub undos: usize,
    /// Keys in them, each counted as often as it is there.
    pub keys: usize,
    /// Keys and values in them, in bytes.
    pub bytes: usize,
}

impl Undo {
    pub(super) fn new(from: u64, to: u64, before: Vec<Before>) -> Self {
        let bytes = before.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, |value| value.len())).sum();
        Self { from, to, before, bytes }
    }

    fn get(&self, key: &[u8]) -> Option<&Value> {
        let index = self.before.binary_search_by(|(before, _)| before.as_ref().cmp(key)).ok()?;
        self.before.get(index).map(|(_, value)| value)
    }

    /// What stood at the keys from `start` on, sorted.
    pub(super) fn range(&self, start: &[u8]) -> &[Before] {
        &self.before[self.before.partition_point(|(key, _)| key.as_ref() < start)..]
    }

    /// Both as one step: of a key that both have, the older one says what stood there.
    fn merged(older: &Self, newer: &Self) -> Self {
        let mut before = Vec::with_capacity(older.before.len().max(newer.before.len()));
        let mut later = newer.before.iter().filter(|(key, _)| is_kept(key)).peekable();
        for entry in older.before.iter().filter(|(key, _)| is_kept(key)) {
            while let Some(other) = later.next_if(|other| other.0 < entry.0) {
                before.push(other.clone());
            }
            later.next_if(|other| other.0 == entry.0);
            before.push(entry.clone());
        }
        before.extend(later.cloned());
        before.shrink_to_fit();
        Self::new(older.from, newer.to, before)
    }
}

impl History {
    /// Says that the state after commit `sequence` is held; it must be the newest one.
    pub(super) fn hold(&self, sequence: u64) {
        self.held.lock().insert(sequence);
    }

    /// Says that nobody holds the state after commit `sequence` any more.
    pub(super) fn release(&self, sequence: u64) {
        let mut held = self.held.lock();
        held.remove(&sequence);
        let oldest = held.first().copied().unwrap_or(u64::MAX);
        let mut undos = self.undos.write();
        let needless = undos.partition_point(|undo| undo.to <= oldest);
        let needless: Vec<_> = undos.drain(..needless).collect();
        drop((undos, held));
        // What takes long is done while nobody waits.
        drop(needless);
    }

    /// Adds the undo of the next commit.
    pub(super) fn push(&self, undo: Undo) {
        let mut undos = self.undos.write();
        debug_assert!(undos.last().is_none_or(|last| last.to == undo.from), "commits follow each other");
        undos.push(Arc::new(undo));
    }

    /// Merges neighbours between which nobody stands. Called by whoever commits, one at a time; readers do not wait for it.
    pub(super) fn merge(&self) {
        let undos = self.undos.read().clone();
        let mut newer = undos.len();
        let mut kept: Vec<Arc<Undo>> = Vec::with_capacity(undos.len());
        let mut changed = false;
        while let Some(index) = newer.checked_sub(1) {
            newer = index;
            let mut undo = Arc::clone(&undos[index]);
            while let Some(older) = newer.checked_sub(1).and_then(|index| undos.get(index)) {
                let stands = self.held.lock().contains(&older.to);
                if stands || older.before.len() > 2 * undo.before.len() {
                    break;
                }
                undo = Arc::new(Undo::merged(older, &undo));
                newer -= 1;
                changed = true;
            }
            kept.push(undo);
        }
        if !changed {
            return;
        }
        kept.reverse();
        let mut undos = self.undos.write();
        // Meanwhile states may have been let go, and what leads back to them.
        let oldest = undos.first().map_or(u64::MAX, |undo| undo.from);
        let still_needed = kept.partition_point(|undo| undo.to <= oldest);
        let before = std::mem::replace(&mut *undos, kept.split_off(still_needed));
        drop(undos);
        drop(before);
    }

    /// What stood at `key` in the state after commit `sequence`, if a later commit wrote it, or else the last commit
    /// whose undo was searched. `reached`: commits up to this one are known not to have written it.
    pub(super) fn find(&self, reached: u64, key: &[u8]) -> Result<Value, u64> {
        let undos = self.undos.read();
        let mut last = reached;
        for undo in &undos[undos.partition_point(|undo| undo.to <= reached)..] {
            if let Some(value) = undo.get(key) {
                return Ok(value.clone());
            }
            last = undo.to;
        }
        Err(last)
    }

    /// The undos of the commits after `sequence`, oldest first.
    pub(super) fn after(&self, sequence: u64) -> Vec<Arc<Undo>> {
        let undos = self.undos.read();
        undos[undos.partition_point(|undo| undo.to <= sequence)..].to_vec()
    }

    /// What it holds now.
    pub(super) fn memory(&self) -> HistoryMemory {
        let states = self.held.lock().len();
        let undos = self.undos.read();
        HistoryMemory {
            states,
            undos: undos.len(),
            keys: undos.iter().map(|undo| undo.before.len()).sum(),
            bytes: undos.iter().map(|undo| undo.bytes).sum(),
        }
    }
}
