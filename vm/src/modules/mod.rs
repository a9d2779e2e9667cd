//! Compiled modules: found in memory or on disk, else compiled; replaced in the background by better code.
//!
//! Blocks and simulations have memory and single flight of their own: a simulation reads what blocks have, but evicts,
//! delays and writes nothing of theirs.

mod disk;
mod flights;
mod image;
mod loaded;
mod memory;
mod shared;
mod worker;
mod workshop;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use esker_abi::MeterVersion;
use primitive_types::H256;

pub(crate) use self::disk::{DiskCache, Fingerprint};
#[cfg(unix)]
pub(crate) use self::image::CodePages;
pub(crate) use self::image::Image;
pub(crate) use self::loaded::Loaded;
pub(crate) use self::workshop::ModuleKey;

use self::disk::Keep;
use self::shared::{Counters, Promotion, Shared, Shelf, Writing};
use self::worker::Worker;
use self::workshop::Workshop;
use crate::compile::CompiledModule;
use crate::config::{EngineConfig, TierPolicy};
use crate::tier::Tier;
use crate::{Code, Fatal, ModuleFacts, PrepareError, Purpose, RejectReason, Session};

/// Bytes and modules that simulations keep in memory for themselves.
const SIMULATION_BYTES: usize = 32 * 1024 * 1024;
const SIMULATION_MODULES: usize = 128;

/// Modules that wait to be optimised: each keeps its envelope until then.
const OPTIMIZER_JOBS: usize = 64;
/// Modules that wait to be written to disk; beyond it, whoever compiled one writes it.
const WRITER_JOBS: usize = 16;

/// Use after which a module is worth optimising: a frame counts one, and one more for each of these units of fuel.
const HOT: u64 = 8;
const HEAT_FUEL: u64 = 10_000 * esker_abi::FUEL_PER_GAS;

/// What an engine has done so far to have modules ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModuleCounts {
    /// Inflated, validated and rewritten.
    pub rewritten: u64,
    /// Compiled by whoever needed them.
    pub compiled: u64,
    /// Found on disk.
    pub loaded: u64,
    /// Replaced by optimised code in the background.
    pub promoted: u64,
    /// Compiled before any block needed them.
    pub ahead: u64,
}

/// Why there is no module to run.
#[derive(Debug)]
pub(crate) enum Unavailable {
    /// The code holds no acceptable module.
    Rejected(RejectReason),
    /// The caller said no when it saw the facts; nothing was compiled or loaded.
    Declined(ModuleFacts),
    Fatal(Fatal),
}

/// All modules of an engine.
pub(crate) struct ModuleStore {
    shared: Arc<Shared>,
    optimizer: Worker<Promotion>,
    writer: Worker<Writing>,
}

impl ModuleStore {
    /// `fingerprint` names what a compiled module depends on, for each compiler and schedule.
    pub(crate) fn new(
        config: &EngineConfig,
        baseline: Tier,
        optimised: Option<Tier>,
        disk: Option<DiskCache>,
        fingerprint: impl Fn(&Tier, MeterVersion) -> Fingerprint,
    ) -> Self {
        let workshop = |tier| Workshop::new(tier, &fingerprint);
        let shared = Arc::new(Shared {
            config: config.clone(),
            baseline: workshop(baseline),
            optimised: optimised.map(workshop),
            execution: Shelf::new(config.cache_bytes, config.cache_modules),
            simulation: Shelf::new(SIMULATION_BYTES, SIMULATION_MODULES),
            disk,
            counters: Counters::default(),
        });
        let for_optimizer = Arc::clone(&shared);
        let optimizer = Worker::new("esker-optimizer", OPTIMIZER_JOBS, move |job| {
            yield_to_others();
            for_optimizer.promote(&job);
        });
        let for_writer = Arc::clone(&shared);
        let writer = Worker::new("esker-modules", WRITER_JOBS, move |job: Writing| for_writer.write(&job));
        Self { shared, optimizer, writer }
    }

