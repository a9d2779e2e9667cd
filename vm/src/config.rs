//! What an [`crate::Engine`] is made with, and how that becomes wasmtime's configuration.

use std::path::PathBuf;

use esker_abi::{Limits, MeterCosts};
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy, WasmBacktraceDetails,
    WasmFeatures,
};

/// Bytes of one wasm page.
pub(crate) const PAGE_BYTES: usize = 64 * 1024;

/// How many times the logical stack of a frame is there natively: an optimiser keeps values alive across calls that are
/// neither locals nor operands.
const NATIVE_STACK_FACTOR: usize = 16;

/// Native stack of a frame beyond the factor, for the trampolines between host and guest.
const NATIVE_STACK_SLACK: usize = 128 * 1024;

/// Native stack, in bytes, that the guest code of one frame may use.
pub(crate) const fn frame_stack_bytes(limits: &Limits) -> usize {
    NATIVE_STACK_FACTOR * limits.stack_units_max as usize + NATIVE_STACK_SLACK
}

/// Which of wasmtime's back ends runs the code. Gas, results and halts are the same on all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineKind {
    /// Optimised native code.
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

/// How an [`crate::Engine`] is set up. [`EngineConfig::limits`] and [`EngineConfig::costs`] are consensus rules; the rest
/// is each node's own affair and changes no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// The back end.
    pub kind: EngineKind,
    /// Where compiled modules are kept between runs; `None` keeps them in memory only. Created with mode 0700.
    pub cache_dir: Option<PathBuf>,
    /// Most bytes of compiled code kept in memory, least recently used going first.
    pub cache_bytes: usize,
    /// Instances that [`crate::Engine`] can have alive at once for executing blocks. One execution needs up to
    /// [`Limits::call_depth_max`] + 1 of them.
    pub execution_slots: u32,
    /// Instances that all handles made by [`crate::Engine::for_simulation`] can have alive at once, together.
    pub simulation_slots: u32,
    /// Bounds on modules and frames.
    pub limits: Limits,
    /// The gas schedule of the instrumentation.
    pub costs: MeterCosts,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            kind: EngineKind::Cranelift,
            cache_dir: None,
            cache_bytes: 256 * 1024 * 1024,
            execution_slots: 3 * (Limits::V1.call_depth_max + 1),
            simulation_slots: 512,
            limits: Limits::V1,
            costs: MeterCosts::V1,
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

    pub(crate) fn wasmtime(&self) -> Result<Config, wasmtime::Error> {
        let mut config = Config::new();
        config.wasm_features(WasmFeatures::all(), false);
        config.wasm_features(Self::features(), true);
        config.strategy(Strategy::Cranelift);
        match self.kind {
            EngineKind::Cranelift => {
                config.cranelift_opt_level(OptLevel::Speed);
                config.signals_based_traps(true);
            }
            EngineKind::Pulley => {
                config.target(if cfg!(target_endian = "big") { "pulley64be" } else { "pulley64" })?;
                config.cranelift_opt_level(OptLevel::Speed);
            }
        }
        // Gas is ours; a backtrace would cost time on every revert and can reach no outcome.
        config.consume_fuel(false);
        config.epoch_interruption(false);
        config.wasm_backtrace_max_frames(None);
        config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
        config.native_unwind_info(false);
        config.generate_address_map(false);
        config.max_wasm_stack(frame_stack_bytes(&self.limits));
        // 4 GiB of address space a memory: every 32-bit address is inside the reservation or its guard, so compiled code
        // needs no bounds checks.
        config.memory_reservation(4 << 30);
        config.memory_may_move(false);
        config.memory_init_cow(true);
        config.memory_guaranteed_dense_image_size(u64::from(self.limits.memory_pages_max) * PAGE_BYTES as u64);
        let slots = self.execution_slots.saturating_add(self.simulation_slots);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_core_instances(slots);
        pool.total_memories(slots);
        pool.total_tables(slots);
        pool.max_memories_per_module(1);
        pool.max_tables_per_module(1);
        pool.max_memory_size(self.limits.memory_pages_max as usize * PAGE_BYTES);
        pool.table_elements(self.limits.table_entries_max as usize);
        pool.max_unused_warm_slots(slots);
        // A slot's first pages, which the frame's base price covers, are set back in place; given back to the kernel they
        // would cost a fault each in the next frame, several times the rest of a call. Scanning for dirty pages costs
        // more than it saves at this size. The rest goes back at once, so a slot holds no more than this between frames.
        pool.linear_memory_keep_resident(self.costs.free_pages as usize * PAGE_BYTES);
        pool.table_keep_resident(self.limits.table_entries_max as usize * size_of::<usize>());
        pool.decommit_batch_size(1);
        pool.pagemap_scan(Enabled::No);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        Ok(config)
    }
}
