//! Blocks above the committed state: what they write, until they are committed, and then their place among the layers.
//! So a view that was taken of a block before it was committed reads as fast afterwards as one that was taken then.

use std::sync::{Arc, OnceLock};

use alloy_primitives::B256;
use parking_lot::RwLock;

use super::layers::{Layer, Value};
use super::record::StateRecord;
use crate::db::{Batch, StoreError};

/// Where a view stands.
#[derive(Clone)]
pub(super) enum At {
    /// On a committed state.
    Committed(Arc<Layer>),
    /// On a block that was computed, and committed perhaps; with the block's hash.
    Computed(Arc<Computed>, B256),
}

/// A state that was computed.
pub(super) struct Computed {
    pub(super) id: u64,
    pub(super) record: StateRecord,
    /// Set when it is committed.
    layer: OnceLock<Arc<Layer>>,
    /// Until then.
    open: RwLock<Option<Open>>,
}

/// What a block that is not committed stands on, and what it writes.
struct Open {
    parent: At,
    batch: Arc<Batch>,
}

impl Computed {
    pub(super) fn new(id: u64, record: StateRecord, parent: At, batch: Arc<Batch>) -> Self {
        Self { id, record, layer: OnceLock::new(), open: RwLock::new(Some(Open { parent, batch })) }
    }

    /// From now on it is `layer`; what it stood on and wrote is let go.
    pub(super) fn commit(&self, layer: Arc<Layer>) {
        let is_first = self.layer.set(layer).is_ok();
        debug_assert!(is_first, "a state is committed once");
        let open = self.open.write().take();
        drop(open);
    }
}

impl Drop for Computed {
    fn drop(&mut self) {
        // A long chain must not be dropped by recursion.
        let parent = |open: Option<Open>| open.map(|open| open.parent);
        let mut next = parent(self.open.get_mut().take());
        while let Some(At::Computed(computed, _)) = next {
            next = Arc::into_inner(computed).and_then(|mut computed| parent(computed.open.get_mut().take()));
        }
    }
}

impl At {
    /// The value at `key`: as the newest block above the committed state that writes it says, else what `below` reads
    /// there.
    pub(super) fn get(
        &self,
        key: &[u8],
        below: &dyn Fn(&Layer) -> Result<Value, StoreError>,
    ) -> Result<Value, StoreError> {
        let mut computed = match self {
            Self::Committed(layer) => return below(layer),
            Self::Computed(computed, _) => match computed.layer.get() {
                Some(layer) => return below(layer),
                None => Arc::clone(computed),
            },
        };
        loop {
            if let Some(layer) = computed.layer.get() {
                return below(layer);
            }
            let parent = match computed.open.read().as_ref() {
                // Committed a moment ago.
                None => continue,
                Some(open) => match open.batch.get(key) {
                    Some(value) => return Ok(value.map(Arc::from)),
                    None => open.parent.clone(),
                },
            };
            match parent {
                Self::Committed(layer) => return below(&layer),
                Self::Computed(next, _) => computed = next,
            }
        }
    }

    /// The blocks above the committed state, newest first, and that state.
    pub(super) fn chain(&self) -> (Vec<Above>, Arc<Layer>) {
        let mut blocks = Vec::new();
        let mut at = self.clone();
        loop {
            let (computed, hash) = match at {
                Self::Committed(layer) => return (blocks, layer),
                Self::Computed(computed, hash) => (computed, hash),
            };
            at = match (computed.layer.get(), computed.open.read().as_ref()) {
                (Some(layer), _) => return (blocks, Arc::clone(layer)),
                (None, Some(open)) => {
                    let batch = Arc::clone(&open.batch);
                    blocks.push(Above { number: computed.record.block, hash, batch });
                    open.parent.clone()
                }
                // Committed a moment ago.
                (None, None) => Self::Computed(Arc::clone(&computed), hash),
            };
        }
    }

    /// The hash of block `number`, if it is the view's own or one above the committed state.
    pub(super) fn block_hash(&self, number: u64) -> Option<B256> {
        match self {
            Self::Committed(_) => None,
            Self::Computed(computed, hash) if computed.record.block == Some(number) => Some(*hash),
            Self::Computed(..) => {
                let (blocks, _) = self.chain();
                blocks.iter().find(|block| block.number == Some(number)).map(|block| block.hash)
            }
        }
    }
}

/// A block above the committed state.
pub(super) struct Above {
    number: Option<u64>,
    hash: B256,
    pub(super) batch: Arc<Batch>,
}