    /// The module of `code`, loaded or compiled if need be. Before either, `accepts` sees what is known of it: whoever
    /// cannot pay for it costs nothing.
    ///
    /// `lives` says that the code is an account's already, and not one that is being created.
    pub(crate) fn get(
        &self,
        session: &Session<'_>,
        code: Code<'_>,
        lives: bool,
        accepts: &dyn Fn(&ModuleFacts) -> bool,
    ) -> Result<Arc<CompiledModule>, Unavailable> {
        let (shared, key) = (&*self.shared, ModuleKey::from(code));
        let purpose = session.purpose();
        let shelf = shared.shelf(purpose);
        let found = match purpose {
            Purpose::Execution => shelf.memory.get(&key).or_else(|| session.loaded.get(&key)),
            Purpose::Simulation => shared.execution.memory.peek(&key).or_else(|| shelf.memory.get(&key)),
        };
        let module = match found {
            Some(module) => module,
            None => {
                let _flight = shelf.flights.enter(key);
                match shelf.memory.get(&key) {
                    Some(module) => module,
                    None => {
                        if let Some(facts) = shelf.declined.get(&key).filter(|facts| !accepts(facts)) {
                            return Err(Unavailable::Declined(*facts));
                        }
                        let brought = self.bring(purpose, code, lives, accepts);
                        if let Err(Unavailable::Declined(facts)) = &brought {
                            shelf.declined.insert(key, Arc::new(*facts), 0);
                        }
                        if let (Ok(module), Purpose::Execution, true) = (&brought, purpose, lives) {
                            session.loaded.add(key, module);
                        }
                        return brought;
                    }
                }
            }
        };
        if accepts(&module.facts) { Ok(module) } else { Err(Unavailable::Declined(module.facts)) }
    }

    /// Brings a module into memory that is not there.
    fn bring(
        &self,
        purpose: Purpose,
        code: Code<'_>,
        lives: bool,
        accepts: &dyn Fn(&ModuleFacts) -> bool,
    ) -> Result<Arc<CompiledModule>, Unavailable> {
        let (shared, key) = (&*self.shared, ModuleKey::from(code));
        let keep = if lives { Keep::Held } else { Keep::Loose };
        if purpose == Purpose::Execution
            && let Some(module) = shared.simulation.memory.peek(&key)
        {
            // Estimated, then sent: what the estimate compiled was written nowhere.
            if !accepts(&module.facts) {
                return Err(Unavailable::Declined(module.facts));
            }
            if !shared.is_on_disk(key, keep) {
                self.write(key, &module, keep);
            }
            return Ok(shared.remember(purpose, key, module));
        }
        if let Some((workshop, stored)) = shared.stored(key) {
            if !accepts(stored.facts()) {
                return Err(Unavailable::Declined(*stored.facts()));
            }
            let loose = stored.keep == Keep::Loose;
            if let Some(module) = shared.load(workshop, stored) {
                shared.counters.loaded.fetch_add(1, Ordering::Relaxed);
                if lives && loose && purpose == Purpose::Execution {
                    self.writing(Writing::Hold(code.hash));
                }
                return Ok(shared.remember(purpose, key, module));
            }
        }
        let instrumented = shared.instrument(code).map_err(Unavailable::Rejected)?;
        if !accepts(&instrumented.facts) {
            return Err(Unavailable::Declined(instrumented.facts));
        }
        let module = shared.compile_first(instrumented).map_err(Unavailable::Fatal)?;
        shared.counters.compiled.fetch_add(1, Ordering::Relaxed);
        if purpose == Purpose::Execution {
            self.write(key, &module, keep);
        }
        Ok(shared.remember(purpose, key, module))
    }

