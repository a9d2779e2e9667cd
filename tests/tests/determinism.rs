//! The promise itself: one block sequence gives the same roots, receipts and gas on both engines, with a cold and a warm
//! cache, and in every build profile, since all are compared with one committed vector.

use esker_runtime::Genesis;
use esker_tests::golden;
use esker_tests::script::{UPGRADE_HEIGHT, execute, genesis, genesis_of_upgrade, summary};
use esker_vm::abi::Limits;
use esker_vm::{
    Admission, Code, Engine, EngineConfig, EngineKind, Entry, Execution, Frame, Host, Machine, Preparation,
    PrepareError, Session, TierPolicy,
};
use serde_json::Value;

/// The committed result. `ESKER_BLESS=1` writes it anew, from Cranelift without a cache.
fn expected() -> Value {
    committed("script", &genesis())
}

/// The committed result of the chain whose gas schedule changes.
fn expected_of_upgrade() -> Value {
    committed("upgrade", &genesis_of_upgrade())
}

fn committed(name: &str, genesis: &Genesis) -> Value {
    golden::committed(&format!("chain/{name}.json"), || result_from(genesis, &engine(EngineKind::Cranelift, None)))
}

fn engine(kind: EngineKind, cache: Option<&std::path::Path>) -> Engine {
    engine_with(EngineConfig { cache_dir: cache.map(Into::into), ..EngineConfig::with_kind(kind) })
}

fn engine_with(mut config: EngineConfig) -> Engine {
    // An emulator of another CPU keeps tables of all address space that is reserved, some gigabytes for what a node does.
    if std::env::var_os("ESKER_SLOTS").is_some() {
        config = EngineConfig { execution_sessions: 1, simulation_sessions: 0, memory_reservation: 16 << 20, ..config };
    }
    Engine::new(config).expect("the engine starts")
}

/// What the script gives on `engine`, which has nothing left to do in the background then: an engine that is dropped while
/// it optimises keeps its address space until it is done, and a test makes many.
fn result_on(engine: &Engine) -> Value {
    result_from(&genesis(), engine)
}

fn result_from(genesis: &Genesis, engine: &Engine) -> Value {
    let result = summary(genesis, &execute(engine, genesis));
    engine.settle();
    result
}

#[test]
fn both_engines_agree_with_the_vector_cold_and_warm() {
    let expected = expected();
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(result_on(&engine(kind, None)), expected, "{kind}, without a cache on disk");
        let cold = engine(kind, Some(folder.path()));
        assert_eq!(result_on(&cold), expected, "{kind}, with an empty cache");
        assert_eq!(result_on(&cold), expected, "{kind}, with a warm cache in memory");
        drop(cold);
        assert_eq!(result_on(&engine(kind, Some(folder.path()))), expected, "{kind}, with a warm cache on disk");
    }
}

/// An engine that has finished all work in the background whenever a block begins, so that what one block made hot runs
/// optimised in the next.
struct Settled(Engine);

impl Machine for Settled {
    fn limits(&self) -> &Limits {
        self.0.limits()
    }

    fn admit_execution(&self) -> Admission {
        self.0.settle();
        self.0.admit_execution()
    }

    fn prepare(&self, session: &Session<'_>, code: Code<'_>, budget: u64) -> Result<Preparation, PrepareError> {
        self.0.prepare(session, code, budget)
    }

    fn execute(
        &self,
        session: &Session<'_>,
        code: Code<'_>,
        entry: Entry,
        frame: &Frame,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Execution {
        self.0.execute(session, code, entry, frame, host, fuel)
    }
}

#[test]
fn every_tier_agrees_with_the_vector_and_so_does_a_change_in_the_middle() {
    let expected = expected();
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        for tiers in [TierPolicy::Baseline, TierPolicy::Optimised] {
            let engine = engine_with(EngineConfig { tiers, ..EngineConfig::with_kind(kind) });
            assert_eq!(result_on(&engine), expected, "{kind}, {tiers:?}");
        }
        let engine = engine(kind, None);
        let changing = Settled(engine.clone());
        assert_eq!(
            summary(&genesis(), &execute(&changing, &genesis())),
            expected,
            "{kind}, from one tier to the other"
        );
        assert_eq!(summary(&genesis(), &execute(&changing, &genesis())), expected, "{kind}, on the better tier");
        assert!(engine.module_counts().promoted > 0, "{kind}: the script makes a contract hot");
    }
}

