//! The cache on disk: what it saves, what it refuses, and that no result depends on it.

mod cached;
mod world;

use std::fs;
use std::path::Path;

use cached::{Named, config, modules, open};
use esker_vm::abi::{MeterCosts, MeterVersion};
use esker_vm::{
    Code, Engine, EngineConfig, EngineError, EngineKind, Entry, Execution, Frame, Machine, Outcome, Preparation,
    Purpose, TierPolicy, envelope, execution, simulation,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use world::{PLENTY, World, wasm};

const TEXT: &str = r#"(module
    (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
    (memory (export "memory") 2)
    (data (i32.const 8) "from the data segment")
    (func (export "call") (local i32)
        (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 100))))
        (call $set_output (i32.const 8) (i32.const 21)))
    (func (export "deploy")))"#;

/// Runs the module and counts how often it had to be compiled.
fn run(engine: &Engine) -> (Execution, u64) {
    let before = engine.module_counts().compiled;
    let code = Named::new(TEXT);
    let ended = World::new(engine).execute(code.code(), Entry::Call, &Frame::default(), PLENTY);
    assert_eq!(ended.outcome, Outcome::Return(b"from the data segment".to_vec()));
    engine.settle();
    (ended, engine.module_counts().compiled - before)
}

fn prepare(engine: &Engine, code: Code<'_>) -> Preparation {
    let prepared = execution(engine, |session| session.prepare(code, u64::MAX)).expect("acceptable");
    engine.settle();
    prepared
}

#[test]
fn a_second_process_finds_what_the_first_compiled_and_ends_alike() {
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let folder = tempfile::tempdir().expect("a folder");
        let (cold, compiled) = run(&open(folder.path(), kind));
        assert_eq!((compiled, modules(folder.path()).len()), (1, 1), "{kind}");
        let engine = open(folder.path(), kind);
        let (warm, compiled) = run(&engine);
        assert_eq!((compiled, &warm), (0, &cold), "{kind}: loaded from disk");
        assert_eq!(run(&engine), (cold, 0), "{kind}: found in memory");
    }
}

#[test]
fn what_prepare_reports_comes_back_from_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = Named::new(TEXT);
    let first = prepare(&open(folder.path(), EngineKind::Cranelift), code.code());
    assert!(first.facts().has_constructor && first.facts().module_bytes as usize == wasm(TEXT).len());
    let second = open(folder.path(), EngineKind::Cranelift);
    assert_eq!(prepare(&second, code.code()), first);
    assert_eq!(second.module_counts().compiled, 0);
}

#[test]
fn damaged_files_are_deleted_and_compiled_again_with_the_same_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let (expected, _) = run(&open(folder.path(), EngineKind::Cranelift));
    let file = modules(folder.path()).pop().expect("one module");
    let whole = fs::read(&file).expect("readable");
    let mut damages: Vec<(String, Vec<u8>)> = vec![
        ("empty".into(), Vec::new()),
        ("garbage".into(), b"garbage".repeat(1_000)),
        ("shorter than the trailer".into(), whole[..20].to_vec()),
        ("truncated in the middle".into(), whole[..whole.len() / 2].to_vec()),
        ("one byte short".into(), whole[..whole.len() - 1].to_vec()),
        ("one byte more".into(), [&whole[..], b"!"].concat()),
        ("the artifact alone".into(), whole[..whole.len() - 74].to_vec()),
    ];
    // A flipped bit anywhere: the artifact, the facts, the hash, the magic.
    let end = whole.len();
    for position in
        [0, 100, end / 3, end / 2, end - 96, end - 75, end - 74, end - 41, end - 40, end - 9, end - 8, end - 1]
    {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x10;
        damages.push((format!("bit flipped at {position} of {end}"), bytes));
    }
    for (damage, bytes) in damages {
        fs::write(&file, &bytes).expect("writable");
        let (execution, compiled) = run(&open(folder.path(), EngineKind::Cranelift));
        assert_eq!((compiled, &execution), (1, &expected), "{damage}");
        assert_eq!(fs::read(&file).expect("written again").len(), whole.len(), "{damage}");
        assert_eq!(run(&open(folder.path(), EngineKind::Cranelift)).1, 0, "{damage}: the new file is sound");
    }
}

