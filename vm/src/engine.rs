//! [`Engine`]: validates, compiles, caches and runs modules on one of wasmtime's back ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use esker_abi::{HOST_FUNCTIONS, Limits, MeterCosts};
use parking_lot::Mutex;
use primitive_types::H256;
use wasmtime::{Linker, Module};

use crate::cache::{DiskCache, Fingerprint, MemoryCache};
use crate::compile::{CompiledModule, ModuleFacts, compile};
use crate::config::{EngineConfig, EngineKind, frame_stack_bytes};
use crate::instance::{FrameRules, FrameState, failed, halted, run};
use crate::instrument::{INSTRUMENTATION_VERSION, prepare_module};
use crate::stack::FrameGuard;
use crate::{Entry, Execution, Fatal, Frame, Halt, Host, Machine, PrepareError, Prepared};

/// The pinned engine's version, part of the cache's key. A test compares it with the lock file.
const WASMTIME_VERSION: &str = "48.0.8";

/// Compilations of different modules that can go on at once.
const COMPILE_LOCKS: usize = 16;

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

/// What an engine's handles are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Execution,
    Simulation,
}

/// An engine: one back end with its linker, instance pool and caches. Cheap to clone; usable from many threads.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    purpose: Purpose,
}

struct Inner {
    kind: EngineKind,
    limits: Limits,
    costs: MeterCosts,
    wasmtime: wasmtime::Engine,
    linker: Linker<FrameState>,
    memory: MemoryCache<CompiledModule>,
    disk: Option<DiskCache>,
    /// Held while a module is compiled, by a byte of its hash, so that no module is compiled twice at once.
    compiling: [Mutex<()>; COMPILE_LOCKS],
    simulation_slots: u32,
    simulations: AtomicU32,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("kind", &self.inner.kind).field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// One of the instances set aside for simulations.
struct SimulationSlot<'a>(&'a Inner);

impl Drop for SimulationSlot<'_> {
    fn drop(&mut self) {
        self.0.simulations.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Engine {
    /// Starts an engine.
    ///
    /// # Errors
    /// [`EngineError::Start`] if the back end cannot run here; [`EngineError::Cache`] if the cache folder cannot be used.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let start = |error: wasmtime::Error| EngineError::Start { kind: config.kind, reason: format!("{error:#}") };
        let wasmtime = wasmtime::Engine::new(&config.wasmtime().map_err(start)?).map_err(start)?;
        let linker = crate::linker::link(&wasmtime).map_err(start)?;
        let disk = match &config.cache_dir {
            None => None,
            Some(folder) => Some(
                DiskCache::open(folder, fingerprint(&config, &wasmtime))
                    .map_err(|source| EngineError::Cache { folder: folder.clone(), source })?,
            ),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                kind: config.kind,
                limits: config.limits,
                costs: config.costs,
                wasmtime,
                linker,
                memory: MemoryCache::new(config.cache_bytes),
                disk,
                compiling: [const { Mutex::new(()) }; COMPILE_LOCKS],
                simulation_slots: config.simulation_slots,
                simulations: AtomicU32::new(0),
            }),
            purpose: Purpose::Execution,
        })
    }

    /// A handle on the same engine for calls that decide nothing: RPC calls, gas estimates, simulations.
    ///
    /// Together such handles use at most [`EngineConfig::simulation_slots`] instances, so they never take one from block
    /// execution; when all are in use a frame ends with [`Fatal::Memory`], which the caller reports as an error of its
    /// request. What they compile is kept in memory only, so that nobody can fill the disk for free.
    #[must_use]
    pub fn for_simulation(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), purpose: Purpose::Simulation }
    }

    /// The back end.
    #[must_use]
    pub fn kind(&self) -> EngineKind {
        self.inner.kind
    }

    /// The bounds on modules and frames that this engine enforces.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Number of modules in the memory cache and the bytes of their code.
    #[must_use]
    pub fn cached(&self) -> (usize, usize) {
        self.inner.memory.size()
    }

    fn load_from_disk(&self, code_hash: &H256) -> Option<Arc<CompiledModule>> {
        let disk = self.inner.disk.as_ref()?;
        let (file, facts) = disk.load(code_hash)?;
        #[allow(unsafe_code, reason = "loading native code is what the cache is for")]
        // SAFETY: the file's keyed hash was checked, so this folder's owner wrote it from `Module::serialize`, under a
        // name that commits to this engine's version, flags and CPU features. It is mapped from the descriptor that was
        // checked; files are replaced by renaming, never written in place.
        let module = unsafe { Module::deserialize_open_file(&self.inner.wasmtime, file) };
        match module {
            Ok(module) => match CompiledModule::link(&self.inner.linker, &module, facts) {
                Ok(compiled) => Some(self.remember(*code_hash, compiled)),
                Err(error) => {
                    disk.discard(code_hash, &error);
                    None
                }
            },
            Err(error) => {
                disk.discard(code_hash, &error);
                None
            }
        }
    }

    fn remember(&self, code_hash: H256, compiled: CompiledModule) -> Arc<CompiledModule> {
        let bytes = compiled.image_bytes;
        let compiled = Arc::new(compiled);
        self.inner.memory.insert(code_hash, Arc::clone(&compiled), bytes);
        compiled
    }

    /// From a cache or compiled now; `None` in place of the module if it needs more than `complexity_budget`.
    fn module(
        &self,
        code_hash: H256,
        wasm: &mut dyn FnMut() -> Option<Vec<u8>>,
        complexity_budget: u64,
    ) -> Result<(Prepared, Option<Arc<CompiledModule>>), ModuleError> {
        let found = |compiled: Arc<CompiledModule>| (compiled.facts.prepared, Some(compiled));
        if let Some(compiled) = self.inner.memory.get(&code_hash) {
            return Ok(found(compiled));
        }
        let _compiling = self.inner.compiling[usize::from(code_hash.0[31]) % COMPILE_LOCKS].lock();
        if let Some(compiled) = self.inner.memory.get(&code_hash).or_else(|| self.load_from_disk(&code_hash)) {
            return Ok(found(compiled));
        }
        let wasm = wasm().ok_or(ModuleError::Absent)?;
        let instrumented = prepare_module(&wasm, &self.inner.limits, &self.inner.costs)
            .map_err(|reason| ModuleError::Prepare(PrepareError::Rejected(reason)))?;
        let prepared = Prepared {
            complexity: instrumented.info.complexity,
            has_constructor: instrumented.info.has_constructor,
            module_bytes: instrumented.info.module_bytes,
        };
        if prepared.complexity > complexity_budget {
            return Ok((prepared, None));
        }
        let facts = ModuleFacts {
            prepared,
            initial_pages: instrumented.info.initial_pages,
            table_entries: instrumented.info.table_entries,
        };
        let module = compile(&self.inner.wasmtime, &instrumented.wasm).map_err(ModuleError::fatal)?;
        let compiled = CompiledModule::link(&self.inner.linker, &module, facts).map_err(ModuleError::fatal)?;
        if let (Some(disk), Purpose::Execution) = (&self.inner.disk, self.purpose) {
            match module.serialize() {
                Ok(artifact) => disk.store(&code_hash, &artifact, &facts),
                Err(error) => tracing::warn!(%error, "a compiled module could not be serialised"),
            }
        }
        Ok((prepared, Some(self.remember(code_hash, compiled))))
    }

    fn slot(&self) -> Result<Option<SimulationSlot<'_>>, Fatal> {
        if self.purpose == Purpose::Execution {
            return Ok(None);
        }
        let inner = &*self.inner;
        let slot = SimulationSlot(inner);
        if inner.simulations.fetch_add(1, Ordering::Relaxed) >= inner.simulation_slots {
            return Err(Fatal::Memory(format!(
                "all {} instances set aside for simulations are in use: try again later",
                inner.simulation_slots
            )));
        }
        Ok(Some(slot))
    }

    fn rules(&self, facts: &ModuleFacts) -> FrameRules {
        let costs = &self.inner.costs;
        let pages = facts.initial_pages.saturating_sub(costs.free_pages);
        let entries = facts.table_entries.saturating_sub(costs.free_table_entries);
        let for_pages = costs.memory_page.saturating_mul(u64::from(pages));
        FrameRules {
            start_fuel: for_pages.saturating_add(costs.table_entry.saturating_mul(u64::from(entries))),
            stack_units: i32::try_from(self.inner.limits.stack_units_max).unwrap_or(i32::MAX),
            output_bytes_max: self.inner.limits.output_bytes_max,
        }
    }
}

