//! [`Engine`]: validates, compiles, caches and runs modules on one of wasmtime's back ends.

use std::sync::Arc;

use esker_abi::{HOST_FUNCTIONS, Limits, MeterVersion};
use primitive_types::H256;

use crate::config::{EngineConfig, EngineKind, Level, TierPolicy, frame_stack_bytes};
use crate::instance::{FrameRules, Reuse, WrittenPages, failed, halted, run};
use crate::instrument::INSTRUMENTATION_VERSION;
use crate::modules::{DiskCache, Fingerprint, ModuleCounts, ModuleKey, ModuleStore, Unavailable};
use crate::places::Places;
use crate::session::{Admission, Busy, Purpose, Session};
use crate::stack::reserve_frame;
use crate::tier::Tier;
use crate::{Code, Entry, Execution, Frame, Halt, Host, Machine, ModuleFacts, Preparation, PrepareError};

/// The pinned engine's version, part of the cache's key. A test compares it with the lock file.
const WASMTIME_VERSION: &str = "48.0.8";

/// Why an [`Engine`] could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The back end refused the configuration or this machine: too little address space, a missing CPU feature.
    #[error("the {kind} engine cannot start: {reason}")]
    Start {
        /// Which back end.
        kind: EngineKind,
        /// What it said.
        reason: String,
    },
    /// The folder for compiled modules cannot be used.
    #[error("the module cache in {} cannot be used: {source}", .folder.display())]
    Cache {
        /// The folder.
        folder: std::path::PathBuf,
        /// What went wrong there.
        source: std::io::Error,
    },
}

/// An engine: its compilers with their linkers and instance pools, its modules, and the places of its sessions. Cheap to
/// clone; usable from many threads.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    config: EngineConfig,
    modules: ModuleStore,
    execution: Arc<Places>,
    simulation: Arc<Places>,
    /// Set if instances are used again: the configuration wants it, and this machine can tell which pages were written.
    written_pages: Option<WrittenPages>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts an engine.
    ///
    /// # Errors
    /// [`EngineError::Start`] if the back end cannot run here; [`EngineError::Cache`] if the cache folder cannot be used.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let start = |error: wasmtime::Error| EngineError::Start { kind: config.kind, reason: format!("{error:#}") };
        let baseline = Tier::new(&config, Level::Baseline).map_err(start)?;
        let optimised = match config.tiers {
            TierPolicy::Baseline => None,
            TierPolicy::Background | TierPolicy::Optimised => {
                Some(Tier::new(&config, Level::Optimised).map_err(start)?)
            }
        };
        let disk = match &config.cache_dir {
            None => None,
            Some(folder) => Some(
                DiskCache::open(folder, config.loose_bytes)
                    .map_err(|source| EngineError::Cache { folder: folder.clone(), source })?,
            ),
        };
        let modules =
            ModuleStore::new(&config, baseline, optimised, disk, |tier, meter| fingerprint(&config, tier, meter));
        let (execution, simulation) = (config.execution_sessions, config.simulation_sessions);
        let places = |count| Arc::new(Places::new(count));
        let (execution, simulation) = (places(execution), places(simulation));
        let written_pages = if config.idle_instances == 0 { None } else { WrittenPages::open() };
        Ok(Self { inner: Arc::new(Inner { config, modules, execution, simulation, written_pages }) })
    }

    /// The back end.
    #[must_use]
    pub fn kind(&self) -> EngineKind {
        self.inner.config.kind
    }

    /// Number of modules that are in memory for that purpose and the bytes of their code.
    #[must_use]
    pub fn cached(&self, purpose: Purpose) -> (usize, usize) {
        self.inner.modules.size(purpose)
    }

    /// What was done so far to have modules ready.
    #[must_use]
    pub fn module_counts(&self) -> ModuleCounts {
        self.inner.modules.counts()
    }

    /// Waits until nothing is being optimised or written in the background.
    pub fn settle(&self) {
        self.inner.modules.settle();
    }

    fn rules(&self, facts: &ModuleFacts, meter: MeterVersion) -> FrameRules {
        let Limits { stack_units_max, output_bytes_max, .. } = self.inner.config.limits;
        FrameRules {
            start_fuel: facts.start_fuel(self.inner.config.costs(meter)),
            stack_units: i32::try_from(stack_units_max).unwrap_or(i32::MAX),
            output_bytes_max,
            log_topics_max: self.inner.config.limits.log_topics_max,
        }
    }
}

