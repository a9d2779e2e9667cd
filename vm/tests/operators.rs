//! Nothing is left out: every instruction that the parser knows is either refused with a reason of ours, or has a cost
//! class and is run on every engine; and every way in which guest code can end a frame is met on every engine.

mod engines;
mod rewriters;
#[path = "operators/rows.rs"]
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use engines::{ALL, Code, End, Engine, Run, STACK_UNITS, host::Host, run_metered, run_original};
use esker_abi::{InstructionCosts, Limits, MeterCosts};
use esker_vm::{Halt, prepare_module};
use rewriters::counting::counting;
use rewriters::with_data_section_of;
use rows::{Gives, ROWS, Row};
use wasm_encoder::{
    CodeSection, DataCountSection, DataSection, ExportKind, ExportSection, Function, FunctionSection, MemorySection,
    MemoryType, TypeSection,
};
use wasmparser::{BinaryReader, OperatorsReader};

const AMPLE: i64 = 1 << 50;

macro_rules! names {
    ($( @$proposal:ident $name:ident $({ $($field:ident: $kind:ty),* })? => $visit:ident ($($shape:tt)*) )*) => {
        &[$(stringify!($name)),*]
    };
}

/// Every instruction that the parser has a name for.
const KNOWN: &[&str] = wasmparser::for_each_operator!(names);

/// An encoding of each of them, found by decoding every opcode with plain immediates.
fn encodings() -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let plain = (0..=u8::MAX).map(|opcode| vec![opcode]);
    let prefixed = (0xfb..=0xfe_u8).flat_map(|prefix| {
        (0..0x200_u32).map(move |opcode| vec![prefix, (opcode & 0x7f) as u8 | 0x80, (opcode >> 7) as u8])
    });
    // Immediates: zeros, alignments, a type after a count of one, types.
    let beginning = |bytes: [u8; 2]| {
        let mut immediate = [0_u8; 24];
        immediate[..2].copy_from_slice(&bytes);
        immediate
    };
    let immediates = [[0, 0], [1, 0], [2, 0], [3, 0], [1, 0x7f], [0x70, 0x70]].map(beginning);
    // Some stand only in an `if` or a `try`.
    let before: [&[u8]; 3] = [&[], &[0x04, 0x40], &[0x06, 0x40]];
    for opcode in plain.chain(prefixed) {
        for (before, immediate) in before.iter().flat_map(|before| immediates.map(|immediate| (before, immediate))) {
            let bytes = [*before, &opcode, &immediate].concat();
            let mut reader = OperatorsReader::new(BinaryReader::new(&bytes, 0));
            if !before.is_empty() {
                reader.read().expect("an `if` or a `try`");
            }
            let Ok(operator) = reader.read() else { continue };
            let debug = format!("{operator:?}");
            let name: String = debug.chars().take_while(char::is_ascii_alphanumeric).collect();
            let length = reader.original_position();
            found.entry(name).or_insert_with(|| bytes[..length].to_vec());
        }
    }
    found
}

/// A contract one of whose functions holds just this instruction.
fn holding(instruction: &[u8]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0).function(0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("call", ExportKind::Func, 0);
    let mut code = CodeSection::new();
    let mut call = Function::new([]);
    call.instructions().end();
    code.function(&call);
    let mut body = Function::new([]);
    body.raw(instruction.iter().copied());
    body.instructions().end();
    code.function(&body);
    let mut data = DataSection::new();
    data.passive([]);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports);
    module.section(&DataCountSection { count: 1 }).section(&code).section(&data);
    module.finish()
}

