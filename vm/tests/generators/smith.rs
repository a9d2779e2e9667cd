//! Contracts from wasm-smith: arbitrary control flow and arithmetic inside what the validator accepts.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use arbitrary::Unstructured;
use wasm_smith::{Config, InstructionKind, InstructionKinds, Module};

/// A module with the imports and exports of `shape`; `None` if the bytes make none. Without `traps` its own
/// instructions do not trap.
pub fn contract(bytes: &mut Unstructured<'_>, shape: &[u8], traps: bool) -> Option<Module> {
    Module::new(config(shape, traps), bytes).ok()
}

/// The same, with few functions and instructions, so that it compiles quickly.
pub fn small_contract(bytes: &mut Unstructured<'_>, shape: &[u8], traps: bool) -> Option<Module> {
    let config = Config { max_funcs: 5, max_instructions: 80, max_types: 10, ..config(shape, traps) };
    Module::new(config, bytes).ok()
}

fn config(shape: &[u8], traps: bool) -> Config {
    let kinds = [
        InstructionKind::NumericInt,
        InstructionKind::VectorInt,
        InstructionKind::Parametric,
        InstructionKind::Variable,
        InstructionKind::Table,
        InstructionKind::MemoryInt,
        InstructionKind::Control,
        InstructionKind::Aggregate,
    ];
    Config {
        module_shape: Some(shape.to_vec()),
        allowed_instructions: InstructionKinds::new(&kinds),
        allow_floats: false,
        allow_start_export: false,
        bulk_memory_enabled: true,
        multi_value_enabled: true,
        sign_extension_ops_enabled: true,
        reference_types_enabled: false,
        saturating_float_to_int_enabled: false,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: false,
        memory64_enabled: false,
        extended_const_enabled: false,
        wide_arithmetic_enabled: false,
        disallow_traps: !traps,
        max_memories: 1,
        max_tables: 1,
        max_memory32_bytes: 8 * 65_536,
        max_table_elements: 64,
        max_type_size: 20,
        max_globals: 20,
        max_funcs: 12,
        max_instructions: 300,
        max_data_segments: 4,
        max_element_segments: 2,
        ..Config::default()
    }
}

/// The shape of contracts that see nothing of their gas: what they do depends on nothing but instructions and storage.
pub const SHAPE: &str = r#"(module
    (import "esker_v1" "block_number" (func (result i64)))
    (import "esker_v1" "input_size" (func (result i32)))
    (import "esker_v1" "storage_store" (func (param i32 i32)))
    (import "esker_v1" "set_output" (func (param i32 i32)))
    (func (export "call"))
    (memory (export "memory") 1 4))"#;

/// The shape of contracts that also call others, and may end early.
pub const CALLING: &str = r#"(module
    (import "esker_v1" "block_number" (func (result i64)))
    (import "esker_v1" "input_size" (func (result i32)))
    (import "esker_v1" "storage_store" (func (param i32 i32)))
    (import "esker_v1" "call" (func (param i64 i32 i32 i32 i32) (result i32)))
    (import "esker_v1" "finish" (func (param i32 i32)))
    (func (export "call"))
    (memory (export "memory") 1 4))"#;
