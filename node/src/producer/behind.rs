//! A block that is made durable while the next one is executed.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use alloy_primitives::B256;
use esker_runtime::db::StoreError;
use esker_runtime::{Parent, PreparedBlock};

use crate::chain::{Chain, Committed};

/// A block on its way to the store, on a thread of its own.
pub struct Behind {
    parent: Parent,
    hashes: HashSet<B256>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Committed, StoreError>>,
}

impl Behind {
    /// Begins to commit `block`. `ended` is called when that is over, however it ended.
    ///
    /// # Errors
    /// If the system gives no thread: nothing is committed then.
    pub fn begin(chain: Arc<Chain>, block: PreparedBlock, ended: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let parent = block.as_parent();
        let hashes = block.block().transactions.iter().map(|transaction| transaction.hash()).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let at_end = AtEnd(Some(move || {
            over.store(true, Ordering::SeqCst);
            ended();
        }));
        let thread = Builder::new().name("block-committer".into()).spawn(move || {
            let _at_end = at_end;
            chain.commit(block)
        })?;
        Ok(Self { parent, hashes, is_over, thread })
    }

    /// The block, for its successor to stand on.
    pub const fn parent(&self) -> &Parent {
        &self.parent
    }

    /// Whether the block has this transaction.
    pub fn holds(&self, hash: B256) -> bool {
        self.hashes.contains(&hash)
    }

    /// Whether waiting for it would take no time.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Waits until the block is durable and known to all who follow the chain.
    ///
    /// # Errors
    /// As [`Chain::commit`].
    ///
    /// # Panics
    /// If committing did.
    pub fn join(self) -> Result<Committed, StoreError> {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Calls a function when it is dropped, also by a panic.
struct AtEnd<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }
}
