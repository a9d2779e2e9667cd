//! One code under two gas schedules: each has a module of its own, in memory and on disk, and one can be made ahead.

mod cached;
mod world;

use std::fs;

use cached::{Named, modules, open};
use esker_vm::abi::MeterCosts;
use esker_vm::abi::MeterVersion::{self, V1, V2};
use esker_vm::{Code, Engine, EngineConfig, EngineKind, Entry, Frame, Machine, Outcome, Purpose};
use world::{PLENTY, World};

/// A contract that spends most on globals, which the second schedule makes cheaper.
const GLOBALS: &str = r#"(module
    (memory (export "memory") 1)
    (global $g (mut i64) (i64.const 1))
    (func (export "call") (local i32)
        (loop
            (global.set $g (i64.add (global.get $g) (global.get $g)))
            (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 100))))))"#;

fn metered(code: &Named, meter: MeterVersion) -> Code<'_> {
    Code { meter, ..code.code() }
}

/// Fuel that a call of the module uses under each of these schedules, one after the other.
fn fuel_used(engine: &Engine, meters: &[MeterVersion]) -> Vec<u64> {
    let (code, frame) = (Named::new(GLOBALS), Frame::default());
    let mut world = World::new(engine);
    let used = meters.iter().map(|meter| {
        let ended = world.execute(metered(&code, *meter), Entry::Call, &frame, PLENTY);
        assert_eq!(ended.outcome, Outcome::Return(Vec::new()));
        PLENTY - ended.fuel_left
    });
    used.collect()
}

/// A module of one schedule is never run under another, whether it is in memory, on disk, or in use just now.
#[test]
fn a_code_has_a_module_for_each_schedule() {
    // Three accesses a round, 500 fuel less for each.
    let saved = 3 * 100 * (MeterCosts::V1.instructions.global - MeterCosts::V2.instructions.global);
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = open(folder.path(), kind);
        let used = fuel_used(&engine, &[V1, V2, V1, V2, V2, V1]);
        let (old, new) = (used[0], used[1]);
        assert_eq!((old - new, &used[2..]), (saved, &[old, new, new, old][..]), "{kind}");
        assert_eq!(engine.module_counts().compiled, 2, "{kind}");
        engine.settle();
        drop(engine);
        let engine = open(folder.path(), kind);
        assert_eq!((fuel_used(&engine, &[V2, V1]), engine.module_counts().compiled), (vec![new, old], 0), "{kind}");
        // Files that change places are refused, not run.
        drop(engine);
        let files = modules(folder.path());
        assert_eq!(files.len(), 2);
        let bytes: Vec<_> = files.iter().map(|file| fs::read(file).expect("readable")).collect();
        fs::write(&files[0], &bytes[1]).expect("writable");
        fs::write(&files[1], &bytes[0]).expect("writable");
        let engine = open(folder.path(), kind);
        assert_eq!((fuel_used(&engine, &[V2, V1]), engine.module_counts().compiled), (vec![new, old], 2), "{kind}");
    }
}

#[test]
fn what_is_compiled_ahead_is_found_when_its_schedule_begins() {
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = open(folder.path(), kind);
        let code = Named::new(GLOBALS);
        let used = fuel_used(&engine, &[V1]);
        engine.hold(&[code.hash]);
        let in_memory = engine.cached(Purpose::Execution);
        assert!(!engine.is_ready(&code.hash, V2));
        assert_eq!(engine.compile_ahead(metered(&code, V2)), Ok(true));
        assert!(engine.is_ready(&code.hash, V2));
        assert_eq!(engine.compile_ahead(metered(&code, V2)), Ok(true), "once more costs nothing");
        assert_eq!((engine.module_counts().ahead, engine.module_counts().compiled), (1, 1));
        assert_eq!(engine.cached(Purpose::Execution), in_memory, "nothing that blocks use makes way");
        assert!(fuel_used(&engine, &[V2]) < used);
        assert_eq!((engine.module_counts().compiled, engine.module_counts().loaded), (1, 1));
        engine.settle();
        assert_eq!(modules(folder.path()).len(), 2, "both are held");

        engine.hold_only(&[code.hash], &[V1, V2]);
        assert_eq!(modules(folder.path()).len(), 2);
        engine.hold_only(&[code.hash], &[V2]);
        assert_eq!(modules(folder.path()).len(), 1);
        let engine = open(folder.path(), kind);
        assert_eq!((engine.is_ready(&code.hash, V1), engine.is_ready(&code.hash, V2)), (false, true));
    }
    let engine = Engine::new(EngineConfig::default()).expect("starts");
    let refused = Named::new(r#"(module (memory (export "memory") 1))"#);
    assert!(engine.compile_ahead(metered(&refused, V2)).is_err(), "it has no entry point");
    let code = Named::new(GLOBALS);
    assert_eq!(engine.compile_ahead(metered(&code, V2)), Ok(true), "without a disk it is kept in memory");
    assert_eq!((fuel_used(&engine, &[V2]).len(), engine.module_counts().compiled), (1, 0));
}

/// A folder that cannot be written to costs the modules made ahead, and no result.
#[test]
fn what_cannot_be_kept_is_not_said_to_be_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("code");
    let engine = open(&place, EngineKind::Cranelift);
    let used = fuel_used(&engine, &[V2]);
    engine.settle();
    drop(engine);
    let engine = open(&place, EngineKind::Cranelift);
    fs::remove_dir_all(&place).expect("ours");
    let code = Named::new(GLOBALS);
    assert_eq!(engine.compile_ahead(metered(&code, V2)), Ok(false));
    assert_eq!(fuel_used(&engine, &[V2]), used);
}
