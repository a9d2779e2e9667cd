//! A block that is executed, sealed, and not yet committed.

use esker_vm::Fatal;

use super::{BuiltBlock, ExecutedBlock, Parent};
use crate::db::{Batch, StoreError, keys};
use crate::exec::fatal;
use crate::state::{ChangeSet, StateDb, StateUpdate};

/// What proposing a block and validating one both come to: the block with its header, what it changes, and all that has
/// to be written, bound to the state of its parent. Dropping it undoes nothing, since nothing was written.
pub struct PreparedBlock {
    block: ExecutedBlock,
    changes: ChangeSet,
    update: StateUpdate,
}

/// A block that is durable.
pub struct CommittedBlock {
    /// The block.
    pub block: ExecutedBlock,
    /// What it changed in the state.
    pub changes: ChangeSet,
    /// What its state wrote, keys and values, in bytes.
    pub state_bytes: usize,
    /// The block as the parent of the next one.
    pub as_parent: Parent,
}

impl PreparedBlock {
    /// Block 0 on an empty state, as [`crate::Genesis::build`] gives it.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if the state is not empty; else as the store.
    pub fn genesis(db: &StateDb, built: BuiltBlock) -> Result<Self, StoreError> {
        if let Some(block) = db.block_number() {
            return Err(StoreError::Mismatch(format!("block 0 cannot follow block {block}")));
        }
        let update = db.prepare(&built.changes, built.env.number)?;
        Ok(Self::seal(built, update))
    }

    /// Computes the state after `built`, which was built on `parent`.
    ///
    /// # Errors
    /// [`Fatal`] if this node fails.
    pub(super) fn new(parent: &Parent, built: BuiltBlock) -> Result<Self, Fatal> {
        let update = parent.state().prepare(&built.changes, built.env.number).map_err(fatal)?;
        Ok(Self::seal(built, update))
    }

    fn seal(mut built: BuiltBlock, update: StateUpdate) -> Self {
        let changes = std::mem::take(&mut built.changes);
        Self { block: built.seal(update.root), changes, update }
    }

    /// The block, complete.
    #[must_use]
    pub const fn block(&self) -> &ExecutedBlock {
        &self.block
    }

    /// What it changes in the state.
    #[must_use]
    pub const fn changes(&self) -> &ChangeSet {
        &self.changes
    }

    /// The block as the parent of another one, which can be proposed, validated and prepared before this one is
    /// committed, and knows its hash.
    #[must_use]
    pub fn as_parent(&self) -> Parent {
        let ExecutedBlock { header, hash, .. } = &self.block;
        Parent::of(header.clone(), *hash, self.update.view(*hash))
    }

    /// Makes the block durable: its state, its hash and `tables` (what else the node keeps of it) in one atomic batch.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if its parent is not the newest committed block: nothing is written then. Else as the
    /// store; see [`StateDb::commit`].
    pub fn commit(self, db: &StateDb, mut tables: Batch) -> Result<CommittedBlock, StoreError> {
        let state_bytes = self.update.batch().bytes();
        tables.put(keys::block_hash(self.block.header.number), self.block.hash.as_slice());
        let state = db.commit(self.update, tables)?;
        let as_parent = Parent::of(self.block.header.clone(), self.block.hash, state);
        Ok(CommittedBlock { block: self.block, changes: self.changes, state_bytes, as_parent })
    }
}
