//! A rewritten module does what the original does, and charges exactly what it runs, on every engine.

use esker_abi::MeterCosts;

use crate::engines::{ALL, End, Engine, Run, run_metered, run_original};
use crate::rewriters::counting;
use crate::seeded::Seeded;
use crate::{metered, prepare, smith, wasm};

/// Fuel that no test uses up.
const AMPLE: i64 = 1 << 50;
/// Modules that the generator makes, from seeds 0, 1, …
const SEEDS: u64 = 1_500;

/// Runs original and rewritten and compares all that both show. Gives the fuel used, if the run came back.
fn compare(original: &[u8], what: &str) -> Option<u64> {
    let rewritten = metered(original);
    let expected = run_original(Engine::Cranelift, original);
    let runs: Vec<Run> = ALL.iter().map(|engine| run_metered(*engine, &rewritten, AMPLE)).collect();
    for (run, engine) in runs.iter().zip(ALL) {
        if run.end == End::StackOverflow {
            // The original has no stack of ours; whether it overflows one of an engine's is not compared.
            assert_eq!(run.end, runs[0].end, "{what}: engines disagree about the stack on {engine:?}");
            continue;
        }
        assert_eq!(run.end, expected.end, "{what}: end on {engine:?}");
        assert_eq!(run.trace, expected.trace, "{what}: host calls on {engine:?}");
        assert_eq!(run.memory, expected.memory, "{what}: memory on {engine:?}");
        assert_eq!(run.gas_left, runs[0].gas_left, "{what}: gas left on {engine:?}");
        assert_eq!(run.gas_seen, runs[0].gas_seen, "{what}: gas at host calls on {engine:?}");
    }
    let used = runs[0].gas_left.filter(|_| runs[0].end == End::Returned).map(|left| AMPLE.abs_diff(left));
    if let Some(used) = used {
        let counted = run_original(Engine::Cranelift, &counting::counting(original, &MeterCosts::V1));
        let count = counted.globals.first().map(|(_, value)| value.cast_unsigned()).expect("the counter is exported");
        assert_eq!(used, count + counted.host_fuel, "{what}: fuel used against instructions counted one by one");
    }
    used
}

