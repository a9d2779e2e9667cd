//! Frames share nothing: not with what ran before in the same slot, not with frames above or below, not with threads.

mod world;

use esker_vm::abi::Limits;
use std::time::Duration;

use esker_vm::{Busy, Engine, EngineConfig, EngineKind, Halt, Outcome, execution, simulation};
use primitive_types::U256;
use world::{PLENTY, World, account, engines, wasm};

/// Dirties all of its memory, its globals and (by growing) its size, then ends as the first input byte says:
/// 0 returns, 1 reverts, 2 traps.
const DIRTY: &str = r#"(module
    (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
    (import "esker_v1" "revert" (func $revert (param i32 i32)))
    (memory (export "memory") 3 8)
    (global $g (mut i64) (i64.const 5))
    (table 16 16 funcref)
    (elem (i32.const 0) $f $f $f $f $f $f $f $f $f $f $f $f $f $f $f $f)
    (data (i32.const 8) "predecessor")
    (func $f)
    (func (export "call") (local $how i32)
        (call $input_copy (i32.const 0) (i32.const 0) (i32.const 1))
        (local.set $how (i32.load8_u (i32.const 0)))
        (drop (memory.grow (i32.const 5)))
        (memory.fill (i32.const 0) (i32.const 0xa5) (i32.const 524288))
        (global.set $g (i64.const -1))
        (if (i32.eq (local.get $how) (i32.const 1)) (then (call $revert (i32.const 0) (i32.const 4))))
        (if (i32.eq (local.get $how) (i32.const 2)) (then (unreachable)))))"#;

/// Reports what a fresh instance looks like: size, global, whether any byte outside its data segment is set, and the
/// segment itself.
const FRESH: &str = r#"(module
    (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
    (memory (export "memory") 2 8)
    (global $g (mut i64) (i64.const 77))
    (table 16 16 funcref)
    (data (i32.const 70000) "mine")
    (func (export "call") (local $i i32) (local $any i64)
        (loop $again
            (if (i32.ne (local.get $i) (i32.const 70000))
                (then (local.set $any (i64.or (local.get $any) (i64.load (local.get $i))))))
            (local.set $i (i32.add (local.get $i) (i32.const 8)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 131072))))
        (drop (memory.grow (i32.const 3)))
        (loop $grown
            (local.set $any (i64.or (local.get $any) (i64.load (local.get $i))))
            (local.set $i (i32.add (local.get $i) (i32.const 8)))
            (br_if $grown (i32.lt_u (local.get $i) (i32.const 327680))))
        (i64.store (i32.const 0) (local.get $any))
        (i64.store (i32.const 8) (global.get $g))
        (i32.store (i32.const 16) (memory.size))
        (i32.store (i32.const 20) (i32.load (i32.const 70000)))
        (call $set_output (i32.const 0) (i32.const 24))))"#;

fn fresh_output() -> Vec<u8> {
    [&0u64.to_le_bytes()[..], &77u64.to_le_bytes(), &5u32.to_le_bytes(), b"mine"].concat()
}

/// An engine with so few slots that every frame gets the slot of the one before.
fn cramped(kind: EngineKind, execution_sessions: u32, simulation_sessions: u32) -> Engine {
    let simulation_wait = Duration::ZERO;
    let config = EngineConfig::with_kind(kind);
    Engine::new(EngineConfig { execution_sessions, simulation_sessions, simulation_wait, ..config }).expect("starts")
}

#[test]
fn an_instance_shows_nothing_of_its_predecessor_in_the_same_slot() {
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let engine = cramped(kind, 1, 0);
        let mut world = World::with_code(&engine, FRESH);
        world.set_code(account(2), wasm(DIRTY));
        for how in [0u8, 1, 2, 0, 0, 2] {
            let dirty = world.call_account(account(2), &[how], 100 * PLENTY);
            match how {
                0 => assert_eq!(dirty.outcome, Outcome::Return(Vec::new())),
                1 => assert_eq!(dirty.outcome, Outcome::Revert(vec![0xa5; 4])),
                _ => assert_eq!(dirty.outcome, Outcome::Halt(Halt::Unreachable)),
            }
            for _ in 0..2 {
                let fresh = world.call(&[], 100 * PLENTY);
                assert_eq!(fresh.outcome, Outcome::Return(fresh_output()), "{kind} after {how}");
            }
        }
    }
}