#[test]
fn a_file_from_another_folder_or_under_another_name_is_refused() {
    let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    run(&open(here.path(), EngineKind::Cranelift));
    run(&open(there.path(), EngineKind::Cranelift));
    let (mine, theirs) = (modules(here.path()).remove(0), modules(there.path()).remove(0));
    assert_eq!(mine.file_name(), theirs.file_name(), "the name does not depend on the folder");
    fs::copy(&theirs, &mine).expect("copied");
    assert_eq!(run(&open(here.path(), EngineKind::Cranelift)).1, 1, "another folder's key");
    // The same folder's file of another module.
    let engine = open(here.path(), EngineKind::Cranelift);
    let other = Named::new(r#"(module (memory (export "memory") 1) (func (export "call") (unreachable)))"#);
    World::new(&engine).execute(other.code(), Entry::Call, &Frame::default(), PLENTY);
    engine.settle();
    let foreign = modules(here.path()).into_iter().find(|path| *path != mine).expect("two modules");
    fs::copy(&foreign, &mine).expect("copied");
    assert_eq!(run(&open(here.path(), EngineKind::Cranelift)).1, 1, "another module's file");
}

#[test]
fn another_schedule_limit_or_engine_misses() {
    let folder = tempfile::tempdir().expect("a folder");
    run(&open(folder.path(), EngineKind::Cranelift));
    let mut dearer = config(folder.path(), EngineKind::Cranelift);
    dearer.costs[MeterVersion::V1.index()] = MeterCosts { bulk_byte: MeterCosts::V1.bulk_byte + 1, ..MeterCosts::V1 };
    assert_eq!(run(&Engine::new(dearer).expect("starts")).1, 1, "another schedule");
    let mut looser = config(folder.path(), EngineKind::Cranelift);
    looser.limits.globals_max += 1;
    assert_eq!(run(&Engine::new(looser).expect("starts")).1, 1, "other limits");
    assert_eq!(run(&open(folder.path(), EngineKind::Pulley)).1, 1, "another engine");
    assert_eq!(modules(folder.path()).len(), 4, "each has a file of its own");
    assert_eq!(run(&open(folder.path(), EngineKind::Cranelift)).1, 0, "the first is still there");
}

fn simulated(engine: &Engine) -> Preparation {
    let code = Named::new(TEXT);
    simulation(engine, |session| session.prepare(code.code(), u64::MAX)).expect("a place").expect("acceptable")
}

#[test]
fn what_a_simulation_compiled_is_written_once_a_block_uses_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path(), EngineKind::Cranelift);
    simulated(&engine);
    engine.settle();
    assert!(modules(folder.path()).is_empty() && modules(&folder.path().join("loose")).is_empty());
    assert_eq!((engine.cached(Purpose::Execution).0, engine.cached(Purpose::Simulation).0), (0, 1));
    // Estimated, then deployed: compiled once, and on disk.
    prepare(&engine, Named::new(TEXT).code());
    assert_eq!((engine.module_counts().compiled, modules(&folder.path().join("loose")).len()), (1, 1));
    drop(engine);
    let engine = open(folder.path(), EngineKind::Cranelift);
    simulated(&engine);
    assert_eq!(engine.module_counts().compiled, 0, "simulations read the disk");
    assert_eq!(run(&engine).1, 0);
}

#[test]
fn memory_stays_bounded_and_evicted_modules_come_back_from_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine =
        Engine::new(EngineConfig { cache_bytes: 1, ..config(folder.path(), EngineKind::Cranelift) }).expect("starts");
    let (expected, _) = run(&engine);
    prepare(&engine, Named::new(r#"(module (memory (export "memory") 1) (func (export "call")))"#).code());
    assert_eq!(engine.cached(Purpose::Execution).0, 1, "only the newest stays");
    assert_eq!(run(&engine), (expected, 0));
}

/// Modules that differ in a constant.
fn many(count: u32) -> impl Iterator<Item = Named> {
    (0..count).map(|number| {
        Named::new(&format!(
            r#"(module (memory (export "memory") 1) (data (i32.const 64) "constant data")
                (func (export "call") (i32.store (i32.const 0) (i32.const {number}))))"#
        ))
    })
}

