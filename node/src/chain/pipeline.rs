//! The way of a block: proposed or validated on any parent, then committed, then told to whoever follows the chain.

use std::sync::Arc;

use esker_runtime::db::StoreError;
use esker_runtime::state::ChangeSet;
use esker_runtime::{
    Block, BlockError, Parent, PreparedBlock, Proposal, Proposed, TransactionSource, propose_block, validate_block,
};
use esker_vm::Fatal;

use super::{BlockRecord, Chain};

/// A block that was committed just now.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The block, durable and visible.
    pub block: Arc<BlockRecord>,
    /// What it changed.
    pub changes: ChangeSet,
}

/// Follows the chain, whoever made its blocks. It must not commit a block or add a follower itself: it would wait for
/// itself.
pub trait Follower: Send + Sync {
    /// Called for each block, in order, when readers see it and before the next one can be committed: what it does holds
    /// the chain up.
    fn committed(&self, committed: &Committed);
}

impl Chain {
    /// Tells `follower` of every block that is committed from now on.
    pub fn follow(&self, follower: Arc<dyn Follower>) {
        self.followers.lock().push(follower);
    }

    /// Builds a block on `parent`; see [`propose_block`]. Blocks the calling thread.
    ///
    /// # Errors
    /// [`Fatal`]: the node is at fault.
    pub fn propose(
        &self,
        parent: &Parent,
        proposal: Proposal,
        source: &mut dyn TransactionSource,
        goes_on: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<Proposed, Fatal> {
        esker_vm::execution(&*self.machine, |session| {
            propose_block(session, self.config(), parent, proposal, source, goes_on)
        })
    }

    /// Executes a block that somebody else built on `parent`; see [`validate_block`]. Blocks the calling thread.
    ///
    /// # Errors
    /// [`BlockError`]; `Fatal` says nothing about the block.
    pub fn validate(&self, parent: &Parent, block: &Block) -> Result<PreparedBlock, BlockError> {
        esker_vm::execution(&*self.machine, |session| validate_block(session, self.config(), parent, block))
    }

    /// Makes a block the head, and returns when it is durable, visible to readers and known to all followers. Blocks the
    /// calling thread.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if its parent is not the head: nothing is written then. Else as the store.
    pub fn commit(&self, block: PreparedBlock) -> Result<Committed, StoreError> {
        self.commit_with(block, None)
    }

    /// As [`Chain::commit`]; `certificate`, which proves that the block was decided, becomes durable with it.
    ///
    /// # Errors
    /// As [`Chain::commit`].
    pub fn commit_with(&self, block: PreparedBlock, certificate: Option<&[u8]>) -> Result<Committed, StoreError> {
        let followers = self.followers.lock();
        let committed = self.advance(block, certificate)?;
        let created: Vec<_> = committed.changes.codes.keys().map(|hash| hash.0.into()).collect();
        self.machine.hold(&created);
        for follower in followers.iter() {
            follower.committed(&committed);
        }
        Ok(committed)
    }
}
