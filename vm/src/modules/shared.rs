//! What whoever needs a module shares with the threads in the background: the compilers, the modules in memory and on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use esker_abi::MeterVersion;
use primitive_types::H256;

use super::disk::{DiskCache, Keep, Stored};
use super::flights::Flights;
use super::memory::MemoryCache;
use super::workshop::{ModuleKey, Workshop};
use crate::compile::CompiledModule;
use crate::config::{EngineConfig, TierPolicy};
use crate::{Code, Fatal, InstrumentedModule, ModuleFacts, Purpose, RejectReason, envelope, prepare_module};

/// Modules whose facts are remembered although they were not brought into memory.
const DECLINED_MODULES: usize = 4_096;

#[derive(Default)]
pub(super) struct Counters {
    pub(super) rewritten: AtomicU64,
    pub(super) compiled: AtomicU64,
    pub(super) loaded: AtomicU64,
    pub(super) promoted: AtomicU64,
    pub(super) ahead: AtomicU64,
}

/// Modules of one purpose.
pub(super) struct Shelf {
    pub(super) memory: MemoryCache<CompiledModule>,
    /// What is known of modules that somebody could not pay for: asked again, it costs no more than a look.
    pub(super) declined: MemoryCache<ModuleFacts>,
    pub(super) flights: Flights,
}

impl Shelf {
    /// With room in memory for so many bytes and modules.
    pub(super) fn new(bytes: usize, modules: usize) -> Self {
        Self {
            memory: MemoryCache::new(bytes, modules),
            declined: MemoryCache::new(usize::MAX, DECLINED_MODULES),
            flights: Flights::default(),
        }
    }
}

/// A job for the optimiser.
pub(super) struct Promotion {
    pub(super) key: ModuleKey,
    pub(super) envelope: Vec<u8>,
}

/// A job for the writer.
pub(super) enum Writing {
    Module { key: ModuleKey, module: Arc<CompiledModule>, keep: Keep },
    Hold(H256),
}

/// What the threads in the background share with the store.
pub(super) struct Shared {
    pub(super) config: EngineConfig,
    pub(super) baseline: Workshop,
    pub(super) optimised: Option<Workshop>,
    pub(super) execution: Shelf,
    pub(super) simulation: Shelf,
    pub(super) disk: Option<DiskCache>,
    pub(super) counters: Counters,
}

impl Shared {
    pub(super) fn shelf(&self, purpose: Purpose) -> &Shelf {
        match purpose {
            Purpose::Execution => &self.execution,
            Purpose::Simulation => &self.simulation,
        }
    }

    /// The compilers, the one whose code is faster first.
    pub(super) fn workshops(&self) -> impl Iterator<Item = &Workshop> {
        self.optimised.iter().chain([&self.baseline])
    }

    pub(super) fn remember(
        &self,
        purpose: Purpose,
        key: ModuleKey,
        module: Arc<CompiledModule>,
    ) -> Arc<CompiledModule> {
        let bytes = module.image_bytes;
        self.shelf(purpose).memory.insert(key, Arc::clone(&module), bytes);
        module
    }

    pub(super) fn instrument(&self, code: Code<'_>) -> Result<InstrumentedModule, RejectReason> {
        let wasm = envelope::decode_code(code.envelope, self.config.limits.module_bytes_max)
            .map_err(|error| RejectReason { reason: error.to_string(), function: None, hint: None })?;
        self.counters.rewritten.fetch_add(1, Ordering::Relaxed);
        prepare_module(&wasm, &self.config.limits, self.config.costs(code.meter))
    }

    /// Compiles what is on no tier yet.
    pub(super) fn compile_first(&self, instrumented: InstrumentedModule) -> Result<Arc<CompiledModule>, Fatal> {
        let workshop = match &self.optimised {
            Some(optimised) if self.config.tiers == TierPolicy::Optimised && instrumented.facts.optimizable => {
                optimised
            }
            _ => &self.baseline,
        };
        self.compile(workshop, instrumented)
    }

    fn compile(&self, workshop: &Workshop, instrumented: InstrumentedModule) -> Result<Arc<CompiledModule>, Fatal> {
        let module = workshop.tier.compile(&instrumented.wasm)?;
        let data = instrumented.data.into();
        CompiledModule::link(&workshop.tier, instrumented.facts, data, None, module).map(Arc::new)
    }