#[cfg(target_os = "linux")]
#[test]
fn modules_hold_no_descriptors_and_a_bounded_number_of_mappings() {
    let descriptors = || fs::read_dir("/proc/self/fd").expect("listed").count();
    let mappings = || fs::read_to_string("/proc/self/maps").expect("listed").lines().count();
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let cache_modules = 32;
        Engine::new(EngineConfig { cache_modules, ..config(folder.path(), EngineKind::Cranelift) }).expect("starts")
    };
    let engine = open();
    let (descriptors_before, mappings_before) = (descriptors(), mappings());
    let frame = Frame::default();
    for code in many(400) {
        World::new(&engine).execute(code.code(), Entry::Call, &frame, PLENTY);
    }
    engine.settle();
    drop(engine);
    let engine = open();
    for code in many(400) {
        World::new(&engine).execute(code.code(), Entry::Call, &frame, PLENTY);
    }
    assert_eq!((engine.module_counts().compiled, engine.module_counts().loaded), (0, 400));
    assert!(engine.cached(Purpose::Execution).0 <= 32);
    // Other tests of this binary run beside this one; each module alone would add 400.
    assert!(descriptors() < descriptors_before + 150, "{} after {descriptors_before}", descriptors());
    assert!(mappings() < mappings_before + 1_500, "{} after {mappings_before}", mappings());
}

#[test]
fn far_apart_data_segments_cost_what_they_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path(), EngineKind::Cranelift);
    let far = Named::new(
        r#"(module (memory (export "memory") 2) (data (i32.const 0) "a") (data (i32.const 131071) "b")
            (func (export "call")))"#,
    );
    World::new(&engine).execute(far.code(), Entry::Call, &Frame::default(), PLENTY);
    engine.settle();
    let file = fs::metadata(&modules(folder.path())[0]).expect("there").len();
    assert!(file < 64 * 1024, "{file} bytes for a module of {}", far.envelope.len());
}

#[test]
fn what_no_account_holds_stays_within_its_quota_and_what_one_holds_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let loose = folder.path().join("loose");
    let engine = Engine::new(EngineConfig { loose_bytes: 200_000, ..config(folder.path(), EngineKind::Cranelift) })
        .expect("starts");
    let held: Vec<Named> = many(3).collect();
    for code in many(60) {
        prepare(&engine, code.code());
        if let Some(held) = held.iter().find(|held| held.hash == code.hash) {
            engine.hold(&[held.hash]);
            engine.settle();
        }
    }
    let bytes: u64 = modules(&loose).iter().map(|file| fs::metadata(file).expect("there").len()).sum();
    assert!(bytes <= 200_000 && bytes > 100_000, "{bytes}");
    assert_eq!(modules(folder.path()).len(), 3);
    drop(engine);
    let engine = open(folder.path(), EngineKind::Cranelift);
    for code in held {
        assert!(engine.is_ready(&code.hash, MeterVersion::V1));
    }
}

#[test]
fn what_another_version_or_a_code_that_nobody_holds_left_behind_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let codes: Vec<Named> = many(3).collect();
    for kind in [EngineKind::Pulley, EngineKind::Cranelift] {
        let engine = open(folder.path(), kind);
        for code in &codes {
            prepare(&engine, code.code());
        }
        engine.hold(&codes.iter().map(|code| code.hash).collect::<Vec<_>>());
        engine.settle();
    }
    assert_eq!(modules(folder.path()).len(), 6);
    let engine = open(folder.path(), EngineKind::Cranelift);
    engine.hold_only(&[codes[0].hash, codes[2].hash], &[MeterVersion::V1]);
    assert_eq!(modules(folder.path()).len(), 2);
    let fresh = open(folder.path(), EngineKind::Cranelift);
    let ready: Vec<bool> = codes.iter().map(|code| fresh.is_ready(&code.hash, MeterVersion::V1)).collect();
    assert_eq!(ready, [true, false, true]);
    // The folder's key is no module: what is left stays readable.
    let other = open(folder.path(), EngineKind::Pulley);
    assert!(codes.iter().all(|code| !other.is_ready(&code.hash, MeterVersion::V1)));
}

