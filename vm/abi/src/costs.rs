//! The gas schedule of the machine itself: instructions, memory, checks.

/// Fuel per gas. One wasm instruction costs far less than one gas, so the machine counts in fuel and a frame's
/// use is rounded up to gas once, at its end.
pub const FUEL_PER_GAS: u64 = 10_000;

/// Gas that `u256_exp` charges on top of its row for each significant byte of the exponent (EIP-160).
pub const EXPONENT_BYTE_GAS: u64 = 50;

/// Fuel per instruction class. The classes are listed in `docs/spec/metering.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstructionCosts {
    /// Constants, `local.get/set/tee`, `drop`, `nop`, `block`: nearly free once compiled. `end` and `else` are free.
    pub trivial: u64,
    /// Integer addition, logic, shifts, comparisons, conversions, `select`, `loop`.
    pub simple: u64,
    /// Multiplication, `clz`, `ctz`, `popcnt`: three cycles.
    pub multiply: u64,
    /// Division and remainder.
    pub divide: u64,
    /// `global.get` and `global.set`.
    pub global: u64,
    /// Loads from linear memory: one that depends on the one before, in a second-level cache or across two lines.
    pub load: u64,
    /// Stores to linear memory: one across two pages.
    pub store: u64,
    /// `br`, `br_if`, `if`, `return`.
    pub branch: u64,
    /// `br_table`.
    pub branch_table: u64,
    /// `call` of a function of the module.
    pub call: u64,
    /// `call_indirect`.
    pub call_indirect: u64,
    /// `memory.size`.
    pub memory_size: u64,
    /// `memory.grow`, besides the pages.
    pub memory_grow: u64,
    /// `memory.copy`, `memory.fill`, `memory.init`, `data.drop`, besides the bytes: a call of the engine, which takes a
    /// quarter of a microsecond where it fills nothing at the very end of memory.
    pub bulk: u64,
}

/// Which schedule a module is metered by. A block's rules name one; modules are instrumented and compiled for each apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MeterVersion {
    /// Since protocol version 1.
    V1,
    /// Since protocol version 2.
    V2,
}

impl MeterVersion {
    /// All of them, each at the place that [`MeterVersion::index`] gives.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// Its place in tables that have an entry for each.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::V1 => 0,
            Self::V2 => 1,
        }
    }

    /// What it charges.
    #[must_use]
    pub const fn costs(self) -> MeterCosts {
        match self {
            Self::V1 => MeterCosts::V1,
            Self::V2 => MeterCosts::V2,
        }
    }
}

/// Everything the instrumentation charges. Its hash is part of the module cache's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterCosts {
    /// Fuel per instruction class.
    pub instructions: InstructionCosts,
    /// Fuel per byte of a bulk memory operation.
    pub bulk_byte: u64,
    /// Fuel per 64 KiB page that a frame gets beyond [`MeterCosts::free_pages`], at its start or by `memory.grow`.
    pub memory_page: u64,
    /// Pages of the module's initial memory that the frame's base price covers. An engine sets as many to zero in place for
    /// the next frame; two took 250 nested frames out of the processor's caches.
    pub free_pages: u32,
    /// Fuel per active data segment that is not empty, at a frame's start, besides its bytes.
    pub data_segment: u64,
    /// Fuel per entry of the module's table beyond [`MeterCosts::free_table_entries`], at a frame's start: an engine makes
    /// a reference to a function when a frame first calls it.
    pub table_entry: u64,
    /// Entries of the module's table that the frame's base price covers.
    pub free_table_entries: u32,
    /// Fuel per local (parameters not counted) that a function zeroes at its entry.
    pub local: u64,
    /// Fuel per parameter and per result of a function, at its entry: what a call hands over goes through memory where
    /// there are many.
    pub parameter: u64,
    /// Most fuel charged between two checks on any path.
    pub check_interval: u64,
}

impl MeterCosts {
    /// The schedule of protocol version 1.
    pub const V1: Self = Self {
        instructions: InstructionCosts {
            trivial: 650,
            simple: 1_000,
            multiply: 1_600,
            divide: 9_000,
            global: 900,
            load: 10_500,
            store: 13_500,
            branch: 4_000,
            branch_table: 5_000,
            call: 5_000,
            call_indirect: 19_500,
            memory_size: 1_200,
            memory_grow: 100_000,
            bulk: 180_000,
        },
        bulk_byte: 100,
        memory_page: 70_000_000,
        free_pages: 1,
        data_segment: 30_000,
        table_entry: 80_000,
        free_table_entries: 16,
        local: 300,
        parameter: 250,
        check_interval: 100 * FUEL_PER_GAS,
    };

    /// The schedule of protocol version 2.
    pub const V2: Self = Self { instructions: InstructionCosts { global: 400, ..Self::V1.instructions }, ..Self::V1 };
}
