//! The cache on disk: what it saves, what it refuses, and that no result depends on it.

mod world;

use std::fs;
use std::path::{Path, PathBuf};

use esker_vm::abi::MeterCosts;
use esker_vm::{
    Code, Engine, EngineConfig, EngineError, EngineKind, Entry, Execution, Frame, Machine, Outcome, Preparation, Purpose,
    TierPolicy, crypto, envelope, execution, simulation,
};
use primitive_types::H256;
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

fn config(folder: &Path, kind: EngineKind) -> EngineConfig {
    EngineConfig {
        cache_dir: Some(folder.to_owned()),
        execution_slots: 4,
        simulation_slots: 2,
        ..EngineConfig::with_kind(kind)
    }
}

fn open(folder: &Path, kind: EngineKind) -> Engine {
    Engine::new(config(folder, kind)).expect("the engine starts")
}

/// Runs the module, counting how often the raw wasm was asked for: once if it had to be compiled.
fn run(engine: &Engine) -> (Execution, u32) {
    let code = wasm(TEXT);
    let mut asked = 0;
    let mut world = World::new(engine);
    let execution = engine.execute(
        H256(crypto::keccak256(&code)),
        &mut || {
            asked += 1;
            Some(code.clone())
        },
        esker_vm::Entry::Call,
        &esker_vm::Frame::default(),
        &mut world,
        PLENTY,
    );
    assert_eq!(execution.outcome, Outcome::Return(b"from the data segment".to_vec()));
    (execution, asked)
}

fn modules(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "key"))
        .collect();
    files.sort();
    files
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
    let code = wasm(TEXT);
    let hash = H256(crypto::keccak256(&code));
    let first = open(folder.path(), EngineKind::Cranelift).prepare(hash, &code, u64::MAX).expect("acceptable");
    assert!(first.has_constructor && first.module_bytes as usize == code.len());
    assert_eq!(open(folder.path(), EngineKind::Cranelift).prepare(hash, &code, u64::MAX), Ok(first));
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
        ("the artifact alone".into(), whole[..whole.len() - 57].to_vec()),
    ];
    // A flipped bit anywhere: the artifact, the facts, the hash, the magic.
    let end = whole.len();
    for position in [0, 100, end / 3, end / 2, end - 58, end - 57, end - 41, end - 40, end - 9, end - 8, end - 1] {
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
    let other = wasm(r#"(module (memory (export "memory") 1) (func (export "call") (unreachable)))"#);
    engine.prepare(H256(crypto::keccak256(&other)), &other, u64::MAX).expect("acceptable");
    let foreign = modules(here.path()).into_iter().find(|path| *path != mine).expect("two modules");
    fs::copy(&foreign, &mine).expect("copied");
    assert_eq!(run(&open(here.path(), EngineKind::Cranelift)).1, 1, "another module's file");
}

#[test]
fn another_schedule_limit_or_engine_misses() {
    let folder = tempfile::tempdir().expect("a folder");
    run(&open(folder.path(), EngineKind::Cranelift));
    let mut dearer = config(folder.path(), EngineKind::Cranelift);
    dearer.costs = MeterCosts { bulk_byte: MeterCosts::V1.bulk_byte + 1, ..MeterCosts::V1 };
    assert_eq!(run(&Engine::new(dearer).expect("starts")).1, 1, "another schedule");
    let mut looser = config(folder.path(), EngineKind::Cranelift);
    looser.limits.globals_max += 1;
    assert_eq!(run(&Engine::new(looser).expect("starts")).1, 1, "other limits");
    assert_eq!(run(&open(folder.path(), EngineKind::Pulley)).1, 1, "another engine");
    assert_eq!(modules(folder.path()).len(), 4, "each has a file of its own");
    assert_eq!(run(&open(folder.path(), EngineKind::Cranelift)).1, 0, "the first is still there");
}

#[test]
fn simulations_read_the_disk_and_never_write_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path(), EngineKind::Cranelift);
    let (expected, _) = run(&engine.for_simulation());
    assert!(modules(folder.path()).is_empty());
    run(&open(folder.path(), EngineKind::Cranelift));
    assert_eq!(run(&open(folder.path(), EngineKind::Cranelift).for_simulation()), (expected, 0));
}

#[test]
fn memory_stays_bounded_and_evicted_modules_come_back_from_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine =
        Engine::new(EngineConfig { cache_bytes: 1, ..config(folder.path(), EngineKind::Cranelift) }).expect("starts");
    let (expected, _) = run(&engine);
    let other = wasm(r#"(module (memory (export "memory") 1) (func (export "call")))"#);
    engine.prepare(H256(crypto::keccak256(&other)), &other, u64::MAX).expect("acceptable");
    assert_eq!(engine.cached().0, 1, "only the newest stays");
    assert_eq!(run(&engine), (expected, 0));
}

#[test]
fn a_damaged_key_costs_compilations_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (expected, _) = run(&open(folder.path(), EngineKind::Cranelift));
    fs::write(folder.path().join("key"), b"short").expect("writable");
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
fn the_folder_and_its_key_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("modules");
    fs::create_dir(&folder).expect("created");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("open to all");
    run(&open(&folder, EngineKind::Cranelift));
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in modules(&folder).iter().chain([&folder.join("key")]) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
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
            let at = if near_the_end { bytes.len() - 1 - place.index(57) } else { place.index(bytes.len()) };
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