#[test]
fn a_table_shows_nothing_of_its_predecessor_in_the_same_slot() {
    let probe = r#"(module (memory (export "memory") 1) (table 16 16 funcref) (type $t (func))
        (func (export "call") (call_indirect (type $t) (i32.const 3))))"#;
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let engine = cramped(kind, 1, 0);
        let mut world = World::with_code(&engine, probe);
        world.set_code(account(2), wasm(DIRTY));
        assert_eq!(world.call_account(account(2), &[0], 100 * PLENTY).outcome, Outcome::Return(Vec::new()));
        assert_eq!(world.call(&[], PLENTY).outcome, Outcome::Halt(Halt::IndirectCallToNull), "{kind}");
    }
}

/// Calls itself with all gas until the status is not success, and returns how deep it came (u32, little-endian).
/// The 20-byte address of account 1 is in the data segment.
fn recursive() -> String {
    let address = "\\01".repeat(20);
    format!(
        r#"(module
            (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
            (import "esker_v1" "return_data_copy" (func $copy (param i32 i32 i32)))
            (import "esker_v1" "is_reentrant" (func $is_reentrant (result i32)))
            (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
            (memory (export "memory") 1)
            (global $mine (mut i32) (i32.const 41))
            (data (i32.const 64) "{address}")
            (func (export "call")
                (global.set $mine (i32.add (global.get $mine) (i32.const 1)))
                (if (i32.eqz (call $call (i64.const -1) (i32.const 64) (i32.const 128) (i32.const 0) (i32.const 0)))
                    (then (call $copy (i32.const 0) (i32.const 0) (i32.const 4))))
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
                ;; A frame below has its own globals: mine was raised once, by me.
                (if (i32.ne (global.get $mine) (i32.const 42)) (then (unreachable)))
                (i32.store (i32.const 4) (call $is_reentrant))
                (call $set_output (i32.const 0) (i32.const 8))))"#
    )
}

#[test]
fn calls_nest_to_the_depth_limit_and_each_frame_is_fresh() {
    for engine in engines() {
        let mut world = World::with_code(&engine, &recursive());
        let execution = world.call(&[], 1_000_000 * PLENTY);
        let deepest = world.deepest;
        assert_eq!(deepest, Limits::V1.call_depth_max as usize, "{}", engine.kind());
        let Outcome::Return(output) = execution.outcome else { panic!("{:?}", execution.outcome) };
        assert_eq!(output, [Limits::V1.call_depth_max.to_le_bytes(), 0u32.to_le_bytes()].concat());
    }
}

/// Recurses natively with many live values before it calls itself through the host: the deepest call depth times frames
/// that are heavy natively.
#[test]
fn the_deepest_calls_of_natively_heavy_frames_fit_the_execution_stack() {
    let address = "\\01".repeat(20);
    let terms = |operation: &str| -> String {
        (0..1_500)
            .map(|i| {
                format!("(local.set 1 ({operation} (local.get 1) (i64.mul (local.get 0) (i64.const {}))))", 2 * i + 3)
            })
            .collect()
    };
    let text = format!(
        r#"(module
            (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 64) "{address}")
            (func $deep (param i64) (result i64) (local i64)
                {}
                (if (i64.ge_u (local.get 0) (i64.const 3))
                    (then (drop (call $call (i64.const -1) (i32.const 64) (i32.const 128) (i32.const 0) (i32.const 0))))
                    (else (local.set 1 (i64.add (local.get 1) (call $deep (i64.add (local.get 0) (i64.const 1)))))))
                {} (local.get 1))
            (func (export "call") (drop (call $deep (i64.const 1)))))"#,
        terms("i64.xor"),
        terms("i64.add"),
    );
    for engine in engines() {
        let mut world = World::with_code(&engine, &text);
        let execution = world.call(&[], 1_000_000 * PLENTY);
        let deepest = world.deepest;
        assert_eq!(execution.outcome, Outcome::Return(Vec::new()), "{}", engine.kind());
        assert_eq!(deepest, Limits::V1.call_depth_max as usize, "{}", engine.kind());
    }
}

