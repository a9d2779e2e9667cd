//! Out of gas comes exactly when it must, and never long after.

use std::fmt::Write as _;

use esker_abi::{FUEL_PER_GAS, MeterCosts};

use crate::engines::{ALL, End, Engine, run, run_metered};
use crate::equivalence::generate;
use crate::rewriters::watching;
use crate::{metered, wasm};

const AMPLE: i64 = 1 << 50;

/// A module whose `call` is `body`, with more functions before it.
fn contract(functions: &str, body: &str) -> String {
    format!(r#"(module (memory (export "memory") 1) {functions} (func (export "call") {body}))"#)
}

/// The most fuel that a run of `original` charges between two tests.
fn longest_unchecked(original: &[u8], fuel: i64) -> (End, i64) {
    let watched = watching::watching(&metered(original));
    let run = run(Engine::Cranelift, &watched, Some((fuel, crate::engines::STACK_UNITS)));
    let most = run.globals.iter().find(|(name, _)| name == "test_1").expect("the watcher exports it").1;
    (run.end, most)
}

fn assert_checked_in_time(original: &[u8], what: &str) {
    let interval = MeterCosts::V1.check_interval.cast_signed();
    // Enough for every run that ends, little enough for those that do not.
    for fuel in [20_000_000_000, 0] {
        let (end, most) = longest_unchecked(original, fuel);
        assert!(most <= interval, "{what}: {most} fuel charged between two tests, fuel {fuel}, {end:?}");
    }
}

/// A leaf of about `adds` additions in a row.
fn leaf(name: &str, adds: usize) -> String {
    let mut text = format!("(func ${name} (param i64) (result i64) (local.get 0)");
    for number in 0..adds {
        write!(text, " (i64.const {number}) (i64.xor) (local.get 0) (i64.add)").expect("strings take it");
    }
    text + ")"
}

/// Shapes that try to run long without a test.
fn bombs() -> Vec<(&'static str, String)> {
    let calls = |name: &str, count: usize| {
        format!("(local i64) (local.get 0) {} (drop)", format!("(call ${name})").repeat(count))
    };
    let chain: String = (0..60).fold(leaf("f0", 60), |text, number| {
        let next = number + 1;
        text + &format!("(func $f{next} (param i64) (result i64) (call $f{number} (call $f{number} (local.get 0))))")
    });
    let unwinding = "(func $down (param i32) (result i64)
        (if (result i64) (local.get 0)
          (then (call $down (i32.sub (local.get 0) (i32.const 1))) (block $b (br_if $b (local.get 0)) (nop))
            (i64.div_u (i64.const 7)) (i64.const 1) (i64.add) (i64.div_u (i64.const 3)) (i64.add (i64.const 1)))
          (else (i64.const 1))))";
    vec![
        ("8,000 calls of a leaf of middle length", contract(&leaf("leaf", 100), &calls("leaf", 8_000))),
        ("8,000 calls of a short leaf", contract(&leaf("leaf", 3), &calls("leaf", 8_000))),
        ("calls of a very long leaf", contract(&leaf("leaf", 5_000), &calls("leaf", 50))),
        ("a chain that doubles at each level", contract(&chain, "(drop (call $f15 (i64.const 1)))")),
        ("recursion that charges on its way back", contract(unwinding, "(drop (call $down (i32.const 300)))")),
        (
            "mutual recursion",
            contract(
                "(func $even (param i32) (result i32) (if (result i32) (local.get 0) (then (call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))
                 (func $odd (param i32) (result i32) (if (result i32) (local.get 0) (then (call $even (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))",
                "(drop (call $even (i32.const 200)))",
            ),
        ),
        (
            "leaves called through the table",
            contract(
                &(leaf("leaf", 120) + "(type $t (func (param i64) (result i64))) (table funcref (elem $leaf))"),
                &format!("(local i64) (local.get 0) {} (drop)", "(call_indirect (type $t) (i32.const 0))".repeat(3_000)),
            ),
        ),
        (
            "a long row of branches that are not taken",
            contract("", &format!("(local i64) (block $out {})", "(br_if $out (i32.wrap_i64 (local.get 0))) (local.set 0 (i64.div_u (local.get 0) (i64.const 3)))".repeat(400))),
        ),
        (
            "nested loops that run once",
            contract("", &format!("(local i64) {} {} {}", "(loop ".repeat(16), "(local.set 0 (i64.div_u (local.get 0) (i64.const 3)))".repeat(1_500), ")".repeat(16))),
        ),
        (
            "arms of very different length",
            contract("", &"(local i32) (if (local.get 0) (then (nop)) (else X)) (local.set 0 (i32.eqz (local.get 0)))"
                .replace('X', &"(drop (i64.rem_u (i64.const 5) (i64.const 3)))".repeat(900))),
        ),
    ]
}

#[test]
fn no_run_charges_more_than_the_interval_between_two_tests() {
    for (what, text) in bombs() {
        assert_checked_in_time(&wasm(&text), what);
    }
    for vector in crate::vectors::kernels() {
        assert_checked_in_time(&wasm(&vector.text), &vector.name);
    }
}

#[test]
fn no_generated_module_charges_more_than_the_interval_between_two_tests() {
    let shape = wasm(
        r#"(module (import "esker_v1" "block_number" (func (result i64)))
          (func (export "call")) (memory (export "memory") 1 4))"#,
    );
    let mut runs = 0;
    for seed in 0..400 {
        let Some(original) = generate(seed, &shape) else { continue };
        if crate::prepare(&original).is_ok() {
            assert_checked_in_time(&original, &format!("seed {seed}"));
            runs += 1;
        }
    }
    println!("seeds 0..400: {runs} modules watched");
    assert!(runs > 100, "{runs}");
}

/// How far below zero fuel can be where a run with nothing left is stopped, on all paths.
#[test]
fn a_module_without_fuel_stops_soon() {
    for (what, text) in bombs() {
        let rewritten = metered(&wasm(&text));
        for engine in ALL {
            assert_eq!(run_metered(engine, &rewritten, 0).end, End::OutOfGas, "{what} on {engine:?}");
        }
    }
}

#[test]
fn out_of_gas_comes_exactly_below_what_a_run_uses() {
    let small = [
        (
            "a loop with a call and a leaf",
            contract(
                "(func $leaf (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
                 (func $step (param i32) (result i32) (if (result i32) (i32.and (local.get 0) (i32.const 1)) (then (call $leaf (local.get 0))) (else (i32.const 2))))",
                "(local i32) (loop $l (i32.store (i32.const 0) (call $step (local.get 0))) (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 6))))",
            ),
        ),
        (
            "recursion",
            contract(
                "(func $fib (param $n i32) (result i32) (if (result i32) (i32.lt_u (local.get $n) (i32.const 2)) (then (local.get $n)) (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1))) (call $fib (i32.sub (local.get $n) (i32.const 2)))))))",
                "(i32.store (i32.const 0) (call $fib (i32.const 4)))",
            ),
        ),
        (
            "bulk operations and growth",
            contract("", "(local i32) (local.set 0 (i32.const 300)) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)) (memory.copy (i32.const 900) (i32.const 0) (i32.const 64)) (drop (memory.grow (i32.const 0)))"),
        ),
    ];
    for (what, text) in small {
        let rewritten = metered(&wasm(&text));
        let ample = run_metered(Engine::Wasmi, &rewritten, AMPLE);
        let used = AMPLE - ample.gas_left.expect("the run comes back");
        // Every limit in steps of 100 fuel, of which all weights are multiples, and both sides of the end.
        for limit in (0..used + 1_000).step_by(100).chain([used - 1, used, used + 1]) {
            let run = run_metered(Engine::Wasmi, &rewritten, limit);
            let expected = if limit < used { End::OutOfGas } else { End::Returned };
            assert_eq!(run.end, expected, "{what}: limit {limit} of {used}");
        }
        for engine in ALL {
            assert_eq!(run_metered(engine, &rewritten, used).gas_left, Some(0), "{what} on {engine:?}");
            assert_eq!(run_metered(engine, &rewritten, used - 1).end, End::OutOfGas, "{what} on {engine:?}");
        }
    }
}

#[test]
fn an_infinite_loop_runs_out_of_gas() {
    for (what, body) in [
        ("an empty loop", "(loop $l (br $l))"),
        ("a loop by br_table", "(loop $l (br_table $l $l (i32.const 0)))"),
        ("a loop in a block in a loop", "(loop $a (block $b (loop $c (br_if $c (i32.const 1)) (br $a))))"),
    ] {
        let rewritten = metered(&wasm(&contract("", body)));
        for engine in ALL {
            let fuel = (10_000 * FUEL_PER_GAS).cast_signed();
            assert_eq!(run_metered(engine, &rewritten, fuel).end, End::OutOfGas, "{what} on {engine:?}");
        }
    }
}

#[test]
fn unbounded_recursion_overflows_the_logical_stack_at_the_same_depth_everywhere() {
    let texts = [
        contract(
            "(global $depth (mut i32) (i32.const 0)) (func $f (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (call $f))",
            "(call $f)",
        ),
        contract(
            "(type $t (func)) (table funcref (elem $f)) (func $f (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (call_indirect (type $t) (i32.const 0)))",
            "(call $f)",
        ),
    ];
    for text in texts {
        let rewritten = metered(&wasm(&text));
        let depths: Vec<u32> = ALL
            .iter()
            .map(|engine| {
                let run = run_metered(*engine, &rewritten, AMPLE);
                assert_eq!(run.end, End::StackOverflow, "on {engine:?}");
                u32::from_le_bytes([run.memory[0], run.memory[1], run.memory[2], run.memory[3]])
            })
            .collect();
        assert!(depths[0] > 300 && depths.iter().all(|depth| *depth == depths[0]), "{depths:?}");
    }
}

#[test]
fn growth_and_bulk_operations_are_refused_before_they_run() {
    let page = MeterCosts::V1.memory_page.cast_signed();
    let grow = metered(&wasm(&contract("", "(drop (memory.grow (i32.const 7)))")));
    let fill = metered(&wasm(&contract(
        "",
        "(local i32) (local.set 0 (i32.const 60000)) (memory.fill (i32.const 0) (i32.const 1) (local.get 0))",
    )));
    for engine in ALL {
        // One page is there and free, so seven more cost seven.
        let run = run_metered(engine, &grow, 7 * page);
        assert_eq!((run.end, run.memory.len()), (End::OutOfGas, 65_536), "on {engine:?}");
        assert_eq!(run_metered(engine, &grow, 7 * page + 1_000_000).end, End::Returned, "on {engine:?}");
        let run = run_metered(engine, &fill, 5_000_000);
        assert_eq!((run.end, run.memory[0]), (End::OutOfGas, 0), "on {engine:?}");
    }
}