/// The gas schedule changes between two blocks; nothing of what was compiled, kept or optimised for one is used for the
/// other.
#[test]
fn an_upgrade_in_the_middle_gives_the_same_on_both_engines_cold_and_warm() {
    let (expected, genesis) = (expected_of_upgrade(), genesis_of_upgrade());
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cold = engine(kind, Some(folder.path()));
        assert_eq!(result_from(&genesis, &cold), expected, "{kind}, with an empty cache");
        assert_eq!(result_from(&genesis, &cold), expected, "{kind}, with a warm cache in memory");
        assert_eq!(result_on(&cold), self::expected(), "{kind}, the chain without an upgrade on the same cache");
        drop(cold);
        assert_eq!(result_from(&genesis, &engine(kind, Some(folder.path()))), expected, "{kind}, from disk");
        let changing = Settled(engine(kind, None));
        assert_eq!(summary(&genesis, &execute(&changing, &genesis)), expected, "{kind}, from one tier to the other");
    }
    let version = |block: &Value| block["header"]["extraData"].as_str().map(|text| text[..10].to_owned());
    let plain = self::expected();
    let (plain, upgraded) = (plain["blocks"].as_array(), expected["blocks"].as_array());
    let (plain, upgraded) = (plain.expect("blocks"), upgraded.expect("blocks"));
    for (number, (plain, upgraded)) in (1..).zip(plain.iter().zip(upgraded)) {
        let is_past = number >= UPGRADE_HEIGHT;
        let text = if is_past { "0x00000002" } else { "0x00000001" };
        assert_eq!(version(upgraded).as_deref(), Some(text), "block {number}");
        let gas = |block: &Value| block["header"]["gasUsed"].clone();
        let is_empty = plain["transactions"].as_array().is_none_or(Vec::is_empty);
        assert_eq!(gas(plain) == gas(upgraded), !is_past || is_empty, "block {number}");
    }
}

#[test]
fn a_damaged_cache_changes_nothing() {
    let expected = expected();
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(result_on(&engine(EngineKind::Cranelift, Some(folder.path()))), expected);
    let mut damaged = 0;
    let loose = folder.path().join("loose");
    let entries =
        [folder.path(), &loose].map(|path| std::fs::read_dir(path).expect("the cache folder exists").flatten());
    for entry in entries.into_iter().flatten().filter(|entry| entry.path().is_file()) {
        let mut bytes = std::fs::read(entry.path()).expect("the cache is readable");
        // The key file is small; modules are not.
        if bytes.len() > 4096 {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            std::fs::write(entry.path(), bytes).expect("the cache is writable");
            damaged += 1;
        }
    }
    assert!(damaged >= 2, "the script deploys two contracts, {damaged} cache files were damaged");
    assert_eq!(result_on(&engine(EngineKind::Cranelift, Some(folder.path()))), expected);
}

#[test]
fn the_script_reaches_success_revert_and_halt() {
    let engine = engine(EngineKind::Cranelift, None);
    let blocks = execute(&engine, &genesis());
    engine.settle();
    let results: Vec<_> = blocks.iter().flat_map(|block| &block.results).collect();
    assert!(results.iter().filter(|result| result.status.is_success()).count() > 15);
    assert!(results.iter().any(|result| result.status == esker_runtime::ExecutionStatus::Revert));
    assert!(results.iter().any(|result| matches!(result.status, esker_runtime::ExecutionStatus::Halt(_))));
    assert!(results.iter().any(|result| result.logs.len() == 1));
}
