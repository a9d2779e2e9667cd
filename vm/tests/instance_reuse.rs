//! A frame cannot tell whether its instance served other frames before.

#[path = "differential/mod.rs"]
mod differential;
mod engines;
mod generators;
#[path = "instance_reuse/guests.rs"]
mod guests;
mod rewriters;
#[path = "generators/seeded.rs"]
mod seeded;
mod world;

use arbitrary::Unstructured;
use differential::programs::Sources;
use esker_vm::abi::{FUEL_PER_GAS, Limits};
use esker_vm::{Engine, EngineConfig, EngineKind, Execution, Halt, Outcome, TierPolicy};
use generators::{host_calls, smith};
use guests::{ENDS, input, probe, recursive, scripted};
use primitive_types::H160;
use seeded::Seeded;
use world::{PLENTY, World, account, configs, wasm};

fn with(config: EngineConfig, idle_instances: u32) -> Engine {
    Engine::new(EngineConfig { idle_instances, ..config }).expect("starts")
}

/// Whether this machine can tell which pages were written; if not, every frame has a fresh instance, and the tests hold
/// without showing much.
fn reuses() -> bool {
    let engine = Engine::new(EngineConfig::default()).expect("starts");
    let mut world = World::with_code(&engine, r#"(module (memory (export "memory") 1) (func (export "call")))"#);
    let reuses = world.calls(&[(account(1), Vec::new(), PLENTY)])[0].1 == 1;
    if !reuses {
        println!("this machine makes every instance afresh");
    }
    reuses
}

/// Places that are likely to go wrong: the ends of memory and of pages, data segments, each page of the host's; and some
/// drawn at random.
fn places(random: &mut Seeded) -> Vec<u32> {
    let mut places = Vec::new();
    let host = |place: u32| place | 1 << 31;
    match random.below(7) {
        0 => places.extend([0, 131_071, 65_535, 65_536]),
        1 => places.extend([host(0), host(131_068), host(65_530)]),
        2 => places.extend([8, 23, 65_530, 65_545, 131_070, 131_071]),
        3 => places.extend((0..32).map(|page| page * 4_096 + 4_095)),
        4 => places.extend((0..32).map(|page| host(page * 4_096 + 4_092))),
        5 => places.extend((0..16).map(|page| page * 8_192)),
        _ => {}
    }
    for _ in 0..random.below(5) {
        let place = random.below(131_068) as u32;
        places.push(if random.once_in(2) { host(place) } else { place });
    }
    places
}

#[test]
fn a_frame_sees_nothing_of_those_before_it_on_its_instance() {
    let reuses = reuses();
    for (number, config) in (0u64..).zip(configs()) {
        let (reusing, fresh) = (with(config.clone(), 32), with(config, 0));
        for (mutable_globals, more, resettable) in [
            (0, "", true),
            (2, "", true),
            (16, "", true),
            (17, "", false),
            (3, "(func $drops (data.drop $passive))", false),
        ] {
            let code = probe(mutable_globals, more);
            let mut random = Seeded::new(number);
            let calls: Vec<_> = (0..150)
                .map(|at| {
                    let end = if at % 3 == 0 { random.below(ENDS.len()) } else { random.below(3) };
                    (account(1), input(end as u8, &places(&mut random)), PLENTY)
                })
                .collect();
            let run = |engine| {
                let mut world = World::new(engine);
                world.set_code(account(1), code.clone());
                world.calls(&calls)
            };
            let (found, expected) = (run(&reusing), run(&fresh));
            let mut reports = 0;
            for (((_, input, _), found), expected) in calls.iter().zip(&found).zip(&expected) {
                assert_eq!(found.0, expected.0, "{number}: {mutable_globals} globals, after the end {}", input[0]);
                assert_eq!(expected.1, 0);
                let (_, kept) = ENDS[usize::from(input[0])];
                assert_eq!(found.1 == 1, reuses && resettable && kept, "{number}: {mutable_globals}, {}", input[0]);
                if let Outcome::Return(report) | Outcome::Revert(report) = &found.0.outcome {
                    let Outcome::Return(first) = &run_once(&fresh, &code).outcome else { panic!("returns") };
                    // An end by `finish` or `revert` reads the report's place after it may have been written to.
                    assert!(report == first || [1, 2].contains(&input[0]), "{number}: {report:?} {first:?}");
                    reports += 1;
                }
            }
            assert!(reports > 60, "{reports} reports");
        }
    }
}

fn run_once(engine: &Engine, code: &[u8]) -> Execution {
    let mut world = World::new(engine);
    world.set_code(account(1), code.to_vec());
    world.call(&input(0, &[]), PLENTY)
}

#[test]
fn each_end_is_the_one_it_is_meant_to_be() {
    let engine = with(EngineConfig::default(), 32);
    let mut world = World::new(&engine);
    world.set_code(account(1), probe(2, ""));
    let calls: Vec<_> = ENDS.iter().map(|(end, _)| (account(1), input(*end, &[]), PLENTY)).collect();
    let ends: Vec<_> = world.calls(&calls).into_iter().map(|(execution, _)| execution.outcome).collect();
    let halts = [
        Halt::Unreachable,
        Halt::OutOfGas,
        Halt::StackOverflow,
        Halt::DivisionByZero,
        Halt::MemoryOutOfBounds,
        Halt::InvalidArgument,
    ];
    assert_eq!(ends[3..9], halts.map(Outcome::Halt));
    assert!([0, 1, 9, 10].iter().all(|end| matches!(ends[*end], Outcome::Return(_))), "{ends:?}");
    assert!(matches!(ends[2], Outcome::Revert(_)));
}

/// The smallest pool, every place of it taken by idle instances of many modules, and then the deepest recursion: there are
/// instances for all of it, again and again.
#[test]
fn idle_instances_are_bounded_and_take_nothing_from_the_deepest_call_tree() {
    let reuses = reuses();
    for config in configs() {
        for idle_instances in [1, 3, 8] {
            let small = EngineConfig { execution_sessions: 1, simulation_sessions: 0, ..config.clone() };
            let engine = with(small, idle_instances);
            let mut world = World::with_code(&engine, &recursive());
            let others: Vec<H160> = (0..40u8).map(|number| account(number + 2)).collect();
            for (number, address) in others.iter().enumerate() {
                let text = format!(
                    r#"(module (memory (export "memory") 1) (data (i32.const 0) "{number}") (func (export "call")))"#
                );
                world.set_code(*address, wasm(&text));
            }
            let other = |address: &H160| (*address, Vec::new(), PLENTY);
            let deep = (account(1), Vec::new(), 1_000_000 * PLENTY);
            let mut calls: Vec<_> = others.iter().map(other).collect();
            calls.extend([deep.clone(), deep.clone()]);
            calls.extend(others.iter().rev().map(other));
            calls.push(deep);
            for (place, (execution, idle)) in world.calls(&calls).into_iter().enumerate() {
                let (address, ..) = calls[place];
                let expected = if address == account(1) {
                    Outcome::Return(Limits::V1.call_depth_max.to_le_bytes().to_vec())
                } else {
                    Outcome::Return(Vec::new())
                };
                assert_eq!(execution.outcome, expected, "{} at {place}", engine.kind());
                assert!(idle <= idle_instances as usize, "{idle} idle instances, {idle_instances} allowed");
                assert_eq!(idle > 0, reuses);
            }
            assert_eq!(world.deepest, Limits::V1.call_depth_max as usize);
        }
    }
}

#[test]
fn a_deep_recursion_leaves_few_instances_behind() {
    // Of one module, which an optimiser would replace by another.
    let engine = with(EngineConfig { tiers: TierPolicy::Baseline, ..EngineConfig::default() }, 32);
    let mut world = World::with_code(&engine, &recursive());
    let deep = (account(1), Vec::new(), 1_000_000 * PLENTY);
    let ends = world.calls(&[deep.clone(), deep]);
    assert!(ends.iter().all(|(_, idle)| *idle <= 4), "{ends:?}");
}

#[test]
fn an_instance_of_the_baseline_is_not_used_for_the_optimised_module() {
    let engine = with(EngineConfig { tiers: TierPolicy::Background, ..EngineConfig::default() }, 32);
    let mut world = World::new(&engine);
    world.set_code(account(1), probe(2, ""));
    let call = (account(1), input(0, &[3, 70_000]), PLENTY);
    let before = world.calls(&vec![call.clone(); 40]);
    engine.settle();
    let after = world.calls(&vec![call; 40]);
    assert_eq!(engine.module_counts().promoted, 1);
    assert!(before.iter().chain(&after).all(|(end, _)| *end == before[0].0), "the same on both");
}

/// Memories of every size, one code or two under two accounts, both on the stack again and again, with growth that works and that
/// fails, ends of every kind, more resets than pages are kept for; also where modules leave memory and are replaced by
/// better ones meanwhile.
#[test]
fn scripts_of_every_kind_end_alike_with_and_without_reuse() {
    let folder = tempfile::tempdir().expect("a folder");
    let forgetful = |config| EngineConfig {
        cache_bytes: 1,
        cache_modules: 1,
        cache_dir: Some(folder.path().join("modules")),
        tiers: TierPolicy::Background,
        ..config
    };
    let configs = configs().into_iter().flat_map(|config| [config.clone(), forgetful(config)]);
    let (mut returned, mut kept) = (0, 0);
    for (round, config) in (0u64..).zip(configs) {
        for pages in [1, 2, 3, 8] {
            let mut random = Seeded::new(round * 8 + pages as u64);
            let calls: Vec<_> = (0..120)
                .map(|_| {
                    let most = if random.once_in(4) { 60 } else { 8 };
                    let steps = random.below(most);
                    let kinds: &[u32] = match random.below(3) {
                        0 => &[0, 2, 3],
                        1 => &[0, 0, 0, 2, 6, 6, 4],
                        _ => &[0, 0, 0, 0, 0, 1, 2, 6, 3, 4, 5],
                    };
                    let input = (0..steps)
                        .flat_map(|_| {
                            let kind = random.pick(kinds).copied().unwrap_or_default();
                            [kind, random.next() as u32].into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>()
                        })
                        .collect();
                    (account(1 + random.below(2) as u8), input, 200 * PLENTY)
                })
                .collect();
            let run = |idle_instances| {
                let engine = with(config.clone(), idle_instances);
                let mut world = World::new(&engine);
                world.set_code(account(1), scripted(pages));
                world.set_code(account(2), scripted(if pages % 2 == 0 { pages } else { 9 - pages }));
                world.calls(&calls)
            };
            for (at, (found, expected)) in run(3).iter().zip(&run(0)).enumerate() {
                assert_eq!(found.0, expected.0, "round {round}, {pages} pages, call {at}");
                returned += usize::from(matches!(found.0.outcome, Outcome::Return(_)));
                kept += found.1;
            }
        }
    }
    println!("{returned} returned, {kept} kept");
    assert!(returned > 1_000 && (kept > 1_000 || !reuses()), "{returned} returned, {kept} kept");
}

#[test]
fn a_module_without_pages_is_used_again() {
    let reuses = reuses();
    let text = r#"(module (memory (export "memory") 0 1) (global $g (mut i32) (i32.const 0))
        (func (export "call") (if (global.get $g) (then unreachable)) (global.set $g (i32.const 1))))"#;
    for config in configs() {
        let engine = with(config, 2);
        let mut world = World::with_code(&engine, text);
        for (end, idle) in world.calls(&vec![(account(1), Vec::new(), PLENTY); 50]) {
            assert_eq!((end.outcome, idle == 1), (Outcome::Return(Vec::new()), reuses));
        }
    }
}

