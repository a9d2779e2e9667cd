//! The block that another one stands on.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::B256;

use crate::db::StoreError;
use crate::state::StateView;

/// A block and the state after it: a committed block, or one that was prepared and may never be committed. Cheap to
/// clone.
#[derive(Clone)]
pub struct Parent {
    header: Arc<Header>,
    hash: B256,
    state: StateView,
}

impl Parent {
    /// The block with this header, and `state`, the state after it.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if it is the state after another block.
    pub fn new(header: Header, state: StateView) -> Result<Self, StoreError> {
        if state.block_number() != Some(header.number) || state.root() != header.state_root {
            let (number, root) = (header.number, header.state_root);
            let reason = format!("the state is not the one after block {number}, whose root is {root}");
            return Err(StoreError::Mismatch(reason));
        }
        Ok(Self { hash: header.hash_slow(), header: Arc::new(header), state })
    }

    pub(super) fn of(header: Header, hash: B256, state: StateView) -> Self {
        Self { header: Arc::new(header), hash, state }
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// keccak256 of its header's RLP.
    #[must_use]
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// The state after it. Later commits do not change what it reads.
    #[must_use]
    pub const fn state(&self) -> &StateView {
        &self.state
    }
}