    pub(super) fn stored(&self, key: ModuleKey) -> Option<(&Workshop, Stored)> {
        let disk = self.disk.as_ref()?;
        self.workshops()
            .find_map(|workshop| Some((workshop, disk.load(workshop.fingerprint(key.meter), &key.code_hash)?)))
    }

    #[allow(unsafe_code, reason = "loading native code is what the cache is for")]
    pub(super) fn load(&self, workshop: &Workshop, stored: Stored) -> Option<Arc<CompiledModule>> {
        let (facts, data, artifact) = (*stored.facts(), stored.data().into(), stored.artifact());
        let image = stored.image;
        // SAFETY: the file's keyed hash was checked, so this folder's owner wrote it from `Module::serialize`, under a name
        // that commits to this compiler's version, flags and CPU features. The image goes into the compiled module, whose
        // fields that use the code are dropped before it; a frame holds the whole.
        let module = unsafe { image.module(&workshop.tier.engine, artifact) };
        match module {
            Ok(module) => CompiledModule::link(&workshop.tier, facts, data, Some(image), module)
                .inspect_err(|error| tracing::warn!(%error, "a module on disk does not link: compiling it again"))
                .ok()
                .map(Arc::new),
            Err(error) => {
                tracing::warn!(%error, "a module on disk could not be loaded: compiling it again");
                None
            }
        }
    }

    pub(super) fn can_improve(&self, module: &CompiledModule) -> bool {
        self.optimised.as_ref().is_some_and(|optimised| module.facts.optimizable && module.level < optimised.tier.level)
    }

    /// Replaces a module by its optimised form. That it cannot be made changes nothing: the baseline's stays.
    pub(super) fn promote(&self, job: &Promotion) {
        let (Some(optimised), Some(current)) = (&self.optimised, self.execution.memory.peek(&job.key)) else {
            return;
        };
        if !self.can_improve(&current) {
            return;
        }
        let ModuleKey { code_hash, meter } = job.key;
        let code = Code { hash: code_hash, envelope: &job.envelope, meter };
        let made = self
            .instrument(code)
            .map_err(|reason| Fatal::Engine(reason.to_string()))
            .and_then(|instrumented| self.compile(optimised, instrumented));
        match made {
            Ok(module) => {
                let written = Arc::clone(&module);
                // It was used, maybe only by the transaction that created it, which may have failed. Held if its baseline is;
                // else it comes to those that are held with it.
                let held = self.is_on_disk(job.key, Keep::Held);
                let keep = if held { Keep::Held } else { Keep::Loose };
                self.write(&Writing::Module { key: job.key, module: written, keep });
                let bytes = module.image_bytes;
                self.execution.memory.replace(job.key, module, bytes);
                self.counters.promoted.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(%error, ?code_hash, "a module stays on the baseline"),
        }
    }

    pub(super) fn write(&self, job: &Writing) {
        match job {
            Writing::Module { key, module, keep } => self.write_module(*key, module, *keep),
            Writing::Hold(code_hash) => self.hold(code_hash),
        }
    }

    pub(super) fn write_module(&self, key: ModuleKey, module: &CompiledModule, keep: Keep) {
        let workshop = self.workshops().find(|workshop| workshop.tier.level == module.level);
        let (Some(disk), Some(workshop)) = (&self.disk, workshop) else { return };
        match module.pre.module().serialize() {
            Ok(artifact) => {
                let fingerprint = workshop.fingerprint(key.meter);
                disk.store(fingerprint, &key.code_hash, keep, &artifact, &module.data, &module.facts);
            }
            Err(error) => tracing::warn!(%error, "a compiled module could not be serialised"),
        }
    }

    pub(super) fn is_on_disk(&self, key: ModuleKey, keep: Keep) -> bool {
        let has = |disk: &DiskCache| {
            self.workshops().any(|workshop| disk.has(workshop.fingerprint(key.meter), &key.code_hash, keep))
        };
        self.disk.as_ref().is_some_and(has)
    }

    fn hold(&self, code_hash: &H256) {
        if let Some(disk) = &self.disk {
            for (workshop, meter) in
                self.workshops().flat_map(|workshop| MeterVersion::ALL.map(|meter| (workshop, meter)))
            {
                disk.hold(workshop.fingerprint(meter), code_hash);
            }
        }
    }
}