#[test]
fn a_call_moves_value_data_and_status_between_frames() {
    let callee = r#"(module
        (import "esker_v1" "input_size" (func $size (result i32)))
        (import "esker_v1" "input_copy" (func $copy (param i32 i32 i32)))
        (import "esker_v1" "call_value" (func $value (param i32)))
        (import "esker_v1" "caller" (func $caller (param i32)))
        (import "esker_v1" "storage_store" (func $store (param i32 i32)))
        (import "esker_v1" "revert" (func $revert (param i32 i32)))
        (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
        (memory (export "memory") 1)
        (func (export "call")
            (call $copy (i32.const 0) (i32.const 0) (call $size))
            (call $value (i32.const 32))
            (call $caller (i32.const 64))
            (if (i32.eq (i32.load8_u (i32.const 0)) (i32.const 1)) (then (call $revert (i32.const 0) (i32.const 4))))
            (if (i32.eq (i32.load8_u (i32.const 0)) (i32.const 2)) (then (unreachable)))
            (if (i32.eq (i32.load8_u (i32.const 0)) (i32.const 3)) (then (call $store (i32.const 0) (i32.const 0))))
            (call $set_output (i32.const 0) (i32.const 84))))"#;
    let caller = |import: &str, value: &str| {
        format!(
            r#"(module
                (import "esker_v1" "{import}" (func $call (param i64 i32 {} i32 i32) (result i32)))
                (import "esker_v1" "input_copy" (func $copy (param i32 i32 i32)))
                (import "esker_v1" "return_data_size" (func $size (result i32)))
                (import "esker_v1" "return_data_copy" (func $data (param i32 i32 i32)))
                (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
                (memory (export "memory") 1)
                (data (i32.const 0) "{}")
                (data (i32.const 63) "\09")
                (func (export "call")
                    (call $copy (i32.const 64) (i32.const 0) (i32.const 4))
                    (i32.store (i32.const 100)
                        (call $call (i64.const 50000) (i32.const 0) {value} (i32.const 64) (i32.const 4)))
                    (call $data (i32.const 104) (i32.const 0) (call $size))
                    (call $set_output (i32.const 100) (i32.add (i32.const 4) (call $size)))))"#,
            if value.is_empty() { "" } else { "i32" },
            "\\02".repeat(20),
        )
    };
    for engine in engines() {
        let run = |text: &str, mode: u8| {
            let mut world = World::with_code(&engine, text);
            world.set_code(account(2), wasm(callee));
            match world.call(&[mode, 7, 8, 9], 10 * PLENTY).outcome {
                Outcome::Return(output) => (output, world.state),
                other => panic!("{other:?}"),
            }
        };
        let call = caller("call", "(i32.const 32)");
        let (output, _) = run(&call, 0);
        assert_eq!(output[..8], [0, 0, 0, 0, 0, 7, 8, 9]);
        assert_eq!(U256::from_big_endian(&output[4 + 32..4 + 64]), U256::from(9), "the value as the callee saw it");
        assert_eq!(output[4 + 64..], account(1).0, "the caller as the callee saw it");
        assert_eq!(run(&call, 1).0, [1, 0, 0, 0, 1, 7, 8, 9], "revert data come back");
        assert_eq!(run(&call, 2).0, [2, 0, 0, 0], "a halt has no data");
        let (output, state) = run(&call, 3);
        assert_eq!((output[0], state.accounts[&account(2)].storage.len()), (0, 1));
        // In a static call the store halts the callee and nobody else.
        let (output, state) = run(&caller("static_call", ""), 3);
        assert_eq!((&output[..], state.accounts[&account(2)].storage.len()), (&[2, 0, 0, 0][..], 0));
        // A delegate call works on the caller's account.
        let (output, state) = run(&caller("delegate_call", ""), 3);
        assert_eq!((output[0], state.accounts[&account(1)].storage.len()), (0, 1));
        assert_eq!(output[4 + 64..], account(0xee).0, "the caller of the frame above");
    }
}

