//! What is refused, and what the author is told.

use esker_abi::{Limits, MeterCosts};
use esker_vm::{RejectReason, prepare_module};

use crate::{prepare, wasm};

fn refusal(text: &str) -> RejectReason {
    match prepare(&wasm(text)) {
        Ok(_) => panic!("accepted: {text}"),
        Err(reason) => reason,
    }
}

/// A contract around more fields.
fn with(fields: &str) -> String {
    format!(r#"(module {fields} (memory (export "memory") 1) (func (export "call")))"#)
}

#[test]
fn every_refused_construct_is_named_with_its_function_and_an_advice() {
    // Text, part of the reason, function, part of the hint.
    let cases: &[(&str, &str, Option<&str>, &str)] = &[
        (
            "(func $price (drop (f64.add (f64.const 1) (f64.const 2))))",
            "floating-point instruction f64.const",
            Some("price"),
            "Floating point",
        ),
        // The memory's export is no name for function 0.
        ("(func (drop (f64.const 1)))", "floating-point instruction f64.const", Some("function 0"), "Floating point"),
        ("(func $price (param f32))", "a value of type f32", Some("price"), "Floating point"),
        ("(func $price (local f64))", "a value of type f64", Some("price"), "Floating point"),
        ("(global f32 (f32.const 0))", "float", None, "Floating point"),
        (
            "(func $sat (result i32) (i32.trunc_sat_f32_s (f32.const 0)))",
            "floating-point instruction f32.const",
            Some("sat"),
            "Floating point",
        ),
        ("(func $v (drop (v128.const i64x2 0 0)))", "SIMD", Some("v"), "simd128"),
        ("(func $r (drop (ref.null func)))", "reference-types instruction ref.null", Some("r"), "reference-types"),
        (
            "(func $s (drop (select (result i32) (i32.const 0) (i32.const 0) (i32.const 0))))",
            "typed.select",
            Some("s"),
            "reference-types",
        ),
        (
            "(table 1 funcref) (func $t (drop (table.size 0)))",
            "table instruction table.size",
            Some("t"),
            "Tables never change",
        ),
        (
            "(table 1 funcref) (func $t (table.copy (i32.const 0) (i32.const 0) (i32.const 0)))",
            "table instruction table.copy",
            Some("t"),
            "Tables never change",
        ),
        (
            "(table 1 funcref) (elem $e func) (func $t (table.init $e (i32.const 0) (i32.const 0) (i32.const 0)))",
            "element segment that is not active",
            None,
            "Tables never change",
        ),
        ("(func $t (return_call $t))", "tail call", Some("t"), "tail-call"),
        ("(func $a (drop (i32.atomic.load (i32.const 0))))", "threads instruction", Some("a"), "atomics"),
        (
            "(func $w (drop (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)))))",
            "proposal",
            Some("w"),
            "wasm32-unknown-unknown",
        ),
        ("(tag)", "exception", None, "panic"),
        ("(func $start) (start $start)", "a start function", None, "`call` and `deploy`"),
        (r#"(import "env" "memory" (memory 1))"#, "imports `memory` from `env`", None, "host functions"),
        (
            r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
            "fd_write",
            None,
            "operating system",
        ),
        (r#"(import "esker_v1" "self_destruct" (func))"#, "unknown host function `self_destruct`", None, "SDK"),
        (r#"(import "esker_v1" "Caller" (func (param i32)))"#, "unknown host function `Caller`", None, "SDK"),
        (
            r#"(import "esker_v1" "caller" (func (param i64)))"#,
            "host function `caller` imported as (i64) -> (), it is (i32) -> ()",
            None,
            "bindings",
        ),
        (r#"(import "esker_v1" "caller" (func (param i32) (result i32)))"#, "it is (i32) -> ()", None, "bindings"),
        (r#"(import "esker_v1" "caller" (global i32))"#, "other than a function", None, "host functions"),
        (
            r#"(import "esker_v1" "caller" (func (param i32))) (import "esker_v1" "caller" (func (param i32)))"#,
            "imported twice",
            None,
            "once",
        ),
        (r#"(func (export "esker_halt"))"#, "reserved name `esker_halt`", None, "rename"),
        (r#"(global (export "esker_gas") (mut i64) (i64.const 0))"#, "reserved name `esker_gas`", None, "rename"),
        ("(memory 1)", "too many memories: 2", None, "one memory"),
        ("(table 5000 funcref)", "the table has too many entries: 5000, the limit is 4096", None, "smaller"),
        ("(table 1 funcref) (table 1 funcref)", "too many tables: 2", None, "Tables"),
        ("(table 1 externref)", "invalid", None, ""),
        (
            "(table 1 funcref) (func $f) (elem (i32.const 1) $f)",
            "an element segment ends beyond the table: 2, the limit is 1",
            None,
            "",
        ),
        (
            r#"(data (i32.const 65530) "0123456789")"#,
            "a data segment ends beyond the initial memory: 65540",
            None,
            "smaller memory",
        ),
        ("(global i32 (i32.add (i32.const 1) (i32.const 2)))", "constant expression required", None, ""),
        ("(type (struct))", "", None, ""),
    ];
    for (fields, reason, function, hint) in cases {
        let found = refusal(&with(fields));
        assert!(found.reason.contains(reason), "{fields}: {found}");
        assert_eq!(found.function.as_deref(), *function, "{fields}: {found}");
        assert!(found.hint.unwrap_or_default().contains(hint), "{fields}: {found}");
    }
}

#[test]
fn the_exports_of_a_contract_are_demanded() {
    let cases = [
        (r#"(module (func (export "call")))"#, "no linear memory"),
        (r#"(module (memory 1) (func (export "call")))"#, "no export `memory`"),
        (r#"(module (memory (export "memory") 1))"#, "no export `call`"),
        (
            r#"(module (memory (export "memory") 1) (func (export "call") (param i32)))"#,
            "the export `call` has the type (i32) -> ()",
        ),
        (r#"(module (memory (export "memory") 1) (func (export "call") (result i64) (i64.const 0)))"#, "() -> (i64)"),
        (
            r#"(module (memory (export "memory") 1) (func (export "call")) (func (export "deploy") (param i64)))"#,
            "the export `deploy` has the type (i64) -> ()",
        ),
        (
            r#"(module (memory (export "memory") 1) (global (export "call") i32 (i32.const 0)))"#,
            "the export `call` is not a function",
        ),
        (
            r#"(module (memory 1) (func (export "memory")) (func (export "call")))"#,
            "the export `memory` is not a memory",
        ),
        (
            r#"(module (memory (export "memory") 33) (func (export "call")))"#,
            "the memory is too large, in pages: 33, the limit is 8",
        ),
        (r#"(module (memory (export "memory") i64 1) (func (export "call")))"#, ""),
        (r#"(module (memory (export "memory") 1 2 shared) (func (export "call")))"#, ""),
    ];
    for (text, reason) in cases {
        let found = refusal(text);
        assert!(found.reason.contains(reason), "{text}: {found}");
        assert!(found.hint.is_some(), "{text}: {found}");
    }
}

#[test]
fn every_limit_is_kept_and_named() {
    let nested = |open: &str, depth: usize| format!("(func $deep {} {})", open.repeat(depth), ")".repeat(depth));
    let many = |field: &str, count: usize| field.repeat(count);
    let cases: Vec<(String, &str)> = vec![
        (
            format!("(func $wide (local {}))", "i32 ".repeat(513)),
            "too many locals, parameters counted: 513, the limit is 512",
        ),
        (nested("(block ", 257), "control constructs are nested too deep: 257, the limit is 256"),
        (nested("(loop ", 17), "loops are nested too deep: 17, the limit is 16"),
        (format!("(func $many {})", many("(block)", 1_001)), "too many control constructs: 1001, the limit is 1000"),
        (format!("(func $long {})", many("(nop)", 65_600)), "the body is too long in bytes"),
        (
            format!("(func $tall {} {})", many("(i32.const 0)", 1_025), many("(drop)", 1_025)),
            "too many operands on the stack: 1025",
        ),
        (
            format!("(func $switch (br_table {} (i32.const 0)))", many("0 ", 1_026)),
            "too many targets of a br_table: 1025, the limit is 1024",
        ),
        (format!("(func $wide (param {}))", many("i64 ", 33)), "too many parameters: 33, the limit is 32"),
        (format!("(func $wide (result {}) (unreachable))", many("i64 ", 9)), "too many results: 9, the limit is 8"),
        (many("(func)", 4_000), "too many functions: 4001, the limit is 4000"),
        (many("(global i32 (i32.const 0))", 65), "too many globals: 65, the limit is 64"),
        (many(r#"(data "x")"#, 257), "too many data segments: 257, the limit is 256"),
        (
            format!("(table 1 funcref) {}", many("(elem (i32.const 0))", 65)),
            "too many element segments: 65, the limit is 64",
        ),
        ((0..64).map(|n| format!(r#"(func (export "f{n}"))"#)).collect(), "too many exports: 66, the limit is 64"),
        (
            (0..513).map(|n| format!("(type (func (param {})))", "i32 ".repeat(n % 32))).collect(),
            "too many function types: 513",
        ),
        (format!(r#"(func (export "{}"))"#, "x".repeat(257)), "an export's name is too long in bytes: 257"),
    ];
    let wide = format!("(func (local {}))", "i32 ".repeat(500)).repeat(990);
    let cases = cases.into_iter().chain([(wide, "the module takes too long to compile: 604")]);
    for (fields, reason) in cases {
        let found = refusal(&with(&fields));
        assert!(found.reason.contains(reason), "{reason}: {found}");
    }
    let mut huge = wasm(&with(""));
    huge.resize(300 * 1024, 0);
    assert!(prepare(&huge).expect_err("too long").reason.contains("the module is too long in bytes: 307200"));
}

/// Each line is one number of the table in `docs/spec/validation.md`.
#[test]
fn complexity_counts_what_compilers_take_long_for() {
    let complexity = |fields: &str| prepare(&wasm(&with(fields))).expect("acceptable").facts.complexity;
    // What `with` adds: `call`, a function and its type.
    let empty = complexity("");
    assert_eq!(empty, 110 + 700);
    let more = |fields: &str| complexity(fields) - empty;
    assert_eq!(more("(func)"), 110, "of a type that is there");
    assert_eq!(more("(func (local i64 i32))"), 110 + 2);
    assert_eq!(
        more("(func (param i32 i64) (result i32) (i32.const 0))"),
        110 + 2 + 1 + 700 + 32 * 3,
        "with a type of its own"
    );
    assert_eq!(more("(func $f (call $f))"), 110 + 10);
    assert_eq!(more("(func $f (return) (call $f) (call $f))"), 110, "what cannot be reached does not count");
    let wide = "(type $t (func (param i64 i64) (result i64)))";
    let pushed = "(i64.const 0) (i64.const 0)";
    assert_eq!(more(&format!("{wide} (func (type $t) (call 0 {pushed}))")), 110 + 2 + 1 + 10 + 3 + 700 + 32 * 3);
    assert_eq!(
        more(&format!("{wide} (table 1 funcref) (func (drop (call_indirect (type $t) {pushed} (i32.const 0))))")),
        110 + 35 + 3 + 700 + 32 * 3
    );
    assert_eq!(more("(table 2 funcref) (elem (i32.const 0) $f $f) (func $f)"), 110 + 700 + 110, "in the table, once");
    assert_eq!(more("(func (block))"), 110);
    assert_eq!(more("(func (if (i32.const 0) (then)))"), 110 + 5);
    assert_eq!(more("(func (loop))"), 110 + 10);
    assert_eq!(more("(func (block (br_if 0 (i32.const 0))))"), 110 + 5 + 1);
    assert_eq!(more("(func (drop (block (result i32) (br 0 (i32.const 0)))))"), 110 + 1, "a value handed over");
    assert_eq!(
        more("(func (block (result i32 i32) (br 0 (i32.const 0) (i32.const 0))) drop drop)"),
        110 + 2 + 2 + 700 + 32 * 2,
        "a block with a type, and a branch to it"
    );
    assert_eq!(more("(func (block (br_table 0 0 0 (i32.const 0))))"), 110 + 3 * 2, "the default counts");
    assert_eq!(more("(func (drop (memory.grow (i32.const 0))))"), 110 + 30);
    assert_eq!(more("(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"), 110 + 30);
    assert_eq!(more("(data (i32.const 0) \"a\") (data \"b\")"), 2 * 2);
    let import = "(import \"esker_v1\" \"chain_id\" (func (result i64)))";
    assert_eq!(more(import), 700 + 32, "an import's type");
}

#[test]
fn what_is_no_module_is_refused_plainly() {
    for bytes in [&b""[..], b"\0asm", b"\0asm\x02\0\0\0", b"\0asm\x0d\0\x01\0", b"#!/bin/sh\necho", b"\x7fELF"] {
        let found = prepare(bytes).expect_err("no module");
        assert!(found.reason.contains("not a WebAssembly module"), "{found}");
    }
}

#[test]
fn a_hostile_name_reaches_no_terminal() {
    let text = r#"(func $"\1b[31mred" (drop (f32.const 0)))"#;
    let found = refusal(&with(text));
    assert!(!found.to_string().contains('\u{1b}') && found.to_string().contains("red"), "{found}");
}

#[test]
fn own_limits_are_those_that_were_given() {
    let tight = Limits { memory_pages_max: 1, functions_max: 1, ..Limits::V1 };
    let original = wasm(r#"(module (memory (export "memory") 1 7) (func (export "call")))"#);
    let prepared = prepare_module(&original, &tight, &MeterCosts::V1).expect("within the limits");
    assert_eq!((prepared.facts.initial_pages, prepared.facts.maximum_pages), (1, 1));
    assert!(!prepared.facts.has_constructor);
    let two = wasm(&with("(func)"));
    assert!(prepare_module(&two, &tight, &MeterCosts::V1).is_err());
}
