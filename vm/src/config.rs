//! What an [`crate::Engine`] is made with, and how that becomes wasmtime's configuration.

use std::path::PathBuf;
use std::time::Duration;

use esker_abi::{Limits, MeterCosts, MeterVersion};
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy, WasmBacktraceDetails,
    WasmFeatures,
};

/// Bytes of one wasm page.
pub(crate) const PAGE_BYTES: usize = 64 * 1024;

/// How many times the logical stack of a frame is there natively: an optimiser keeps values alive across calls that are
/// neither locals nor operands. With the slack it is what wasmtime grants at most, 2 MiB.
pub(crate) const NATIVE_STACK_FACTOR: usize = 30;

/// Native stack of a frame beyond the factor, for the trampolines between host and guest.
const NATIVE_STACK_SLACK: usize = 128 * 1024;

/// Native stack, in bytes, that the guest code of one frame may use.
pub(crate) const fn frame_stack_bytes(limits: &Limits) -> usize {
    NATIVE_STACK_FACTOR * limits.stack_units_max as usize + NATIVE_STACK_SLACK
}

/// Unused slots that have been used before, from which on no new one is taken.
const WARM_SLOTS: u32 = 8;

/// What runs the code. Gas, results and halts are the same on all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineKind {
    /// Native code, by a one-pass baseline compiler and an optimising one.
    #[default]
    Cranelift,
    /// wasmtime's portable interpreter.
    Pulley,
}

impl EngineKind {
    /// The name as the command line and the cache's key write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cranelift => "cranelift",
            Self::Pulley => "pulley",
        }
    }
}

impl std::fmt::Display for EngineKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no engine's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown engine {0:?}: choose cranelift or pulley")]
pub struct UnknownEngine(String);

impl std::str::FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "cranelift" => Ok(Self::Cranelift),
            "pulley" => Ok(Self::Pulley),
            other => Err(UnknownEngine(other.to_owned())),
        }
    }
}

/// Which of an engine's two compilers a module runs on. Gas, results and halts are the same on both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TierPolicy {
    /// Compiled by the baseline, whose time and frames are linear in the module; replaced in the background, once it is
    /// used enough, by what the optimiser makes of it within its budgets.
    #[default]
    Background,
    /// The baseline alone.
    Baseline,
    /// Optimised before the first frame runs wherever the budgets allow: for measuring, and for long replays.
    Optimised,
}

/// A compiler of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    Baseline,
    Optimised,
}

impl Level {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Optimised => "optimised",
        }
    }
}

/// How an [`crate::Engine`] is set up. [`EngineConfig::limits`] and [`EngineConfig::costs`] are consensus rules; the rest
/// is each node's own affair and changes no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// The back end.
    pub kind: EngineKind,
    /// Which compilers are used, and when.
    pub tiers: TierPolicy,
    /// Where compiled modules are kept between runs; `None` keeps them in memory only. Created with mode 0700; a folder
    /// that others may write to is refused.
    pub cache_dir: Option<PathBuf>,
    /// Most bytes of compiled code that block execution keeps in memory, least recently used going first.
    pub cache_bytes: usize,
    /// Most modules that block execution keeps in memory, besides those that a session loaded and keeps until it ends. Each
    /// takes some three mappings of the process.
    pub cache_modules: usize,
    /// Most bytes on disk for modules that no account is known to hold.
    pub loose_bytes: u64,
    /// Sessions for executing blocks that can be open at once; others wait. Each has instances for a whole call tree,
    /// [`Limits::call_depth_max`] + 1.
    pub execution_sessions: u32,
    /// Sessions for simulations that can be open at once; others wait, up to [`EngineConfig::simulation_wait`].
    pub simulation_sessions: u32,
    /// How long a simulation waits for its session before it is turned away.
    pub simulation_wait: Duration,
    /// Instances that a session keeps for the next frame of the same module, besides those of its call tree; zero has
    /// every frame make one.
    pub idle_instances: u32,
    /// Address space set aside for each linear memory, in bytes. With less than 4 GiB the code checks bounds, which makes
    /// it some 1.7 times slower; a host with little address space (an emulator) wants that.
    pub memory_reservation: u64,
    /// Bounds on modules and frames.
    pub limits: Limits,
    /// The gas schedules of the instrumentation, each at its [`MeterVersion::index`].
    pub costs: [MeterCosts; MeterVersion::ALL.len()],
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            kind: EngineKind::Cranelift,
            tiers: TierPolicy::Background,
            cache_dir: None,
            cache_bytes: 256 * 1024 * 1024,
            cache_modules: 1_024,
            loose_bytes: 256 * 1024 * 1024,
            execution_sessions: 2,
            simulation_sessions: 4,
            simulation_wait: Duration::from_secs(5),
            idle_instances: 32,
            memory_reservation: 4 << 30,
            limits: Limits::V1,
            costs: MeterVersion::ALL.map(MeterVersion::costs),
        }
    }
}

