//! The rules beside encodings and limits: which instructions and proposals, which imports and exports.

use esker_vm::abi::{HOST_FUNCTIONS, HostFunction, Param};

use crate::{Case, wasm, with};

fn text_of(kind: Param) -> &'static str {
    match kind {
        Param::Ptr | Param::Mut | Param::Offset | Param::Len | Param::I32 => "i32",
        Param::I64 => "i64",
    }
}

fn import(row: &HostFunction) -> String {
    let params: String = row.params.iter().map(|(_, kind)| format!(" {}", text_of(*kind))).collect();
    let result = row.result.map_or(String::new(), |kind| format!("(result {})", text_of(kind)));
    format!(r#"(import "esker_v1" "{}" (func (param{params}) {result}))"#, row.name)
}

/// Instructions of proposals that are accepted, in a function.
const ACCEPTED: &[(&str, &str)] = &[
    ("sign extension", "(func (drop (i32.extend8_s (i32.const 1))) (drop (i64.extend32_s (i64.const 1))))"),
    ("several results", "(func (result i32 i64) (i32.const 1) (i64.const 2))"),
    ("a block with parameters", "(func (i32.const 1) (block (param i32) (drop)))"),
    ("bulk operations", "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"),
    ("select", "(func (drop (select (i64.const 0) (i64.const 0) (i32.const 0))))"),
    ("call_indirect", "(table 1 funcref) (func (call_indirect (i32.const 0)))"),
    ("an exported mutable global", r#"(global (export "g") (mut i64) (i64.const 0))"#),
    ("an exported table", r#"(table (export "t") 1 funcref)"#),
    ("code that nothing reaches, of any type", "(func (result i32) unreachable i64.add drop)"),
    ("the memory exported twice", r#"(export "again" (memory 0))"#),
    ("a host function in the table", r#"(import "esker_v1" "caller" (func $c (param i32))) (table funcref (elem $c))"#),
    ("a host function exported", r#"(import "esker_v1" "caller" (func $c (param i32))) (export "c" (func $c))"#),
    ("a constructor", r#"(func (export "deploy"))"#),
];

const REFUSED: &[(&str, &str)] = &[
    ("a floating-point constant", "(func (drop (f64.const 1)))"),
    ("a floating-point constant that nothing reaches", "(func unreachable (drop (f32.const 1)))"),
    ("a floating-point parameter", "(func (param f32))"),
    ("a floating-point type that nothing uses", "(type (func (result f64)))"),
    ("a floating-point local", "(func (local f64))"),
    ("a floating-point global", "(global f32 (f32.const 0))"),
    ("a floating-point load", "(func (drop (f32.load (i32.const 0))))"),
    ("a saturating conversion", "(func (result i32) unreachable i32.trunc_sat_f32_s)"),
    ("a vector", "(func (drop (v128.const i64x2 0 0)))"),
    ("a null reference", "(func (drop (ref.null func)))"),
    ("a reference to a function", "(func $f (drop (ref.func $f)) ) (elem declare func $f)"),
    ("select with a type", "(func (drop (select (result i32) (i32.const 0) (i32.const 0) (i32.const 0))))"),
    ("table.get", "(table 1 funcref) (func (drop (table.get 0 (i32.const 0))))"),
    ("table.size", "(table 1 funcref) (func (drop (table.size 0)))"),
    ("table.fill", "(table 1 funcref) (func unreachable table.fill 0)"),
    ("table.copy", "(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 0)))"),
    ("elem.drop that nothing reaches", "(table 1 funcref) (elem $e (i32.const 0)) (func unreachable elem.drop $e)"),
    ("a tail call", "(func $t (return_call $t))"),
    ("an atomic load", "(func (drop (i32.atomic.load (i32.const 0))))"),
    ("128-bit arithmetic", "(func unreachable i64.add128 drop drop)"),
    ("an exception's tag", "(tag)"),
    ("throw_ref", "(func unreachable throw_ref)"),
    ("a struct", "(type (struct))"),
    ("two memories", "(memory 1)"),
    ("two tables", "(table 1 funcref) (table 1 funcref)"),
    ("a table of external references", "(table 1 externref)"),
    ("a type error", "(func (result i32) i64.const 0)"),
    ("an operand too many", "(func i32.const 0)"),
    ("a type error in code that nothing reaches", "(func (result i32) unreachable (i64.const 0) i32.eqz)"),
    ("a branch out of the function", "(func (br 1))"),
    ("an unknown local", "(func (drop (local.get 0)))"),
    ("a store to an immutable global", "(global i32 (i32.const 0)) (func (global.set 0 (i32.const 1)))"),
    ("an `if` with a result and without `else`", "(func (drop (if (result i32) (i32.const 0) (then (i32.const 1)))))"),
    ("an import from another module", r#"(import "env" "caller" (func (param i32)))"#),
    ("an import whose module's name is written otherwise", r#"(import "Esker_v1" "caller" (func (param i32)))"#),
    ("an unknown host function", r#"(import "esker_v1" "self_destruct" (func))"#),
    ("a host function's name written otherwise", r#"(import "esker_v1" "Caller" (func (param i32)))"#),
    ("a host function's name with a space", r#"(import "esker_v1" "caller " (func (param i32)))"#),
    ("a host function's name with a zero byte", r#"(import "esker_v1" "caller\00" (func (param i32)))"#),
    ("a host function of another type", r#"(import "esker_v1" "caller" (func (param i64)))"#),
    ("a host function with a result too many", r#"(import "esker_v1" "caller" (func (param i32) (result i32)))"#),
    ("a host function as a global", r#"(import "esker_v1" "caller" (global i32))"#),
    ("a memory imported", r#"(import "esker_v1" "memory" (memory 1))"#),
    (
        "a host function twice",
        r#"(import "esker_v1" "gas_left" (func (result i64)))
        (import "esker_v1" "gas_left" (func (result i64)))"#,
    ),
    ("an export that begins with esker_", r#"(func (export "esker_halt"))"#),
    ("an export named esker_", r#"(global (export "esker_") i32 (i32.const 0))"#),
    ("a constructor that takes something", r#"(func (export "deploy") (param i32))"#),
    ("a constructor that is a global", r#"(global (export "deploy") i32 (i32.const 0))"#),
    (
        "a constructor that is a host function",
        r#"(import "esker_v1" "finish" (func $f (param i32 i32))) (export "deploy" (func $f))"#,
    ),
];

/// Whole modules: exports that are missing or wrong.
const EXPORTS: &[(&str, &str)] = &[
    ("no memory", r#"(module (func (export "call")))"#),
    ("a memory that is not exported", r#"(module (memory 1) (func (export "call")))"#),
    ("a memory exported by another name", r#"(module (memory (export "mem") 1) (func (export "call")))"#),
    ("no `call`", r#"(module (memory (export "memory") 1))"#),
    ("`deploy` alone", r#"(module (memory (export "memory") 1) (func (export "deploy")))"#),
    ("a `call` that takes something", r#"(module (memory (export "memory") 1) (func (export "call") (param i32)))"#),
    (
        "a `call` that returns something",
        r#"(module (memory (export "memory") 1) (func (export "call") (result i32) i32.const 0))"#,
    ),
    (
        "a `call` that is a global",
        r#"(module (memory (export "memory") 1) (global (export "call") i32 (i32.const 0)))"#,
    ),
    ("a `memory` that is a function", r#"(module (memory 1) (func (export "memory")) (func (export "call")))"#),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, fields) in ACCEPTED {
        cases.push(Case::new(*name, with(fields), true));
    }
    let all: String = HOST_FUNCTIONS.iter().map(import).collect();
    cases.push(Case::new("every host function imported", with(&all), true));
    for (name, fields) in REFUSED {
        cases.push(Case::new(*name, with(fields), false));
    }
    for (name, text) in EXPORTS {
        cases.push(Case::new(*name, wasm(text), false));
    }
    cases
}