    /// Counts a frame of block execution, which used `fuel`, and has the module optimised once it is worth it.
    pub(crate) fn used(&self, code: Code<'_>, module: &CompiledModule, fuel: u64) {
        if self.shared.config.tiers != TierPolicy::Background || !self.shared.can_improve(module) {
            return;
        }
        let more = 1 + fuel / HEAT_FUEL;
        let heat = module.heat.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        if heat >= HOT && !module.asked.swap(true, Ordering::Relaxed) {
            let job = Promotion { key: code.into(), envelope: code.envelope.to_vec() };
            if self.optimizer.offer(job).is_err() {
                // The queue is full: again when it has been used as much once more.
                module.heat.store(0, Ordering::Relaxed);
                module.asked.store(false, Ordering::Relaxed);
            }
        }
    }

    fn write(&self, key: ModuleKey, module: &Arc<CompiledModule>, keep: Keep) {
        if self.shared.disk.is_some() {
            self.writing(Writing::Module { key, module: Arc::clone(module), keep });
        }
    }

    /// A module is written by its compiler if too many wait. That accounts hold it is only said behind its own file: before,
    /// it would be forgotten, and the file deleted some day to make room.
    fn writing(&self, job: Writing) {
        let queued = match job {
            Writing::Module { .. } => self.writer.offer(job),
            Writing::Hold(_) => self.writer.insist(job),
        };
        if let Err(job) = queued {
            self.shared.write(&job);
        }
    }

    /// See [`crate::Machine::hold`].
    pub(crate) fn hold(&self, code_hashes: &[H256]) {
        if self.shared.disk.is_some() {
            for code_hash in code_hashes {
                self.writing(Writing::Hold(*code_hash));
            }
        }
    }

    /// See [`crate::Machine::hold_only`].
    pub(crate) fn hold_only(&self, code_hashes: &[H256], meters: &[MeterVersion]) {
        self.hold(code_hashes);
        self.writer.settle();
        if let Some(disk) = &self.shared.disk {
            let fingerprints = self
                .shared
                .workshops()
                .flat_map(|workshop| meters.iter().map(move |meter| workshop.fingerprint(*meter)));
            disk.hold_only(fingerprints, code_hashes);
        }
    }

    /// See [`crate::Machine::compile_ahead`].
    pub(crate) fn compile_ahead(&self, code: Code<'_>) -> Result<bool, PrepareError> {
        let (shared, key) = (&*self.shared, ModuleKey::from(code));
        if self.is_ready(key) {
            return Ok(true);
        }
        // A block that needs it meanwhile compiles it too: it must not wait for a thread that everybody else goes before.
        let module = shared.compile_first(shared.instrument(code)?)?;
        shared.counters.ahead.fetch_add(1, Ordering::Relaxed);
        if shared.disk.is_some() {
            shared.write_module(key, &module, Keep::Held);
            return Ok(shared.is_on_disk(key, Keep::Held));
        }
        shared.remember(Purpose::Execution, key, module);
        Ok(true)
    }

    /// Whether the module can be had without compiling. A file is read as it is before use: one that is damaged, or was
    /// written with a key that is lost, does not count.
    pub(crate) fn is_ready(&self, key: ModuleKey) -> bool {
        self.shared.execution.memory.peek(&key).is_some() || self.shared.stored(key).is_some()
    }

    /// Waits until nothing is being compiled or written in the background.
    pub(crate) fn settle(&self) {
        self.optimizer.settle();
        self.writer.settle();
    }

    pub(crate) fn counts(&self) -> ModuleCounts {
        let Counters { rewritten, compiled, loaded, promoted, ahead } = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ModuleCounts {
            rewritten: read(rewritten),
            compiled: read(compiled),
            loaded: read(loaded),
            promoted: read(promoted),
            ahead: read(ahead),
        }
    }

    /// Number of modules in memory and the bytes of their code.
    pub(crate) fn size(&self, purpose: Purpose) -> (usize, usize) {
        self.shared.shelf(purpose).memory.size()
    }
}

impl Drop for ModuleStore {
    /// What was compiled is on disk before an engine is gone.
    fn drop(&mut self) {
        self.optimizer.abandon();
        self.writer.settle();
    }
}

/// Lets every other thread of the machine go first: nobody waits for the optimiser.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    {
        // On Linux this is the calling thread's. Refused, the thread runs like any other.
        let _ = rustix::process::nice(19);
    }
}
