//! Limits on a module and on a frame, in one commented struct.

/// Every bound that decides whether a module is valid or how far a frame may go.
///
/// These are consensus rules: [`Limits::V1`] is part of protocol version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the raw wasm module, in bytes.
    pub module_bytes_max: u32,
    /// Function types.
    pub types_max: u32,
    /// Parameters of one function type.
    pub params_max: u32,
    /// Results of one function or block type.
    pub results_max: u32,
    /// Functions, imports not counted.
    pub functions_max: u32,
    /// Locals of one function, parameters counted.
    pub locals_max: u32,
    /// `block`, `loop`, `if` and branches of one function.
    pub controls_max: u32,
    /// Nesting of all control constructs.
    pub control_depth_max: u32,
    /// Nesting of `loop`.
    pub loop_depth_max: u32,
    /// Size of one function's body, in bytes.
    pub body_bytes_max: u32,
    /// Operand stack height of one function, in values.
    pub operands_max: u32,
    /// Targets of one `br_table`, the default not counted.
    pub br_table_targets_max: u32,
    /// Mutable and immutable globals.
    pub globals_max: u32,
    /// Entries of the one table.
    pub table_entries_max: u32,
    /// Element segments.
    pub element_segments_max: u32,
    /// Data segments.
    pub data_segments_max: u32,
    /// Exports of any kind.
    pub exports_max: u32,
    /// Bytes of one name (import, export, custom section).
    pub name_bytes_max: u32,
    /// Linear memory, in 64 KiB pages. Rewritten into the module's memory type, so growth fails alike on every engine.
    pub memory_pages_max: u32,
    /// What compiling the module takes beside its bytes, in tenths of a microsecond; `docs/spec/validation.md` counts them.
    pub complexity_max: u64,
    /// Logical stack of one call frame, in the units of the specification's frame formula.
    pub stack_units_max: u32,
    /// Nested call frames.
    pub call_depth_max: u32,
    /// Bytes of return or revert data of one frame.
    pub output_bytes_max: u32,
    /// Topics of one log, as many as the EVM's LOG4 has.
    pub log_topics_max: u32,
}

impl Limits {
    /// The limits of protocol version 1.
    pub const V1: Self = Self {
        module_bytes_max: 256 * 1024,
        types_max: 512,
        params_max: 32,
        results_max: 8,
        functions_max: 4_000,
        locals_max: 512,
        controls_max: 1_000,
        control_depth_max: 256,
        loop_depth_max: 16,
        body_bytes_max: 64 * 1024,
        operands_max: 1_024,
        br_table_targets_max: 1_024,
        globals_max: 64,
        table_entries_max: 4_096,
        element_segments_max: 64,
        data_segments_max: 256,
        exports_max: 64,
        name_bytes_max: 256,
        memory_pages_max: 8,
        complexity_max: 600_000,
        stack_units_max: 64 * 1024,
        call_depth_max: 256,
        output_bytes_max: 128 * 1024,
        log_topics_max: 4,
    };
}