#[test]
fn every_instruction_has_a_row_or_is_refused_by_our_own_table() {
    let encodings = encodings();
    let known: BTreeSet<&str> = KNOWN.iter().copied().collect();
    let reached: BTreeSet<&str> = encodings.keys().map(String::as_str).collect();
    let missed: Vec<_> = known.difference(&reached).collect();
    assert!(missed.is_empty(), "no encoding was found of {missed:?}");
    let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.0).collect();
    assert_eq!(rows.len(), ROWS.len(), "a row for each");
    let unknown: Vec<_> = rows.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?} are no instructions");
    let mut refused = 0;
    for (name, bytes) in encodings.iter().filter(|(name, _)| !rows.contains(name.as_str())) {
        let outcome = prepare_module(&holding(bytes), &Limits::V1, &MeterCosts::V1);
        let reason = outcome.err().unwrap_or_else(|| panic!("{name} is accepted and has no row")).reason;
        // The table of accepted instructions speaks before the general validator looks at types.
        let ours = [
            "floating-point instruction",
            "saturating float conversion",
            "SIMD instruction",
            "reference-types instruction",
            "table instruction",
            "threads instruction",
            "tail call",
            "exception instruction",
            "instruction of a proposal that is not accepted",
        ];
        // Some the parser does not even read without a feature that is off.
        let unread = reason.contains("feature required for");
        assert!(
            unread || ours.iter().any(|part| reason.starts_with(part)),
            "{name} is refused for another reason: {reason}"
        );
        refused += 1;
    }
    println!("{} instructions accepted, {refused} refused", rows.len());
}

/// A contract that runs a row, and keeps what it gives in the first eight bytes of memory.
fn contract(row: &Row) -> Vec<u8> {
    let (_, _, body, gives) = row;
    let (result, widen) = match gives {
        Gives::I32(_) | Gives::Trap(_) => ("i32", "i64.extend_i32_u"),
        Gives::I64(_) => ("i64", "nop"),
    };
    let text = format!(
        r#"(module (memory (export "memory") 1 4)
          (type $seven (func (result i32)))
          (table 2 funcref) (elem (i32.const 1) $seven)
          (global $g (mut i32) (i32.const 5))
          (data (i32.const 16) "\80\01\02\83\04\05\06\87")
          (data $d "abcd")
          (func $seven (type $seven) (i32.const 7))
          (func $row (param $x i32) (result {result}) (local $i i32) (local $l i64) {body})
          (func (export "call") i32.const 0 (call $row (i32.const 7)) {widen} i64.store))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn used(wasm: &[u8], costs: &MeterCosts, engine: Engine) -> (Run, i64) {
    let rewritten = prepare_module(wasm, &Limits::V1, costs).unwrap_or_else(|reason| panic!("refused: {reason}")).wasm;
    let rewritten = with_data_section_of(wasm, &rewritten);
    let run = run_metered(engine, &rewritten, AMPLE);
    let used = run.gas_left.map_or(0, |left| AMPLE - left);
    (run, used)
}

#[test]
fn every_row_gives_what_it_should_and_costs_what_it_runs_on_every_engine() {
    for row in ROWS {
        let (name, _, _, gives) = row;
        let wasm = contract(row);
        let mut fuel = BTreeSet::new();
        for engine in ALL {
            let (run, used) = used(&wasm, &MeterCosts::V1, engine);
            let result: [u8; 8] = run.memory[..8].try_into().expect("memory has a page");
            let found = match (&run.end, gives) {
                (End::Trap(trap), _) => Gives::Trap(trap),
                (End::Returned, Gives::I32(_)) => {
                    Gives::I32(u32::try_from(u64::from_le_bytes(result)).expect("it was widened without a sign"))
                }
                (End::Returned, _) => Gives::I64(u64::from_le_bytes(result)),
                (end, _) => panic!("{name} on {engine:?}: {end}"),
            };
            assert_eq!(found, *gives, "{name} on {engine:?}");
            fuel.insert(used);
        }
        assert_eq!(fuel.len(), 1, "{name}: the same fuel everywhere, {fuel:?}");
        if !matches!(gives, Gives::Trap(_)) {
            let counted = run_original(Engine::Cranelift, &counting(&wasm, &MeterCosts::V1));
            let count = counted.globals.first().expect("the counter is exported").1;
            assert_eq!(fuel.first(), Some(&count), "{name}: fuel against instructions counted one by one");
        }
    }
}

/// Field `name` of the costs.
fn field<'c>(costs: &'c mut InstructionCosts, name: &str) -> &'c mut u64 {
    match name {
        "trivial" => &mut costs.trivial,
        "simple" => &mut costs.simple,
        "multiply" => &mut costs.multiply,
        "divide" => &mut costs.divide,
        "global" => &mut costs.global,
        "load" => &mut costs.load,
        "store" => &mut costs.store,
        "branch" => &mut costs.branch,
        "branch_table" => &mut costs.branch_table,
        "call" => &mut costs.call,
        "call_indirect" => &mut costs.call_indirect,
        "memory_size" => &mut costs.memory_size,
        "memory_grow" => &mut costs.memory_grow,
        "bulk" => &mut costs.bulk,
        other => panic!("no class {other}"),
    }
}

