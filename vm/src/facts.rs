//! What is known about an accepted module beside its code.

use esker_abi::MeterCosts;

/// Facts about an accepted module. All but [`ModuleFacts::optimizable`] are consensus data, alike on every engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleFacts {
    /// Size of the raw module, in bytes.
    pub module_bytes: u32,
    /// What compiling it takes, in the units of [`esker_abi::Limits::complexity_max`]; charged as deploy gas.
    pub complexity: u64,
    /// Whether the module exports `deploy`.
    pub has_constructor: bool,
    /// Linear memory at the start of a frame, in 64 KiB pages.
    pub initial_pages: u32,
    /// Most pages the memory can grow to: the smaller of the module's own maximum and the limit.
    pub maximum_pages: u32,
    /// Entries of the table; 0 if there is none.
    pub table_entries: u32,
    /// Active data segments that are not empty, copied at the start of each frame.
    pub data_segments: u32,
    /// Their bytes together.
    pub data_bytes: u32,
    /// Whether the optimising compiler may have it: it stays within that compiler's budgets of time, and every frame it
    /// could make fits the native stack that the frame's units pay for. This node's own affair, and no result depends on it.
    pub optimizable: bool,
}

impl ModuleFacts {
    /// Fuel that a frame pays for what it starts with beyond what its base price covers: pages of memory, entries of the
    /// table, data. See `docs/spec/metering.md`.
    #[must_use]
    pub fn start_fuel(&self, costs: &MeterCosts) -> u64 {
        let beyond = |found: u32, free: u32| u64::from(found.saturating_sub(free));
        let pages = costs.memory_page.saturating_mul(beyond(self.initial_pages, costs.free_pages));
        let entries = costs.table_entry.saturating_mul(beyond(self.table_entries, costs.free_table_entries));
        let segments = costs.data_segment.saturating_mul(self.data_segments.into());
        let data = costs.bulk_byte.saturating_mul(self.data_bytes.into()).saturating_add(segments);
        pages.saturating_add(entries).saturating_add(data)
    }
}

/// An active data segment, inside the initial memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSegment {
    /// Where its first byte goes in linear memory.
    pub offset: u32,
    /// What is copied there before any instruction runs.
    pub bytes: Vec<u8>,
}