const HAND_WRITTEN: &[(&str, &str)] = &[
    ("an empty contract", r#"(module (memory (export "memory") 0) (func (export "call")))"#),
    (
        "nested ifs with an escape from the innermost",
        r#"(module (memory (export "memory") 1)
          (func $pick (param $a i32) (param $b i32) (result i32)
            (block $out (result i32)
              (if (result i32) (local.get $a)
                (then
                  (if (local.get $b) (then (br $out (i32.const 7))) (else (nop) (nop) (nop)))
                  (i32.const 8))
                (else (i32.div_u (i32.const 100) (i32.add (local.get $b) (i32.const 1)))))))
          (func (export "call") (local $i i32)
            (loop $l
              (i32.store (i32.shl (local.get $i) (i32.const 2))
                (call $pick (i32.and (local.get $i) (i32.const 1)) (i32.and (local.get $i) (i32.const 2))))
              (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9))))))"#,
    ),
    (
        "br_table out of several depths, with a value",
        r#"(module (memory (export "memory") 1)
          (func $switch (param $i i32) (result i32)
            (block $c (result i32)
              (block $b (result i32)
                (block $a (result i32)
                  (i32.const 5) (br_table $a $b $c 3 $a (local.get $i)))
                (i32.add (i32.const 100)))
              (i32.add (i32.const 1000))))
          (func (export "call") (local $i i32)
            (loop $l
              (i32.store (i32.shl (local.get $i) (i32.const 2)) (call $switch (local.get $i)))
              (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))))"#,
    ),
    (
        "blocks, loops and functions of several values",
        r#"(module (memory (export "memory") 1)
          (type $pair (func (param i32 i64) (result i64 i32)))
          (func $swap (type $pair) local.get 1 local.get 0)
          (func $count (param i32) (result i32 i64 i32)
            (local.get 0) (i64.const 0)
            (loop $l (param i32 i64) (result i32 i64)
              (i64.const 3) (i64.add)
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if $l (local.get 0)))
            (local.get 0) (return))
          (table funcref (elem $swap))
          (func (export "call") (local i32 i64)
            (i32.const 4) (i64.const 9) (i32.const 0) (call_indirect (type $pair))
            (local.set 0) (local.set 1)
            (i64.store (i32.const 0) (local.get 1)) (i32.store (i32.const 8) (local.get 0))
            (call $count (i32.const 5)) (local.set 0) (local.set 1) (drop)
            (i32.store (i32.const 12) (local.get 0)) (i64.store (i32.const 16) (local.get 1))))"#,
    ),
    (
        "growth to the limit, beyond it and by a huge amount",
        r#"(module (memory (export "memory") 1 20)
          (func (export "call")
            (i32.store (i32.const 0) (memory.grow (i32.const 0)))
            (i32.store (i32.const 4) (memory.grow (i32.const 3)))
            (i32.store (i32.const 8) (memory.grow (i32.const 17)))
            (i32.store (i32.const 12) (memory.grow (i32.const -1)))
            (i32.store (i32.const 16) (memory.grow (i32.const 16)))
            (i32.store (i32.const 20) (memory.size))))"#,
    ),
    (
        "bulk operations of constant and computed lengths",
        r#"(module (memory (export "memory") 1) (data $d "abcdefgh")
          (func (export "call") (local $n i32)
            (local.set $n (i32.const 5))
            (memory.init $d (i32.const 0) (i32.const 1) (local.get $n))
            (memory.init $d (i32.const 32) (i32.const 0) (i32.const 8))
            (data.drop $d)
            (memory.copy (i32.const 100) (i32.const 0) (i32.const 40))
            (memory.copy (i32.const 2000) (i32.const 0) (i32.const 1500))
            (memory.fill (i32.const 9000) (i32.const 7) (i32.mul (local.get $n) (local.get $n)))))"#,
    ),
    (
        "host functions called directly and through the table",
        r#"(module 
          (import "esker_v1" "block_number" (func $number (result i64)))
          (import "esker_v1" "input_size" (func $size (result i32)))
          (import "esker_v1" "gas_left" (func $gas (result i64)))
          (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
          (memory (export "memory") 1)
          (type $n (func (result i64)))
          (table funcref (elem $number $gas))
          (func (export "call") (local $i i32)
            (loop $l
              (i64.store (i32.shl (local.get $i) (i32.const 3)) (call_indirect (type $n) (i32.and (local.get $i) (i32.const 1))))
              (call $log (call $size) (local.get $i) (i32.const 1) (i32.const 2))
              (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
            (i64.store (i32.const 64) (call $number))))"#,
    ),
    (
        "a call that ends the frame, and what would follow it",
        r#"(module 
          (import "esker_v1" "finish" (func $finish (param i32 i32)))
          (memory (export "memory") 1)
          (func $maybe (param i32) (result i32)
            (block $ok (br_if $ok (local.get 0)) (call $finish (i32.const 0) (i32.const 4)))
            (i32.div_u (i32.const 10) (local.get 0)))
          (func (export "call")
            (i32.store (i32.const 0) (call $maybe (i32.const 5)))
            (i32.store (i32.const 4) (call $maybe (i32.const 0)))))"#,
    ),
    (
        "loops whose headers fork: early exits to a block, to the function and to an outer loop, dispatch, both arms",
        r#"(module (memory (export "memory") 1)
          (func $out_of_function (param $i i32) (result i32)
            (loop $l (result i32)
              (local.get $i) (br_if 1 (i32.gt_u (local.get $i) (i32.const 9))) (drop)
              (local.set $i (i32.add (local.get $i) (i32.const 2)))
              (br $l)))
          (func $out_of_block (param $i i32) (result i32)
            (block $b
              (loop $l
                (br_if $b (i32.eqz (i32.rem_u (local.get $i) (i32.const 7))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $l)))
            (local.get $i))
          (func $outer (param $i i32) (result i32)
            (loop $a
              (local.set $i (i32.add (local.get $i) (i32.const 3)))
              (loop $l
                (br_if $a (i32.and (local.get $i) (i32.const 4)))
                (local.set $i (i32.mul (local.get $i) (i32.const 5)))
                (br_if $l (i32.lt_u (local.get $i) (i32.const 500)))))
            (local.get $i))
          (func $arms (param $i i32) (result i32) (local $n i32)
            (loop $l
              (if (i32.and (local.get $i) (i32.const 1))
                (then (local.set $i (i32.div_u (i32.add (i32.mul (local.get $i) (i32.const 3)) (i32.const 1)) (i32.const 2))))
                (else (local.set $i (i32.shr_u (local.get $i) (i32.const 1)))))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $l (i32.gt_u (local.get $i) (i32.const 1))))
            (local.get $n))
          (func $skip (param $i i32) (result i32) (local $n i32)
            (loop $l
              (if (i32.lt_u (local.get $n) (local.get $i))
                (then (local.set $n (i32.add (local.get $n) (i32.const 3))) (br $l))))
            (local.get $n))
          (func $dispatch (param $i i32) (result i32) (local $n i32)
            (loop $l
              (block $halt (block $c (block $b (block $a
                (br_table $a $b $c $b $halt (i32.and (local.get $i) (i32.const 7))))
                (local.set $i (i32.add (local.get $i) (i32.const 9))) (br $l))
                (local.set $i (i32.shr_u (local.get $i) (i32.const 1))) (br $l))
                (local.set $i (i32.sub (local.get $i) (i32.const 1))) (nop) (br $l)))
            (local.get $i))
          (func $store (param $at i32) (param $value i32) (i32.store (local.get $at) (local.get $value)))
          (func (export "call") (local $i i32)
            (loop $l
              (call $store (i32.const 0) (call $out_of_function (local.get $i)))
              (call $store (i32.const 4) (call $out_of_block (local.get $i)))
              (call $store (i32.const 8) (call $outer (local.get $i)))
              (call $store (i32.const 12) (call $arms (i32.add (local.get $i) (i32.const 6))))
              (call $store (i32.const 16) (call $skip (local.get $i)))
              (call $store (i32.const 20) (call $dispatch (i32.mul (local.get $i) (i32.const 37))))
              (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 11))))))"#,
    ),
    (
        "code that cannot be reached",
        r#"(module (memory (export "memory") 1)
          (func $f (param i32) (result i32)
            (block (result i32)
              (loop $forever (result i32)
                (if (local.get 0) (then (return (i32.const 3)) (drop (i32.const 1)) (block (br 1)) (unreachable)))
                (local.set 0 (i32.const 1))
                (br $forever) (i32.add) (block) (if (then) (else)) (i32.const 4))
              (i32.mul (i32.const 2)))
            (drop) (i32.const 4))
          (func (export "call") (i32.store (i32.const 0) (call $f (i32.const 0)))))"#,
    ),
    (
        "a trap in an arm",
        r#"(module (memory (export "memory") 1)
          (func $check (param i32) (result i32)
            (if (i32.gt_u (local.get 0) (i32.const 3)) (then (drop (i32.const 9)) (unreachable)) (else (nop)))
            (i32.const 1))
          (func (export "call")
            (i32.store (i32.const 0) (call $check (i32.const 1)))
            (i32.store (i32.const 4) (call $check (i32.const 5)))))"#,
    ),
];