/// How often instructions of each class are charged in a run: by raising one weight after the other.
fn charged(wasm: &[u8]) -> BTreeMap<&'static str, i64> {
    const CLASSES: [&str; 14] = [
        "trivial",
        "simple",
        "multiply",
        "divide",
        "global",
        "load",
        "store",
        "branch",
        "branch_table",
        "call",
        "call_indirect",
        "memory_size",
        "memory_grow",
        "bulk",
    ];
    let base = used(wasm, &MeterCosts::V1, Engine::Wasmi).1;
    let raised = |class| {
        let mut costs = MeterCosts::V1;
        *field(&mut costs.instructions, class) += 1_000;
        used(wasm, &costs, Engine::Wasmi).1
    };
    CLASSES.into_iter().map(|class| (class, (raised(class) - base) / 1_000)).collect()
}

#[test]
fn every_row_is_charged_by_the_weight_of_its_class() {
    // What surrounds a row: a constant, an argument, a call, the widening, a store; with a `local.get` as its body.
    let around = [("local.get $x", Gives::I32(7)), ("local.get $l", Gives::I64(0))]
        .map(|(body, gives)| charged(&contract(&("", None, body, gives))));
    for row in ROWS.iter().filter(|row| !matches!(row.3, Gives::Trap(_))) {
        let (name, class, _, gives) = row;
        let around = &around[usize::from(matches!(gives, Gives::I64(_)))];
        let charged = charged(&contract(row));
        match class {
            None => assert!(["Else", "End"].contains(name), "{name} costs nothing?"),
            Some(class) => {
                let own = charged[class] - around[class] + i64::from(*class == "trivial");
                assert!(own >= 1, "{name} is not charged as {class}: {charged:?}");
            }
        }
    }
}

