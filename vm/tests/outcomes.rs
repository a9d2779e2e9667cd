//! Every way a frame can end, from modules that mean harm to modules that mean well, the same on every engine.

mod world;

use esker_vm::abi::{FUEL_PER_GAS, Limits, MeterCosts, MeterVersion};
use esker_vm::{
    Code, Engine, EngineKind, Halt, Outcome, Preparation, PrepareError, Purpose, crypto, envelope, execution,
};
use primitive_types::H256;
use world::{PLENTY, World, account, engine, engines, halt_of, on_all, output_of, wasm};

/// A module whose `call` is `body`, with the imports that tests use most.
fn module(body: &str) -> String {
    format!(
        r#"(module
            (import "esker_v1" "input_size" (func $input_size (result i32)))
            (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
            (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
            (import "esker_v1" "finish" (func $finish (param i32 i32)))
            (import "esker_v1" "revert" (func $revert (param i32 i32)))
            (import "esker_v1" "storage_store" (func $storage_store (param i32 i32)))
            (import "esker_v1" "storage_load" (func $storage_load (param i32 i32)))
            (import "esker_v1" "gas_left" (func $gas_left (result i64)))
            (import "esker_v1" "return_data_copy" (func $return_data_copy (param i32 i32 i32)))
            (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
            (type $nothing (func))
            (table 4 4 funcref)
            (elem (i32.const 0) $other)
            (memory (export "memory") 1 4)
            (data (i32.const 16) "data of the module")
            (func $other (param i64) (result i64) (local.get 0))
            (func (export "call") {body}))"#
    )
}

#[test]
fn an_empty_method_returns_nothing_and_costs_little() {
    let (execution, _) = on_all(&module(""), &[], PLENTY);
    assert_eq!(execution.outcome, Outcome::Return(Vec::new()));
    assert!(PLENTY - execution.fuel_left < 4 * FUEL_PER_GAS, "{}", PLENTY - execution.fuel_left);
}

#[test]
fn input_comes_back_as_output_by_plain_return_and_by_finish() {
    let input: Vec<u8> = (0..=255).collect();
    for end in ["$set_output", "$finish"] {
        let body = format!(
            "(call $input_copy (i32.const 100) (i32.const 0) (call $input_size))
             (call {end} (i32.const 100) (call $input_size))"
        );
        assert_eq!(output_of(&module(&body), &input), input, "{end}");
    }
}

#[test]
fn finish_and_revert_do_not_come_back_to_the_guest() {
    let write = "(call $storage_store (i32.const 0) (i32.const 16))";
    let (execution, state) =
        on_all(&module(&format!("{write} (call $finish (i32.const 16) (i32.const 4)) (unreachable)")), &[], PLENTY);
    assert_eq!(execution.outcome, Outcome::Return(b"data".to_vec()));
    assert_eq!(state.accounts[&account(1)].storage.len(), 1);
    let (execution, state) =
        on_all(&module(&format!("{write} (call $revert (i32.const 16) (i32.const 4)) (unreachable)")), &[], PLENTY);
    assert_eq!(execution.outcome, Outcome::Revert(b"data".to_vec()));
    assert!(execution.fuel_left > PLENTY / 2, "a revert gives the unspent fuel back");
    assert!(state.accounts[&account(1)].storage.is_empty(), "a revert undoes");
}

#[test]
fn an_infinite_loop_ends_by_gas() {
    assert_eq!(halt_of(&module("(loop (br 0))"), &[], PLENTY), Halt::OutOfGas);
}

#[test]
fn unbounded_recursion_ends_by_the_logical_stack() {
    let text = r#"(module (memory (export "memory") 1)
        (func $down (param i64) (result i64) (i64.add (call $down (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
        (func (export "call") (drop (call $down (i64.const 0)))))"#;
    assert_eq!(halt_of(text, &[], PLENTY), Halt::StackOverflow);
    let mutual = r#"(module (memory (export "memory") 1)
        (table 1 1 funcref) (elem (i32.const 0) $pong) (type $t (func (param i32)))
        (func $ping (param i32) (call_indirect (type $t) (local.get 0) (i32.const 0)))
        (func $pong (type $t) (call $ping (local.get 0)))
        (func (export "call") (call $ping (i32.const 0))))"#;
    assert_eq!(halt_of(mutual, &[], PLENTY), Halt::StackOverflow);
}

/// A function that keeps `values` results alive across a call of itself without a local or an operand for any: the
/// optimiser sees the same products before and after.
fn many_live_values(values: usize) -> String {
    let terms = |operation: &str| -> String {
        (0..values)
            .map(|i| {
                format!("(local.set 1 ({operation} (local.get 1) (i64.mul (local.get 0) (i64.const {}))))", 2 * i + 3)
            })
            .collect()
    };
    format!(
        r#"(module (memory (export "memory") 1)
            (func $down (param i64) (result i64) (local i64)
                {} (local.set 1 (i64.add (local.get 1) (call $down (i64.add (local.get 0) (i64.const 1))))) {}
                (local.get 1))
            (func (export "call") (drop (call $down (i64.const 1)))))"#,
        terms("i64.xor"),
        terms("i64.add"),
    )
}

#[test]
fn the_logical_stack_runs_out_before_the_native_one_when_many_values_stay_alive() {
    for values in [500, 1_500, 2_300] {
        assert_eq!(halt_of(&many_live_values(values), &[], 10 * PLENTY), Halt::StackOverflow, "{values} values");
    }
}

#[test]
fn traps_of_the_guest_are_told_apart() {
    let cases = [
        ("(unreachable)", Halt::Unreachable),
        ("(drop (i32.load (i32.const 65536)))", Halt::MemoryOutOfBounds),
        ("(drop (i64.load offset=4294967295 (i32.const -1)))", Halt::MemoryOutOfBounds),
        ("(i32.store8 (i32.const -1) (i32.const 1))", Halt::MemoryOutOfBounds),
        ("(memory.fill (i32.const 65530) (i32.const 1) (i32.const 7))", Halt::MemoryOutOfBounds),
        ("(memory.copy (i32.const 0) (i32.const 65530) (i32.const 7))", Halt::MemoryOutOfBounds),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", Halt::DivisionByZero),
        ("(drop (i64.rem_s (i64.const 1) (i64.const 0)))", Halt::DivisionByZero),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", Halt::IntegerOverflow),
        ("(call_indirect (type $nothing) (i32.const 4))", Halt::TableOutOfBounds),
        ("(call_indirect (type $nothing) (i32.const 1))", Halt::IndirectCallToNull),
        ("(call_indirect (type $nothing) (i32.const 0))", Halt::BadSignature),
    ];
    for (body, expected) in cases {
        assert_eq!(halt_of(&module(body), &[], PLENTY), expected, "{body}");
    }
}

#[test]
fn bad_ranges_and_arguments_of_host_calls_halt() {
    let cases = [
        "(call $input_copy (i32.const 0) (i32.const 0) (i32.const 9))",
        "(call $input_copy (i32.const 0) (i32.const 9) (i32.const 0))",
        "(call $input_copy (i32.const 0) (i32.const 4) (i32.const -2))",
        "(call $input_copy (i32.const 65533) (i32.const 0) (i32.const 4))",
        "(call $set_output (i32.const 65533) (i32.const 4))",
        "(call $set_output (i32.const -1) (i32.const 0))",
        "(call $revert (i32.const -1) (i32.const 1))",
        "(call $storage_store (i32.const 65505) (i32.const 0))",
        "(call $storage_load (i32.const 0) (i32.const 65505))",
        "(call $return_data_copy (i32.const 0) (i32.const 0) (i32.const 1))",
        "(call $log (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0))",
        "(call $log (i32.const 65500) (i32.const 4) (i32.const 0) (i32.const 0))",
    ];
    for body in cases {
        assert_eq!(halt_of(&module(body), b"8 bytes.", 100 * PLENTY), Halt::InvalidArgument, "{body}");
    }
}

#[test]
fn a_length_that_nobody_could_pay_for_is_out_of_gas_before_it_is_out_of_bounds() {
    assert_eq!(
        halt_of(&module("(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1))"), &[], PLENTY),
        Halt::OutOfGas
    );
}

#[test]
fn output_is_bounded_however_it_is_given() {
    let most = Limits::V1.output_bytes_max;
    for end in ["set_output", "finish", "revert"] {
        let text = |len: u32| {
            format!(
                r#"(module (import "esker_v1" "{end}" (func $end (param i32 i32))) (memory (export "memory") 4)
                    (func (export "call") (call $end (i32.const 0) (i32.const {len}))))"#
            )
        };
        let fuel = 100 * PLENTY;
        assert_eq!(halt_of(&text(most + 1), &[], fuel), Halt::OutputTooLarge, "{end}");
        let (execution, _) = on_all(&text(most), &[], fuel);
        let (Outcome::Return(output) | Outcome::Revert(output)) = execution.outcome else {
            panic!("{end}: {:?}", execution.outcome)
        };
        assert_eq!(output.len(), most as usize, "{end}");
    }
}

#[test]
fn every_amount_of_fuel_ends_the_same_on_every_engine() {
    let text = module(
        "(local $i i32)
         (loop $again
            (i32.store (local.get $i) (i32.wrap_i64 (call $gas_left)))
            (call $storage_store (i32.const 0) (i32.const 32))
            (memory.fill (i32.const 64) (local.get $i) (i32.const 100))
            (local.set $i (i32.add (local.get $i) (i32.const 4)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 24))))
         (call $set_output (i32.const 0) (i32.const 64))",
    );
    let (whole, _) = on_all(&text, &[], PLENTY);
    let used = PLENTY - whole.fuel_left;
    let ends: Vec<_> = engines()
        .iter()
        .map(|engine| {
            let step = usize::try_from((used / 500).max(1)).expect("small");
            let ends: Vec<_> = (0..used + 20_000)
                .step_by(step)
                .map(|fuel| {
                    let mut world = World::with_code(engine, &text);
                    (world.call(&[], fuel), world.state)
                })
                .collect();
            ends
        })
        .collect();
    for other in &ends[1..] {
        assert_eq!(*other, ends[0]);
    }
    assert!(matches!(ends[0].first().map(|(end, _)| &end.outcome), Some(Outcome::Halt(Halt::OutOfGas))));
    assert!(matches!(ends[0].last().map(|(end, _)| &end.outcome), Some(Outcome::Return(_))));
}

#[test]
fn memory_grows_to_the_modules_maximum_and_no_further() {
    let body = "(i32.store (i32.const 0) (memory.grow (i32.const 3)))
                (i32.store (i32.const 4) (memory.grow (i32.const 1)))
                (i32.store (i32.const 8) (memory.size))
                (i32.store (i32.const 262140) (i32.const 7))
                (call $set_output (i32.const 0) (i32.const 12))";
    let output = output_of(&module(body), &[]);
    assert_eq!(output, [1u32.to_le_bytes(), u32::MAX.to_le_bytes(), 4u32.to_le_bytes()].concat());
}

#[test]
fn pages_at_the_start_beyond_the_free_ones_are_charged() {
    let text = |pages: u32| format!(r#"(module (memory (export "memory") {pages}) (func (export "call")))"#);
    let costs = MeterCosts::V1;
    let (free, _) = on_all(&text(costs.free_pages), &[], PLENTY);
    let (three, _) = on_all(&text(costs.free_pages + 3), &[], PLENTY);
    assert_eq!(free.fuel_left - three.fuel_left, 3 * costs.memory_page);
    assert_eq!(halt_of(&text(costs.free_pages + 1), &[], costs.memory_page - 1), Halt::OutOfGas);
}

#[test]
fn table_entries_beyond_the_free_ones_are_charged_at_the_start() {
    let text = |entries: u32| {
        format!(r#"(module (memory (export "memory") 1) (table {entries} funcref) (func (export "call")))"#)
    };
    let costs = MeterCosts::V1;
    let (none, _) = on_all(r#"(module (memory (export "memory") 1) (func (export "call")))"#, &[], PLENTY);
    let (free, _) = on_all(&text(costs.free_table_entries), &[], PLENTY);
    let (three, _) = on_all(&text(costs.free_table_entries + 3), &[], PLENTY);
    assert_eq!(none.fuel_left, free.fuel_left);
    assert_eq!(free.fuel_left - three.fuel_left, 3 * costs.table_entry);
    assert_eq!(halt_of(&text(costs.free_table_entries + 1), &[], costs.table_entry - 1), Halt::OutOfGas);
}

#[test]
fn fuel_beyond_any_gas_limit_is_kept_whole() {
    let (plenty, _) = on_all(&module(""), &[], PLENTY);
    let used = PLENTY - plenty.fuel_left;
    let (most, _) = on_all(&module(""), &[], u64::MAX);
    assert_eq!(most.fuel_left, u64::MAX - used);
    assert_eq!(halt_of(&module("(unreachable)"), &[], u64::MAX), Halt::Unreachable);
}

#[test]
fn a_segment_outside_memory_or_table_is_the_contracts_fault() {
    let data = r#"(module (memory (export "memory") 1) (data (i32.const 65530) "too long") (func (export "call")))"#;
    let elem = r#"(module (memory (export "memory") 1) (table 1 1 funcref) (elem (i32.const 1) $f)
        (func $f) (func (export "call")))"#;
    for text in [data, elem] {
        let halt = halt_of(text, &[], PLENTY);
        assert!(
            matches!(halt, Halt::MemoryOutOfBounds | Halt::TableOutOfBounds | Halt::IllegalModule),
            "{halt:?} for {text}"
        );
    }
}

#[test]
fn what_is_no_acceptable_module_is_illegal() {
    for (name, code) in [
        ("garbage", b"not wasm at all".to_vec()),
        ("truncated", wasm(&module(""))[..40].to_vec()),
        ("a float", wasm(r#"(module (memory (export "memory") 1) (func (export "call") (drop (f32.const 1))))"#)),
        ("no call", wasm(r#"(module (memory (export "memory") 1))"#)),
    ] {
        for engine in engines() {
            let mut world = World::new(&engine);
            world.set_code(account(1), code.clone());
            let execution = world.call(&[], PLENTY);
            assert_eq!(execution.outcome, Outcome::Halt(Halt::IllegalModule), "{name} on {}", engine.kind());
            let refused = prepare(&engine, &code, u64::MAX);
            assert!(matches!(refused, Err(PrepareError::Rejected(_))), "{name}: {refused:?}");
        }
    }
    // An account whose code is no envelope, or one that would inflate to more than a module may have.
    let engine = engine(EngineKind::Cranelift);
    let bomb = envelope::encode(&vec![0; 300 * 1024]);
    for code in [b"no envelope".as_slice(), &bomb, &[]] {
        let mut world = World::new(&engine);
        let code = Code { hash: H256(crypto::keccak256(code)), envelope: code, meter: MeterVersion::V1 };
        let ended = world.execute(code, esker_vm::Entry::Call, &esker_vm::Frame::default(), 5);
        assert_eq!((ended.outcome, ended.fuel_left), (Outcome::Halt(Halt::IllegalModule), 0));
    }
}

#[test]
fn a_constructor_runs_when_there_is_one() {
    let without = r#"(module (memory (export "memory") 1) (func (export "call") (unreachable)))"#;
    let with = r#"(module (import "esker_v1" "set_output" (func $o (param i32 i32))) (memory (export "memory") 1)
        (func (export "call") (unreachable)) (func (export "deploy") (call $o (i32.const 0) (i32.const 3))))"#;
    for engine in engines() {
        let execution = World::with_code(&engine, without).deploy(b"arguments", PLENTY);
        assert_eq!((execution.outcome, execution.fuel_left), (Outcome::Return(Vec::new()), PLENTY));
        let execution = World::with_code(&engine, with).deploy(b"", PLENTY);
        assert_eq!(execution.outcome, Outcome::Return(vec![0; 3]));
        for (text, has_constructor) in [(without, false), (with, true)] {
            let code = wasm(text);
            let preparation = prepare(&engine, &code, u64::MAX).expect("acceptable");
            assert_eq!(preparation.facts().has_constructor, has_constructor);
            assert_eq!(preparation.facts().module_bytes as usize, code.len());
        }
    }
}

#[test]
fn a_module_beyond_the_complexity_budget_is_reported_and_not_compiled() {
    let engine = engine(EngineKind::Cranelift);
    let code = wasm(&module("(loop (br_if 0 (i32.const 0)))"));
    let over = prepare(&engine, &code, 0).expect("acceptable");
    let facts = *over.facts();
    assert_eq!((over, facts.complexity > 0), (Preparation::OverBudget(facts), true));
    assert_eq!(engine.cached(Purpose::Execution).0, 0);
    assert_eq!(prepare(&engine, &code, facts.complexity - 1), Ok(over));
    assert_eq!(prepare(&engine, &code, facts.complexity), Ok(Preparation::Ready(facts)));
    assert_eq!(engine.cached(Purpose::Execution).0, 1);
}

fn prepare(engine: &Engine, wasm: &[u8], budget: u64) -> Result<Preparation, PrepareError> {
    let envelope = envelope::encode(wasm);
    let code = Code { hash: H256(crypto::keccak256(&envelope)), envelope: &envelope, meter: MeterVersion::V1 };
    execution(engine, |session| session.prepare(code, budget))
}