impl EngineConfig {
    /// The default configuration on another back end.
    #[must_use]
    pub fn with_kind(kind: EngineKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// The accepted proposals; see `docs/spec/validation.md`. Everything else is off in the engine too, so that what the
    /// validator let through by mistake would fail to compile instead of running.
    fn features() -> WasmFeatures {
        WasmFeatures::MUTABLE_GLOBAL
            | WasmFeatures::SIGN_EXTENSION
            | WasmFeatures::MULTI_VALUE
            | WasmFeatures::BULK_MEMORY
    }

    /// Instances that all sessions together can have alive: in each, those of the deepest call tree, and idle ones.
    fn slots(&self) -> u32 {
        let sessions = self.execution_sessions.saturating_add(self.simulation_sessions);
        let frames = self.limits.call_depth_max.saturating_add(1);
        sessions.saturating_mul(frames.saturating_add(self.idle_instances))
    }

    /// Most bytes of a memory that are set to zero in place between two frames: as many pages as a frame's price covers.
    pub(crate) fn kept_bytes(&self) -> usize {
        let pages = self.costs.iter().map(|costs| costs.free_pages).max();
        pages.unwrap_or(0) as usize * PAGE_BYTES
    }

    /// Most bytes of written pages that an instance used again has cleared: those that its slot came with, and as many of
    /// its own; one that writes to more is as cheaply made anew.
    pub(crate) fn cleared_bytes_max(&self) -> usize {
        self.kept_bytes() + PAGE_BYTES
    }

    /// What a schedule charges.
    pub(crate) const fn costs(&self, meter: MeterVersion) -> &MeterCosts {
        &self.costs[meter.index()]
    }

    /// wasmtime's configuration of one compiler. `one_pass` asks for the baseline that goes over the code once, which not
    /// every CPU has; without it the baseline is the optimising compiler with its optimisations off, which keeps no value
    /// alive that the code does not.
    pub(crate) fn wasmtime(&self, level: Level, one_pass: bool) -> Result<Config, wasmtime::Error> {
        let mut config = Config::new();
        config.wasm_features(WasmFeatures::all(), false);
        config.wasm_features(Self::features(), true);
        match self.kind {
            EngineKind::Cranelift => {
                config.signals_based_traps(true);
            }
            EngineKind::Pulley => {
                config.target(if cfg!(target_endian = "big") { "pulley64be" } else { "pulley64" })?;
            }
        }
        if level == Level::Baseline && one_pass {
            config.strategy(Strategy::Winch);
        } else {
            config.strategy(Strategy::Cranelift);
            config.cranelift_opt_level(match level {
                Level::Baseline => OptLevel::None,
                Level::Optimised => OptLevel::Speed,
            });
        }
        // Gas is ours; a backtrace would cost time on every revert and can reach no outcome.
        config.consume_fuel(false);
        config.epoch_interruption(false);
        config.wasm_backtrace_max_frames(None);
        config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
        config.native_unwind_info(false);
        config.generate_address_map(false);
        config.max_wasm_stack(frame_stack_bytes(&self.limits));
        // With 4 GiB of address space a memory, every 32-bit address is inside the reservation or its guard, so compiled
        // code needs no bounds checks.
        config.memory_reservation(self.memory_reservation);
        config.memory_may_move(false);
        // Data segments are copied when a frame starts: an image of memory would hold a descriptor for each module, and
        // be as large as the distance between its segments.
        config.memory_init_cow(false);
        #[cfg(unix)]
        config.with_custom_code_memory(Some(std::sync::Arc::new(crate::modules::CodePages)));
        let slots = self.slots();
        let mut pool = PoolingAllocationConfig::new();
        pool.total_core_instances(slots);
        pool.total_memories(slots);
        pool.total_tables(slots);
        pool.max_memories_per_module(1);
        pool.max_tables_per_module(1);
        pool.max_memory_size(self.limits.memory_pages_max as usize * PAGE_BYTES);
        pool.table_elements(self.limits.table_entries_max as usize);
        // Else every slot is used before one is used twice, and each holds what it keeps.
        pool.max_unused_warm_slots(WARM_SLOTS);
        // What the frame's base price covers of a slot's memory is set back in place: given back to the kernel, each page
        // would cost a fault in the next frame, sixty nanoseconds a gas for one that writes to all of them. The rest goes
        // back at once, so a slot holds no more than this between frames. The engine's own scan for written pages is off:
        // it looks for pages in memory only, so one that was swapped out, of a memory or a table, would reach the next
        // frame with what it held.
        pool.linear_memory_keep_resident(self.kept_bytes());
        pool.table_keep_resident(self.limits.table_entries_max as usize * size_of::<usize>());
        pool.decommit_batch_size(1);
        pool.pagemap_scan(Enabled::No);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        Ok(config)
    }
}