impl Machine for Engine {
    fn limits(&self) -> &Limits {
        &self.inner.config.limits
    }

    fn admit_execution(&self) -> Admission {
        Admission::held_by(Places::wait(&self.inner.execution))
    }

    fn admit_simulation(&self) -> Result<Admission, Busy> {
        let wait = self.inner.config.simulation_wait;
        Places::wait_for(&self.inner.simulation, wait).map(Admission::held_by).ok_or(Busy)
    }

    fn prepare(
        &self,
        session: &Session<'_>,
        code: Code<'_>,
        complexity_budget: u64,
    ) -> Result<Preparation, PrepareError> {
        let affordable = |facts: &ModuleFacts| facts.complexity <= complexity_budget;
        match self.inner.modules.get(session, code, false, &affordable) {
            Ok(module) => Ok(Preparation::Ready(module.facts)),
            Err(Unavailable::Declined(facts)) => Ok(Preparation::OverBudget(facts)),
            Err(Unavailable::Rejected(reason)) => Err(reason.into()),
            Err(Unavailable::Fatal(fatal)) => Err(fatal.into()),
        }
    }

    fn execute(
        &self,
        session: &Session<'_>,
        code: Code<'_>,
        entry: Entry,
        frame: &Frame,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Execution {
        let starts = |facts: &ModuleFacts| entry == Entry::Call || facts.has_constructor;
        let affordable = |facts: &ModuleFacts| !starts(facts) || self.rules(facts, code.meter).start_fuel <= fuel;
        let lives = entry == Entry::Call;
        let module = match self.inner.modules.get(session, code, lives, &affordable) {
            Ok(module) => module,
            Err(Unavailable::Declined(_)) => return halted(Halt::OutOfGas),
            Err(Unavailable::Rejected(_)) => return halted(Halt::IllegalModule),
            Err(Unavailable::Fatal(fatal)) => return failed(fatal),
        };
        if let Err(fatal) = reserve_frame(frame_stack_bytes(&self.inner.config.limits)) {
            return failed(fatal);
        }
        let reuse = self.inner.written_pages.as_ref().map(|pages| Reuse {
            idle: &session.idle,
            pages,
            instances_max: self.inner.config.idle_instances as usize,
            cleared_bytes_max: self.inner.config.cleared_bytes_max(),
        });
        let execution = run(&module, reuse, self.rules(&module.facts, code.meter), entry, frame, host, fuel);
        if session.purpose() == Purpose::Execution {
            self.inner.modules.used(code, &module, fuel - execution.fuel_left.min(fuel));
        }
        execution
    }

    fn is_ready(&self, code_hash: &H256, meter: MeterVersion) -> bool {
        self.inner.modules.is_ready(ModuleKey { code_hash: *code_hash, meter })
    }

    fn compile_ahead(&self, code: Code<'_>) -> Result<bool, PrepareError> {
        self.inner.modules.compile_ahead(code)
    }

    fn hold(&self, code_hashes: &[H256]) {
        self.inner.modules.hold(code_hashes);
    }

    fn hold_only(&self, code_hashes: &[H256], meters: &[MeterVersion]) {
        self.inner.modules.hold_only(code_hashes, meters);
    }
}

/// What a compiled module depends on besides its code; in the cache it is part of every file's name.
fn fingerprint(config: &EngineConfig, tier: &Tier, meter: MeterVersion) -> Fingerprint {
    // `Debug` lists every field, so one that is added later changes the key by itself.
    Fingerprint::new("esker module cache v1")
        .text(config.kind.name())
        .text(tier.level.name())
        .text(WASMTIME_VERSION)
        .text(&INSTRUMENTATION_VERSION.to_string())
        .text(&format!("{:?}", config.limits))
        .text(&format!("{:?}", config.costs(meter)))
        .text(&format!("{HOST_FUNCTIONS:?}"))
        .hashed(tier.engine.precompile_compatibility_hash())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_in_the_caches_key_is_the_one_that_is_built() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        let lock = std::fs::read_to_string(lock).expect("the workspace has a lock file");
        let entry = format!("name = \"wasmtime\"\nversion = \"{}\"", super::WASMTIME_VERSION);
        assert!(lock.contains(&entry), "update WASMTIME_VERSION to the version in Cargo.lock");
    }
}