/// Random programs, called in a random order with random fuel in one session, with instances used again and without.
#[test]
fn random_programs_end_alike_with_and_without_reuse() {
    const ROUNDS: u64 = 60;
    const PROGRAMS: u8 = 5;
    let sources = Sources::load();
    let tiers = TierPolicy::Baseline;
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let config =
            EngineConfig { tiers, execution_sessions: 1, simulation_sessions: 0, ..EngineConfig::with_kind(kind) };
        let (reusing, fresh) = (with(config.clone(), 3), with(config, 0));
        let (mut kept, mut outputs) = (0, 0);
        for round in 0..ROUNDS {
            let mut random = Seeded::new(round);
            let mut programs = Vec::new();
            while programs.len() < usize::from(PROGRAMS) {
                if random.once_in(2) {
                    let bytes = random.bytes(600);
                    if let Ok(wasm) = host_calls::contract(&mut Unstructured::new(&bytes)) {
                        programs.push((wasm, random.bytes(40)));
                    }
                } else if let Some(program) = sources.program(random.next() >> 40) {
                    programs.push((program.wasm, program.input));
                }
            }
            let calls: Vec<_> = (0..30)
                .map(|_| {
                    let number = random.below(programs.len());
                    let mut input = programs[number].1.clone();
                    if let (true, false) = (random.once_in(3), input.is_empty()) {
                        let at = random.below(input.len());
                        input[at] ^= 1 << random.below(8);
                    }
                    let gas = random.pick(&[2_000, 60_000, 200_000, 400_000]).copied().unwrap_or_default();
                    (account(1 + number as u8), input, gas * FUEL_PER_GAS)
                })
                .collect();
            let run = |engine| {
                let mut world = World::new(engine);
                for (number, (wasm, _)) in (1..).zip(&programs) {
                    world.set_code(account(number), wasm.clone());
                }
                (world.calls(&calls), world.state)
            };
            let ((found, state), (expected, expected_state)) = (run(&reusing), run(&fresh));
            for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(found.0, expected.0, "{kind}, round {round}, call {at}");
                kept += found.1;
                outputs += usize::from(matches!(&found.0.outcome, Outcome::Return(output) if !output.is_empty()));
            }
            assert_eq!(state, expected_state, "{kind}, round {round}");
        }
        println!("{kind}: {kept} instances kept, {outputs} outputs compared");
        assert!(outputs > 50 && (kept > 1_000 || !reuses()), "{kind}: {kept} kept, {outputs} outputs");
    }
}

