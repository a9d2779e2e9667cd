//! Executions: every engine ends alike, by the rules of a frame.

use esker_vm::{Engine, EngineConfig, Execution, Halt, Outcome};

use crate::world::{State, World, account};

/// Both compilers of both back ends with a memory cache that holds little, for many modules one after the other.
pub fn engines() -> Vec<Engine> {
    let small = |config| EngineConfig { cache_bytes: 1 << 20, ..config };
    crate::world::configs().into_iter().map(|config| Engine::new(small(config)).expect("the engine starts")).collect()
}

/// A contract that keeps its input, logs it, calls its caller back and returns what that gave.
const PARTNER: &str = r#"(module
    (import "esker_v1" "input_size" (func $size (result i32)))
    (import "esker_v1" "input_copy" (func $input (param i32 i32 i32)))
    (import "esker_v1" "storage_store" (func $store (param i32 i32)))
    (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
    (import "esker_v1" "caller" (func $caller (param i32)))
    (import "esker_v1" "static_call" (func $call (param i64 i32 i32 i32) (result i32)))
    (import "esker_v1" "set_output" (func $output (param i32 i32)))
    (memory (export "memory") 1)
    (func (export "deploy"))
    (func (export "call") (local $length i32)
        (local.set $length (call $size))
        (if (i32.gt_u (local.get $length) (i32.const 600)) (then (unreachable)))
        (call $input (i32.const 1024) (i32.const 0) (local.get $length))
        (call $caller (i32.const 0))
        (i32.store (i32.const 64) (call $call (i64.const 20000) (i32.const 0) (i32.const 1024) (i32.const 8)))
        (call $log (i32.const 1024) (i32.const 1) (i32.const 64) (i32.const 4))
        (call $store (i32.const 1024) (i32.const 1056))
        (call $output (i32.const 1024) (local.get $length))))"#;

/// The end of a call and everything it left behind.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    pub execution: Execution,
    pub state: State,
    pub deepest: usize,
}

fn run(engine: &Engine, wasm: &[u8], input: &[u8], fuel: u64) -> End {
    let mut world = World::new(engine);
    world.set_code(account(1), wasm.to_vec());
    world.set_code(account(2), crate::world::wasm(PARTNER));
    let execution = world.call(input, fuel);
    End { execution, deepest: world.deepest, state: world.state }
}

/// Calls a contract with that code on every engine, with a cold and a warm cache. Returns the one end.
pub fn same_everywhere(engines: &[Engine], wasm: &[u8], input: &[u8], fuel: u64) -> End {
    let mut ends = engines.iter().map(|engine| (engine.kind(), run(engine, wasm, input, fuel)));
    let (_, first) = ends.next().expect("there are engines");
    for (kind, end) in ends {
        assert_eq!(end, first, "{kind} ends otherwise than {}", engines[0].kind());
    }
    let again = run(&engines[0], wasm, input, fuel);
    assert_eq!(again, first, "the second run ends otherwise");
    assert!(first.execution.fuel_left <= fuel, "fuel grew");
    match &first.execution.outcome {
        Outcome::Fatal(fatal) => panic!("a contract stopped the node: {fatal}"),
        Outcome::Halt(_) => assert_eq!(first.execution.fuel_left, 0, "a halt burns everything"),
        Outcome::Return(_) | Outcome::Revert(_) => {}
    }
    if !matches!(first.execution.outcome, Outcome::Return(_)) {
        assert!(first.state.logs.is_empty() && first.state.created == 0, "a failed frame left something behind");
        let storage = first.state.accounts.values().all(|account| account.storage.is_empty());
        assert!(storage && first.state.transient.is_empty(), "a failed frame left storage behind");
    }
    first
}

/// As [`same_everywhere`], for a contract that sees nothing of its gas: with one fuel less than it uses, it runs out.
pub fn exact_everywhere(engines: &[Engine], wasm: &[u8], input: &[u8], fuel: u64) -> End {
    let end = same_everywhere(engines, wasm, input, fuel);
    if matches!(end.execution.outcome, Outcome::Return(_) | Outcome::Revert(_)) {
        let used = fuel - end.execution.fuel_left;
        let exactly = same_everywhere(engines, wasm, input, used);
        assert_eq!(exactly.execution, Execution { fuel_left: 0, ..end.execution.clone() }, "with exactly what it uses");
        assert_eq!(exactly.state, end.state);
        if let Some(short) = used.checked_sub(1) {
            let short = same_everywhere(engines, wasm, input, short).execution.outcome;
            assert_eq!(short, Outcome::Halt(Halt::OutOfGas), "with one fuel too few");
        }
    }
    end
}