#[test]
fn hand_written_modules_do_the_same_and_charge_what_they_run() {
    for (what, text) in HAND_WRITTEN {
        compare(&wasm(text), what);
    }
}

#[test]
fn the_vectors_charge_what_they_run() {
    for vector in crate::vectors::kernels() {
        if !vector.text.contains("expect: out of gas") {
            compare(&wasm(&vector.text), &vector.name);
        }
    }
}

/// A module whose `call` stores what function 0 gives, called through the table, whose index is encoded as given.
fn calling_indirectly(table_index: &[u8]) -> Vec<u8> {
    use wasm_encoder::{
        CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function, FunctionSection,
        MemorySection, MemoryType, RefType, TableSection, TableType, TypeSection, ValType,
    };
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    let mut tables = TableSection::new();
    let table = TableType { element_type: RefType::FUNCREF, table64: false, minimum: 1, maximum: None, shared: false };
    tables.table(table);
    let mut memories = MemorySection::new();
    let memory = MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
    memories.memory(memory);
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("call", ExportKind::Func, 1);
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(0), Elements::Functions((&[0_u32]).into()));
    let mut code = CodeSection::new();
    let mut answer = Function::new([]);
    answer.instructions().i32_const(42).end();
    code.function(&answer);
    let mut call = Function::new([]);
    call.instructions().i32_const(0).i32_const(0);
    call.raw([0x11, 0x00].iter().chain(table_index).copied());
    call.raw([0x36, 0x02, 0x00, 0x0b]);
    code.function(&call);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&tables).section(&memories);
    module.section(&exports).section(&elements).section(&code);
    module.finish()
}

#[test]
fn a_table_index_padded_to_five_bytes_is_accepted_and_encoded_canonically() {
    let padded = calling_indirectly(&[0x80, 0x80, 0x80, 0x80, 0x00]);
    compare(&padded, "a padded table index");
    assert_eq!(metered(&padded), metered(&calling_indirectly(&[0x00])));
}

#[test]
fn generated_modules_do_the_same_and_charge_what_they_run_from_seed_0_on() {
    let shape = wasm(smith::CALLING);
    let (mut accepted, mut returned) = (0, 0);
    for seed in 0..SEEDS {
        let Some(original) = generate(seed, &shape) else { continue };
        match prepare(&original) {
            Ok(_) => {
                accepted += 1;
                returned += u32::from(compare(&original, &format!("seed {seed}")).is_some());
            }
            Err(reason) => {
                let expected = ["segment", "initialiser", "frame", "too many", "too deep", "too large"];
                assert!(expected.iter().any(|part| reason.reason.contains(part)), "seed {seed}: {reason}");
            }
        }
    }
    println!("seeds 0..{SEEDS}: {accepted} accepted, {returned} ran to their end");
    assert!(accepted > SEEDS / 2, "the generator makes acceptable modules: {accepted}");
    assert!(u64::from(returned) > SEEDS / 20, "enough of them run to their end: {returned}");
}

/// A module of our shape from a seed, which stops by itself.
pub fn generate(seed: u64, shape: &[u8]) -> Option<Vec<u8>> {
    let bytes = Seeded::new(seed).bytes(6_000);
    let traps = seed.is_multiple_of(3);
    let mut module = smith::contract(&mut arbitrary::Unstructured::new(&bytes), shape, traps)?;
    module.ensure_termination(200).ok()?;
    Some(module.to_bytes())
}