/// Why there is no module to run.
enum ModuleError {
    /// The account's code is no module.
    Absent,
    Prepare(PrepareError),
}

impl ModuleError {
    fn fatal(fatal: Fatal) -> Self {
        Self::Prepare(PrepareError::Fatal(fatal))
    }
}

impl Machine for Engine {
    /// As the trait says. `code_hash` must commit to `wasm`: a module that a cache holds under that hash is not looked at
    /// again.
    fn prepare(&self, code_hash: H256, wasm: &[u8], complexity_budget: u64) -> Result<Prepared, PrepareError> {
        match self.module(code_hash, &mut || Some(wasm.to_vec()), complexity_budget) {
            Ok((prepared, _)) => Ok(prepared),
            Err(ModuleError::Prepare(error)) => Err(error),
            Err(ModuleError::Absent) => unreachable!("the closure gives the module"),
        }
    }

    fn execute(
        &self,
        code_hash: H256,
        wasm: &mut dyn FnMut() -> Option<Vec<u8>>,
        entry: Entry,
        frame: &Frame,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Execution {
        let module = match self.module(code_hash, wasm, u64::MAX) {
            Ok((_, Some(module))) => module,
            Ok((_, None)) => return failed(Fatal::Engine("an unlimited complexity budget was exceeded".to_owned())),
            Err(ModuleError::Absent | ModuleError::Prepare(PrepareError::Rejected(_))) => {
                return halted(Halt::IllegalModule);
            }
            Err(ModuleError::Prepare(PrepareError::Fatal(fatal))) => return failed(fatal),
        };
        let _slot = match self.slot() {
            Ok(slot) => slot,
            Err(fatal) => return failed(fatal),
        };
        let _guard = match FrameGuard::enter(frame_stack_bytes(&self.inner.limits)) {
            Ok(guard) => guard,
            Err(fatal) => return failed(fatal),
        };
        run(&self.inner.wasmtime, &module, self.rules(&module.facts), entry, frame, host, fuel)
    }
}

/// What compiled code depends on, besides the module: names the cache's files.
fn fingerprint(config: &EngineConfig, engine: &wasmtime::Engine) -> Fingerprint {
    // `Debug` lists every field, so one that is added later changes the key by itself.
    Fingerprint::new("esker module cache v1")
        .text(config.kind.name())
        .text(WASMTIME_VERSION)
        .text(&INSTRUMENTATION_VERSION.to_string())
        .text(&format!("{:?}", config.limits))
        .text(&format!("{:?}", config.costs))
        .text(&format!("{HOST_FUNCTIONS:?}"))
        .hashed(engine.precompile_compatibility_hash())
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
