//! Compiling, before a node serves, what its machine has not compiled yet.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use esker_runtime::db::StoreError;
use esker_runtime::state::StateReader;
use esker_vm::{Code, PrepareError};

use super::Chain;

/// Time between two reports of progress.
const REPORT: Duration = Duration::from_secs(3);

impl Chain {
    /// Compiles every contract of the state that the machine would have to compile when a block calls it: after an upgrade, or
    /// where the folder of compiled modules is gone. A block that calls a contract has paid for loading it, not for compiling
    /// it, so a chain full of contracts could hold up a node that began without them. Returns how many were compiled.
    ///
    /// # Errors
    /// The store's. A module that cannot be compiled is reported and left for the block that calls it.
    pub fn compile_missing(&self) -> Result<usize, StoreError> {
        let head = self.head();
        let codes = head.state.code_hashes()?;
        let missing: Vec<B256> = codes.iter().copied().filter(|hash| !self.machine.is_ready(&hash.0.into())).collect();
        if missing.is_empty() {
            return Ok(0);
        }
        tracing::info!(missing = missing.len(), contracts = codes.len(), "compiling contracts before serving");
        let (next, begun) = (AtomicUsize::new(0), Instant::now());
        let work = || {
            esker_vm::execution(&*self.machine, |session| {
                let mut reported = Instant::now();
                while let Some(hash) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(code) = head.state.code(*hash)? else { continue };
                    match session.prepare(Code { hash: hash.0.into(), envelope: &code }, u64::MAX) {
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
                        let done = next.load(Ordering::Relaxed).min(missing.len());
                        tracing::info!(done, of = missing.len(), "compiling contracts");
                    }
                }
                Ok(())
            })
        };
        std::thread::scope(|scope| {
            let threads = available_parallelism().map_or(1, usize::from).min(missing.len());
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        tracing::info!(compiled = missing.len(), seconds = begun.elapsed().as_secs(), "contracts are compiled");
        Ok(missing.len())
    }
}