/// A module whose entry point ends a frame in this way; `None` where only the world around the contract can.
fn ending(halt: Halt) -> Option<(&'static [&'static str], End)> {
    let (bodies, end): (&[&str], End) = match halt {
        Halt::OutOfGas => (&["(loop (br 0))", "(call $grow)"], End::OutOfGas),
        Halt::StackOverflow => (&["(call $deeper)", "(call_indirect (type $t) (i32.const 3))"], End::StackOverflow),
        Halt::Unreachable => (&["unreachable"], End::Trap("unreachable")),
        Halt::MemoryOutOfBounds => (
            &[
                "(drop (i32.load (i32.const 65533)))",
                "(drop (i64.load offset=4294967295 (i32.const -1)))",
                "(drop (i32.load8_u offset=65536 (i32.const 0)))",
                "(i64.store (i32.const 65529) (i64.const 1))",
                "(i32.store8 (i32.const -1) (i32.const 1))",
                "(memory.fill (i32.const 65530) (i32.const 1) (i32.const 7))",
                "(memory.copy (i32.const 0) (i32.const 65530) (i32.const 7))",
                "(memory.copy (i32.const 65530) (i32.const 0) (i32.const 7))",
                "(memory.init $d (i32.const 0) (i32.const 3) (i32.const 2))",
                "(memory.init $d (i32.const 65535) (i32.const 0) (i32.const 2))",
                "(data.drop $d) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))",
            ],
            End::Trap("memory"),
        ),
        Halt::TableOutOfBounds => (
            &["(call_indirect (type $t) (i32.const 5))", "(call_indirect (type $t) (i32.const -1))"],
            End::Trap("table"),
        ),
        Halt::IndirectCallToNull => (&["(call_indirect (type $t) (i32.const 1))"], End::Trap("null")),
        Halt::BadSignature => (&["(call_indirect (type $t) (i32.const 2))"], End::Trap("signature")),
        Halt::DivisionByZero => (
            &[
                "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
                "(drop (i32.div_s (i32.const 1) (i32.const 0)))",
                "(drop (i32.rem_u (i32.const 1) (i32.const 0)))",
                "(drop (i32.rem_s (i32.const 1) (i32.const 0)))",
                "(drop (i64.div_u (i64.const 1) (i64.const 0)))",
                "(drop (i64.div_s (i64.const 1) (i64.const 0)))",
                "(drop (i64.rem_u (i64.const 1) (i64.const 0)))",
                "(drop (i64.rem_s (i64.const 1) (i64.const 0)))",
            ],
            End::Trap("division"),
        ),
        Halt::IntegerOverflow => (
            &[
                "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
                "(drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))",
            ],
            End::Trap("overflow"),
        ),
        Halt::InvalidArgument => {
            (&["(call $input (i32.const 65535) (i32.const 0) (i32.const 2))"], End::Trap("argument"))
        }
        // The linker's and the runtime's tests have these.
        Halt::StaticViolation
        | Halt::OutputTooLarge
        | Halt::IllegalModule
        | Halt::AddressCollision
        | Halt::PrecompileFailure => return None,
    };
    Some((bodies, end))
}

#[test]
fn every_end_that_guest_code_can_bring_about_comes_alike_on_every_engine() {
    const HALTS: [Halt; 15] = [
        Halt::OutOfGas,
        Halt::StackOverflow,
        Halt::Unreachable,
        Halt::MemoryOutOfBounds,
        Halt::TableOutOfBounds,
        Halt::IndirectCallToNull,
        Halt::BadSignature,
        Halt::DivisionByZero,
        Halt::IntegerOverflow,
        Halt::InvalidArgument,
        Halt::StaticViolation,
        Halt::OutputTooLarge,
        Halt::IllegalModule,
        Halt::AddressCollision,
        Halt::PrecompileFailure,
    ];
    let mut met = BTreeSet::new();
    for (bodies, end) in HALTS.into_iter().filter_map(ending) {
        for body in bodies {
            let text = format!(
                r#"(module (import "esker_v1" "input_copy" (func $input (param i32 i32 i32)))
                  (memory (export "memory") 1)
                  (type $t (func)) (type $u (func (result i32)))
                  (table 5 funcref) (elem (i32.const 0) $nothing) (elem (i32.const 2) $one $again)
                  (data $d "abcd")
                  (func $nothing) (func $one (result i32) (i32.const 1))
                  (func $again (type $t) (call_indirect (type $t) (i32.const 3)))
                  (func $deeper (call $deeper))
                  (func $grow (drop (memory.grow (i32.const 7))))
                  (func (export "call") {body}))"#
            );
            let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let rewritten = prepare_module(&wasm, &Limits::V1, &MeterCosts::V1).expect("accepted").wasm;
            let rewritten = with_data_section_of(&wasm, &rewritten);
            for engine in ALL {
                let run = Code::new(engine, &rewritten).run(Host::new(b"in"), Some((100_000_000, STACK_UNITS)));
                assert_eq!(run.end, end, "{body} on {engine:?}");
            }
        }
        met.insert(format!("{end}"));
    }
    assert_eq!(met.len(), 10, "each in a way of its own: {met:?}");
}