#[test]
fn what_was_optimised_for_an_account_that_is_not_committed_is_not_held() {
    let folder = tempfile::tempdir().expect("a folder");
    let tiers = TierPolicy::Background;
    let engine = Engine::new(EngineConfig { tiers, ..config(folder.path(), EngineKind::Cranelift) }).expect("starts");
    let code = Named::new(TEXT);
    prepare(&engine, code.code());
    for _ in 0..20 {
        run(&engine);
    }
    assert_eq!(engine.module_counts().promoted, 1);
    let files = || (modules(folder.path()).len(), modules(&folder.path().join("loose")).len());
    assert_eq!(files(), (0, 2), "it was created and called, and committed nowhere");
    engine.hold(&[code.hash]);
    engine.settle();
    assert_eq!(files(), (2, 0));
}

/// A block that calls modules in turn, more than memory holds, has paid for loading each of them once.
#[test]
fn a_session_loads_a_module_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let cache_modules = 8;
        Engine::new(EngineConfig { cache_modules, ..config(folder.path(), EngineKind::Cranelift) }).expect("starts")
    };
    let codes: Vec<Named> = many(20).collect();
    let in_turn = |engine: &Engine| {
        let mut world = World::new(engine);
        for (number, code) in (1..).zip(&codes) {
            let wasm = envelope::decode_code(&code.envelope, u32::MAX).expect("an envelope");
            world.set_code(world::account(number), wasm);
        }
        let round = (1..=20).map(|number| (world::account(number), Vec::new(), PLENTY));
        let calls: Vec<_> = round.clone().chain(round.clone()).chain(round).collect();
        let ends = world.calls(&calls);
        assert!(ends.iter().all(|(end, _)| end.outcome == Outcome::Return(Vec::new())));
        engine.settle();
        let counts = engine.module_counts();
        assert!(engine.cached(Purpose::Execution).0 <= 8);
        (counts.compiled, counts.loaded)
    };
    assert_eq!(in_turn(&open()), (20, 0));
    let engine = open();
    assert_eq!(in_turn(&engine), (0, 20));
    assert_eq!(in_turn(&engine).1, 40, "a session's modules end with it, but for what memory holds");
}

#[test]
fn a_frame_that_cannot_pay_for_its_start_loads_and_compiles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = Named::new(TEXT);
    let poor = |engine: &Engine| World::new(engine).execute(code.code(), Entry::Call, &Frame::default(), 100);
    let engine = open(folder.path(), EngineKind::Cranelift);
    for _ in 0..5 {
        assert_eq!(poor(&engine).outcome, Outcome::Halt(esker_vm::Halt::OutOfGas));
    }
    assert_eq!((engine.module_counts().rewritten, engine.module_counts().compiled), (1, 0), "looked at once");
    let (expected, _) = run(&engine);
    drop(engine);
    let engine = open(folder.path(), EngineKind::Cranelift);
    assert_eq!(poor(&engine).outcome, Outcome::Halt(esker_vm::Halt::OutOfGas));
    assert_eq!((engine.module_counts().loaded, engine.cached(Purpose::Execution).0), (0, 0));
    assert_eq!(run(&engine), (expected, 0));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_now_is_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    run(&open(folder.path(), EngineKind::Cranelift));
    let file = modules(folder.path()).remove(0);
    let whole = fs::read(&file).expect("readable");
    // A folder in its place cannot be mapped; nor can a file without permission, unless root reads it.
    fs::rename(&file, folder.path().join("aside")).expect("moved");
    fs::create_dir(&file).expect("created");
    let engine = open(folder.path(), EngineKind::Cranelift);
    assert_eq!(run(&engine).1, 1);
    assert!(file.is_dir(), "only what is corrupt, foreign or truncated is deleted");
    fs::remove_dir(&file).expect("still there, still empty");
    fs::rename(folder.path().join("aside"), &file).expect("moved back");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("closed");
    run(&open(folder.path(), EngineKind::Cranelift));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("opened");
    assert_eq!(fs::read(&file).expect("readable").len(), whole.len());
    assert_eq!(run(&open(folder.path(), EngineKind::Cranelift)).1, 0);
}