/// Ends that unwind a deep stack give all of it back: on the interpreter the stack belongs to the instance.
#[test]
fn unwinding_a_deep_stack_again_and_again_uses_nothing_up() {
    let text = r#"(module
        (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
        (import "esker_v1" "finish" (func $finish (param i32 i32)))
        (import "esker_v1" "revert" (func $revert (param i32 i32)))
        (memory (export "memory") 1)
        (func $deep (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then
                (call $input_copy (i32.const 0) (i32.const 0) (i32.const 1))
                (if (i32.load8_u (i32.const 0)) (then (call $finish (i32.const 0) (i32.const 1))))
                (call $revert (i32.const 0) (i32.const 1))))
            (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
        (func (export "call") (drop (call $deep (i32.const 300)))))"#;
    for config in configs() {
        let engine = with(config, 32);
        let mut world = World::with_code(&engine, text);
        let calls: Vec<_> = (0..2_000u32).map(|at| (account(1), vec![(at % 3) as u8], PLENTY)).collect();
        let ends = world.calls(&calls);
        for ((_, input, _), (end, _)) in calls.iter().zip(&ends) {
            let expected = if input[0] == 0 { Outcome::Revert(vec![0]) } else { Outcome::Return(input.clone()) };
            assert_eq!(end.outcome, expected, "{}", engine.kind());
            assert_eq!(end.fuel_left, ends[usize::from(input[0])].0.fuel_left);
        }
    }
}
