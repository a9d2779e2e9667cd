//! Compiling, before a node serves, what its machine has not compiled yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use esker_runtime::Rules;
use esker_runtime::db::StoreError;
use esker_runtime::state::StateReader;
use esker_vm::{Code, PrepareError};
use parking_lot::Mutex;

use super::Chain;

/// Time between two reports of progress.
const REPORT: Duration = Duration::from_secs(3);

/// Codes that several threads take from.
struct Queue<'q> {
    hashes: &'q [B256],
    next: AtomicUsize,
    stopped: &'q AtomicBool,
}

impl<'q> Queue<'q> {
    const fn new(hashes: &'q [B256], stopped: &'q AtomicBool) -> Self {
        Self { hashes, next: AtomicUsize::new(0), stopped }
    }

    /// Another one; none once nobody waits for them any more.
    fn take(&self) -> Option<B256> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        self.hashes.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }

    /// How many were taken.
    fn taken(&self) -> usize {
        self.next.load(Ordering::Relaxed).min(self.hashes.len())
    }

    /// Does `work` on every core.
    fn share(&self, work: impl Fn() -> Result<(), StoreError> + Sync) -> Result<(), StoreError> {
        std::thread::scope(|scope| {
            let threads = available_parallelism().map_or(1, usize::from).min(self.hashes.len());
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }
}

/// Says to a thread of its own that nobody waits for it any more.
#[derive(Default)]
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Chain {
    /// Does [`Chain::compile_missing`] on a thread of its own. Whoever drops the future ends it.
    ///
    /// # Errors
    /// As [`Chain::compile_missing`].
    ///
    /// # Panics
    /// If that panics.
    pub async fn compile_before_serving(chain: &Arc<Self>) -> Result<usize, StoreError> {
        let (chain, dropped) = (Arc::clone(chain), SetOnDrop::default());
        let stopped = Arc::clone(&dropped.0);
        // Nothing is served meanwhile; the runtime's own threads stay free.
        let compiled = tokio::task::spawn_blocking(move || chain.compile_missing(&stopped)).await;
        compiled.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Compiles every contract of the state that the machine would have to compile when the next block calls it: after an upgrade, or
    /// where the folder of compiled modules is gone or damaged. A block that calls a contract has paid for loading it, not for
    /// compiling it, so a chain full of contracts could hold up a node that began without them. Once `stopped` is set, what is
    /// being compiled is the last. Returns how many were compiled.
    ///
    /// # Errors
    /// The store's. A module that cannot be compiled is reported and left for the block that calls it.
    pub fn compile_missing(&self, stopped: &AtomicBool) -> Result<usize, StoreError> {
        let begun = Instant::now();
        let head = self.head();
        let number = head.block.header.number;
        let rules = self.config().rules_at(number.saturating_add(1)).or_else(|_| self.config().rules_at(number));
        let meter = rules.unwrap_or(Rules::LATEST).meter;
        let codes = head.state.code_hashes()?;
        let missing = Mutex::new(Vec::new());
        let looking = Queue::new(&codes, stopped);
        looking.share(|| {
            while let Some(hash) = looking.take() {
                if !self.machine.is_ready(&hash.0.into(), meter) {
                    missing.lock().push(hash);
                }
            }
            Ok(())
        })?;
        let missing = missing.into_inner();
        if missing.is_empty() {
            self.hold_only(&codes);
            return Ok(0);
        }
        tracing::info!(missing = missing.len(), contracts = codes.len(), "compiling contracts before serving");
        let compiling = Queue::new(&missing, stopped);
        compiling.share(|| {
            esker_vm::execution(&*self.machine, |session| {
                let mut reported = Instant::now();
                while let Some(hash) = compiling.take() {
                    let Some(code) = head.state.code(hash)? else { continue };
                    match session.prepare(Code { hash: hash.0.into(), envelope: &code, meter }, u64::MAX) {
                        Ok(_) => self.machine.hold(&[hash.0.into()]),
                        Err(PrepareError::Rejected(reason)) => {
                            tracing::error!(%hash, %reason, "the state holds code that is no contract");
                        }
                        Err(PrepareError::Fatal(fault)) => {
                            tracing::error!(%hash, %fault, "a contract was not compiled")
                        }
                    }
                    if reported.elapsed() >= REPORT {
                        reported = Instant::now();
                        tracing::info!(done = compiling.taken(), of = missing.len(), "compiling contracts");
                    }
                }
                Ok(())
            })
        })?;
        let compiled = compiling.taken();
        if compiled == missing.len() {
            self.hold_only(&codes);
        }
        let seconds = begun.elapsed().as_secs();
        tracing::info!(compiled, of = missing.len(), seconds, "no more contracts are compiled before serving");
        Ok(compiled)
    }

    /// Has the machine keep what it compiled of these codes for this and later protocol versions, which it may not have been
    /// told of if the node was killed, and nothing else.
    fn hold_only(&self, codes: &[B256]) {
        let codes: Vec<_> = codes.iter().map(|hash| hash.0.into()).collect();
        self.machine.hold_only(&codes, &self.meters());
    }
}
