//! A store whose machine can lose its power in the middle of a commit.

use std::sync::Mutex;

use esker_runtime::db::{Batch, MemoryStore, Store, StoreError, Visit};

/// Where the power goes. A batch that was applied and not flushed is there afterwards or is not: these are the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before anything of the next batch is durable.
    Before,
    /// When all of it is, and nobody was told.
    After,
}

/// What a node's database stands on. It outlives the node.
#[derive(Default)]
pub struct SimStore {
    entries: MemoryStore,
    cut: Mutex<Option<Cut>>,
}

impl SimStore {
    /// The power goes with the next batch.
    pub fn cut_next(&self, cut: Cut) {
        *self.cut.lock().expect("nothing panics while it holds the lock") = Some(cut);
    }
}

impl Store for SimStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.entries.get(key)
    }

    fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        self.entries.scan(prefix, start, visit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let cut = self.cut.lock().expect("nothing panics while it holds the lock").take();
        if cut != Some(Cut::Before) {
            self.entries.apply(batch)?;
        }
        cut.map_or(Ok(()), |_| Err(StoreError::Io("the power went".to_owned())))
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