#[test]
fn hot_modules_are_promoted_and_end_alike_before_and_after_also_from_disk() {
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || {
            let tiers = TierPolicy::Background;
            Engine::new(EngineConfig { tiers, ..config(folder.path(), kind) }).expect("starts")
        };
        let engine = open();
        let (first, _) = run(&engine);
        for _ in 0..20 {
            assert_eq!(run(&engine), (first.clone(), 0));
        }
        assert_eq!(engine.module_counts().promoted, 1, "{kind}");
        assert_eq!(run(&engine), (first.clone(), 0));
        drop(engine);
        assert_eq!(modules(folder.path()).len(), 2, "both forms are kept");
        let engine = open();
        assert_eq!(run(&engine), (first, 0));
        for _ in 0..20 {
            run(&engine);
        }
        assert_eq!(engine.module_counts().promoted, 0, "the better one was found");
    }
}

#[test]
fn a_damaged_key_costs_compilations_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (expected, _) = run(&open(folder.path(), EngineKind::Cranelift));
    let code = Named::new(TEXT);
    assert!(open(folder.path(), EngineKind::Cranelift).is_ready(&code.hash, MeterVersion::V1));
    fs::write(folder.path().join("key"), b"short").expect("writable");
    assert!(
        !open(folder.path(), EngineKind::Cranelift).is_ready(&code.hash, MeterVersion::V1),
        "what cannot be loaded is not ready"
    );
    assert_eq!(run(&open(folder.path(), EngineKind::Cranelift)), (expected.clone(), 1));
    assert_eq!(run(&open(folder.path(), EngineKind::Cranelift)), (expected, 0));
}

#[test]
fn a_folder_that_cannot_be_used_is_a_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a file");
    fs::write(&file, b"in the way").expect("writable");
    let error = Engine::new(config(&file, EngineKind::Cranelift)).expect_err("a file is no folder");
    assert!(matches!(error, EngineError::Cache { .. }));
    assert!(error.to_string().contains("a file"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_or_key_that_others_could_have_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("modules");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    // An empty one is closed: nothing can have been planted in it.
    fs::create_dir(&folder).expect("created");
    set(&folder, 0o755);
    run(&open(&folder, EngineKind::Cranelift));
    assert_eq!(mode(&folder), 0o700);
    for file in modules(&folder).iter().chain([&folder.join("key")]) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    let refused = || Engine::new(config(&folder, EngineKind::Cranelift)).expect_err("refused").to_string();
    set(&folder, 0o777);
    assert!(refused().contains("not private") && refused().contains("delete it"), "{}", refused());
    assert_eq!(mode(&folder), 0o777, "and left as it is");
    set(&folder, 0o700);
    set(&folder.join("key"), 0o644);
    assert!(refused().contains("key is not private"), "{}", refused());
    set(&folder.join("key"), 0o600);
    assert_eq!(run(&open(&folder, EngineKind::Cranelift)).1, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Seed 1, 60 cases.
    #[test]
    fn no_bytes_in_a_modules_file_change_a_result(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let (expected, _) = run(&open(folder.path(), EngineKind::Pulley));
        let file = modules(folder.path()).pop().expect("one module");
        let whole = fs::read(&file).expect("readable");
        let mut bytes = whole.clone();
        for (place, byte, near_the_end) in edits {
            // The trailer is short; half of the damage goes there.
            let at = if near_the_end { bytes.len() - 1 - place.index(74) } else { place.index(bytes.len()) };
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.extend_from_slice(&more);
        fs::write(&file, &bytes).expect("writable");
        let (execution, compiled) = run(&open(folder.path(), EngineKind::Pulley));
        prop_assert_eq!(&execution, &expected);
        prop_assert_eq!(compiled == 0, bytes == whole, "loaded only if nothing changed");
    }
}