#[test]
fn many_threads_at_once_give_the_same_results_as_one() {
    const WORK: &str = r#"(module
        (import "esker_v1" "input_copy" (func $copy (param i32 i32 i32)))
        (import "esker_v1" "keccak256" (func $keccak (param i32 i32 i32)))
        (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
        (memory (export "memory") 1)
        (func (export "call") (local $i i32)
            (call $copy (i32.const 0) (i32.const 0) (i32.const 4))
            (loop $again
                (call $keccak (i32.const 0) (i32.const 32) (i32.const 0))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $i) (i32.const 20))))
            (call $set_output (i32.const 0) (i32.const 32))))"#;
    for engine in engines() {
        let run = |seed: u32| World::with_code(&engine, WORK).call(&seed.to_le_bytes(), PLENTY);
        let alone: Vec<_> = (0..64).map(run).collect();
        let together: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8u32)
                .map(|thread| scope.spawn(move || (0..8).map(|i| run(thread * 8 + i)).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(alone, together, "{}", engine.kind());
    }
}

#[test]
fn simulations_take_no_place_from_execution_and_say_when_they_are_busy() {
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let engine = cramped(kind, 1, 2);
        let text = recursive();
        let deepest = |engine: &Engine| World::with_code(engine, &text).call(&[], 1_000_000 * PLENTY);
        // Both places for simulations are taken, and nobody gets a third; a block is executed all the same.
        let executed = simulation(&engine, |_| {
            std::thread::scope(|scope| {
                let taken = scope.spawn(|| simulation(&engine, |_| simulation_from_outside(&engine)));
                assert_eq!(taken.join().expect("no panic"), Ok(Err(Busy)));
                scope.spawn(|| deepest(&engine)).join().expect("no panic")
            })
        });
        assert!(matches!(executed.expect("a place").outcome, Outcome::Return(_)));
        assert_eq!(simulation(&engine, |_| 7), Ok(7), "all are free again");
    }
}

/// Whoever opens a session inside one is told so, also if the outer one holds the only place.
#[test]
fn a_session_inside_a_session_is_refused_at_once() {
    let engine = cramped(EngineKind::Pulley, 1, 1);
    let refused = |work: &(dyn Fn() + Sync)| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).expect_err("refused");
    };
    execution(&engine, |_| refused(&|| execution(&engine, |_| ())));
    simulation(&engine, |_| refused(&|| assert_eq!(simulation(&engine, |_| ()), Err(Busy)))).expect("a place");
    refused(&|| assert_eq!(simulation(&engine, |_| panic!("told to")), Ok(())));
    assert_eq!((execution(&engine, |_| 1), simulation(&engine, |_| 2)), (1, Ok(2)), "the places are free again");
}

/// What a third simulation gets, asked for on a thread of its own.
fn simulation_from_outside(engine: &Engine) -> Result<(), Busy> {
    std::thread::scope(|scope| scope.spawn(|| simulation(engine, |_| ())).join().expect("no panic"))
}

#[test]
fn more_threads_than_places_wait_and_every_depth_is_there_for_each() {
    let engine = cramped(EngineKind::Cranelift, 2, 0);
    let text = recursive();
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                let mut world = World::with_code(&engine, &text);
                let ended = world.call(&[], 1_000_000 * PLENTY);
                assert!(matches!(ended.outcome, Outcome::Return(_)), "{ended:?}");
                assert_eq!(world.deepest, Limits::V1.call_depth_max as usize);
            });
        }
    });
    assert_eq!(execution(&engine, |_| 7), 7);
}
