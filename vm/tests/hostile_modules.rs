//! Modules that nobody meant well with: whatever is accepted compiles on every engine, and whatever runs ends alike.
//!
//! Deterministic: the seeds below. `tests/fuzz` runs the same oracles on bytes that a fuzzer finds.

mod generators;
mod oracles;
#[path = "../../tests/src/seeded.rs"]
mod seeded;
mod world;

use std::path::Path;

use arbitrary::Unstructured;
use esker_vm::abi::{FUEL_PER_GAS, Limits, MeterCosts};
use esker_vm::{Halt, Outcome, prepare_module};
use generators::{Edit, edited, frames, host_calls, smith};
use oracles::execution::{engines, exact_everywhere, same_everywhere};
use oracles::module::accepted;
use proptest::prelude::*;

const SEED: [u8; 32] = *b"esker: hostile modules, one seed";

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    seeded::run(&SEED, cases, strategy, test);
}

fn bytes(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), length)
}

fn edits() -> impl Strategy<Value = Vec<(usize, Edit)>> {
    let edit = prop_oneof![
        4 => any::<u8>().prop_map(Edit::Set),
        4 => any::<u8>().prop_map(Edit::Flip),
        2 => any::<u8>().prop_map(Edit::Insert),
        2 => Just(Edit::Remove),
        1 => Just(Edit::Cut),
    ];
    prop::collection::vec((any::<usize>(), edit), 1..4)
}

/// The modules of the metering vectors, smallest first.
fn kernels() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/metering");
    let mut kernels: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .expect("the vectors stand in the repository")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .map(|path| wat::parse_file(path).expect("the vectors are sound"))
        .collect();
    kernels.sort_by_key(Vec::len);
    kernels
}

#[test]
fn what_is_accepted_of_mutated_modules_compiles_on_every_engine() {
    let engines = engines();
    let kernels = kernels();
    assert!(kernels.len() >= 10, "vectors went missing");
    let count = std::cell::Cell::new(0);
    run(600, (0..kernels.len(), edits()), |(kernel, edits)| {
        let mutated = edited(kernels[kernel].clone(), &edits);
        count.set(count.get() + u32::from(accepted(&engines, &mutated).is_some()));
    });
    println!("{} of 600 mutated modules accepted", count.get());
    assert!(count.get() > 20, "mutations reach the compilers: {}", count.get());
}

#[test]
fn arbitrary_bytes_are_refused_with_a_reason() {
    run(2_000, (any::<bool>(), prop::collection::vec(any::<u8>(), 0..400)), |(headed, bytes)| {
        let wasm = if headed { [b"\0asm\x01\0\0\0", bytes.as_slice()].concat() } else { bytes };
        assert_eq!(accepted(&[], &wasm), None);
    });
}

#[test]
fn generated_modules_end_alike_on_every_engine_and_run_out_of_gas_exactly() {
    let engines = engines();
    let shape = wat::parse_str(smith::SHAPE).expect("the shape is sound");
    let (ran, returned) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let cases = (bytes(4_000), any::<bool>(), 0u64..2_000 * FUEL_PER_GAS);
    run(160, cases, |(bytes, traps, fuel)| {
        let Some(module) = smith::contract(&mut Unstructured::new(&bytes), &shape, traps) else { return };
        let wasm = module.to_bytes();
        if accepted(&engines, &wasm).is_some() {
            let end = exact_everywhere(&engines, &wasm, b"input", fuel);
            ran.set(ran.get() + 1);
            returned.set(returned.get() + u32::from(matches!(end.execution.outcome, Outcome::Return(_))));
        }
    });
    println!("{} generated modules ran, {} returned", ran.get(), returned.get());
    assert!(ran.get() > 60, "the generator makes acceptable modules: {}", ran.get());
}

#[test]
fn no_frame_outgrows_the_native_stack_that_its_units_pay_for() {
    let engines = engines();
    let (overflowed, optimised) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    run(60, bytes(6_000), |bytes| {
        let Ok(wasm) = frames::contract(&mut Unstructured::new(&bytes)) else { return };
        if accepted(&engines, &wasm).is_none() {
            return;
        }
        // A frame that outgrew it would be fatal, here or on an engine whose frames are larger.
        let end = same_everywhere(&engines, &wasm, b"", 3_000_000 * FUEL_PER_GAS);
        let deep = end.execution.outcome == Outcome::Halt(Halt::StackOverflow);
        let facts = prepare_module(&wasm, &Limits::V1, &MeterCosts::V1).expect("it was accepted").facts;
        overflowed.set(overflowed.get() + u32::from(deep));
        optimised.set(optimised.get() + u32::from(deep && facts.optimizable));
    });
    println!("{} of 60 overflowed, {} of them optimised", overflowed.get(), optimised.get());
    assert!(overflowed.get() > 30, "they recurse until the stack ends: {}", overflowed.get());
    assert!(optimised.get() > 5 && optimised.get() < overflowed.get(), "both tiers are met: {}", optimised.get());
}

#[test]
fn host_calls_with_any_arguments_end_alike_on_every_engine() {
    let engines = engines();
    let returned = std::cell::Cell::new(0);
    run(250, (bytes(2_500), 0u64..400_000 * FUEL_PER_GAS), |(bytes, fuel)| {
        let wasm = host_calls::contract(&mut Unstructured::new(&bytes)).expect("the bytes suffice");
        assert!(accepted(&engines, &wasm).is_some(), "the generator makes acceptable modules");
        let end = same_everywhere(&engines, &wasm, &bytes[..40], fuel);
        returned.set(returned.get() + u32::from(matches!(end.execution.outcome, Outcome::Return(_))));
    });
    println!("{} of 250 came back", returned.get());
    assert!(returned.get() > 20, "enough of them reach their end: {}", returned.get());
}

#[test]
fn arbitrary_and_mutated_payloads_are_taken_apart_or_refused() {
    let kernels = kernels();
    run(400, (0..kernels.len(), edits(), prop::collection::vec(any::<u8>(), 0..60)), |(kernel, edits, more)| {
        let whole = esker_vm::envelope::encode(&kernels[kernel]);
        assert_eq!(oracles::envelope::taken_apart(&[whole.as_slice(), &more].concat()), Some(kernels[kernel].clone()));
        oracles::envelope::taken_apart(&edited(whole, &edits));
        oracles::envelope::taken_apart(&more);
    });
}
