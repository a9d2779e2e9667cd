//! Many contracts called once each, by a node that keeps few in memory: what they cost it is bounded by what was compiled
//! when they were created.

mod everywhere;
#[path = "../../../runtime/tests/world/mod.rs"]
mod world;

use std::path::Path;

use alloy_primitives::{Address, TxKind};
use esker_hostile::{ATTACKS, CALL_MANY, FAR_DATA, module};
use esker_runtime::Transaction;
use esker_runtime::exec::TransactionResult;
use esker_vm::{Engine, EngineConfig, EngineKind, ModuleCounts, TierPolicy, envelope};
use everywhere::{SETUPS, execute};
use world::*;

const CONTRACTS: u32 = 120;
/// Modules that the node keeps in memory.
const KEPT: usize = 8;

/// The contract that [`CALL_MANY`] calls by that number.
fn contract(number: u32) -> Address {
    let mut address = [0xd0; 20];
    address[16..].copy_from_slice(&number.to_le_bytes());
    Address::from(address)
}

/// As many contracts as there are modules, and one that calls them.
fn world_of(modules: impl Iterator<Item = Vec<u8>>) -> Ledger {
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, envelope::encode(&module(&CALL_MANY())).into());
    for (number, module) in (0..).zip(modules) {
        ledger.put_contract(contract(number), envelope::encode(&module).into());
    }
    ledger
}

/// A call of that many contracts, that often, with that much gas each.
fn calls(contracts: u32, gas_each: u64, times: u32) -> Transaction {
    let input = [&contracts.to_le_bytes()[..], &gas_each.to_le_bytes(), &times.to_le_bytes()].concat();
    let mut call = transaction(0, TxKind::Call(CONTRACT), 0, input);
    call.gas_limit = 20_000_000;
    signed(0, call)
}

fn engine(kind: EngineKind, tiers: TierPolicy, folder: &Path) -> Engine {
    let cache_dir = Some(folder.to_path_buf());
    let config = EngineConfig { tiers, cache_dir, cache_modules: KEPT, ..EngineConfig::with_kind(kind) };
    Engine::new(config).expect("the engine starts")
}

/// Contracts that differ in a number.
fn small(number: u32) -> Vec<u8> {
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "call") (i32.store (i32.const 0) (i32.const {number}))))"#
    );
    module(&text)
}

/// Runs the call on a node that compiled everything before and starts again.
fn restarted(ledger: &Ledger, call: &Transaction, check: impl Fn(&Engine, ModuleCounts)) -> TransactionResult {
    let results = SETUPS.map(|(name, kind, tiers)| {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let before = engine(kind, tiers, folder.path());
        let call = std::slice::from_ref(call);
        let first = execute(&before, ledger, call).results.remove(0);
        before.settle();
        drop(before);
        let after = engine(kind, tiers, folder.path());
        for time in 1..3 {
            assert!(execute(&after, ledger, call).results == [first.clone()], "{name}, again {time}");
        }
        after.settle();
        check(&after, after.module_counts());
        first
    });
    assert!(results.iter().all(|result| *result == results[0]), "what is on disk changes no result");
    results[0].clone()
}

#[test]
fn cold_contracts_are_loaded_and_not_compiled_again() {
    let ledger = world_of((0..CONTRACTS).map(small));
    let result = restarted(&ledger, &calls(CONTRACTS, u64::MAX, 1), |engine, counts| {
        assert_eq!(counts.compiled, 0, "all of them were compiled before the restart");
        // The caller stays in memory within a transaction or it does not.
        let loaded = 2 * u64::from(CONTRACTS) + 1..=2 * u64::from(CONTRACTS) + 2;
        assert!(loaded.contains(&counts.loaded), "each once a call: {counts:?}");
        assert!(engine.cached(esker_vm::Purpose::Execution).0 <= KEPT, "no more modules than asked for are kept");
    });
    assert!(result.status.is_success());
    assert_eq!(result.output[..], CONTRACTS.to_le_bytes(), "all of them returned");
    assert!(result.gas_used > u64::from(CONTRACTS) * 3_200, "each pays for a cold account and a frame");
}

/// Whoever cannot pay for what a frame starts with costs nothing: nothing is compiled, loaded or kept.
#[test]
fn calls_too_poor_to_start_bring_nothing_into_memory() {
    let large = ATTACKS.iter().find(|attack| attack.name == "frames with all memory").expect("it is there");
    let ledger = world_of(std::iter::once(large.module()));
    for (name, kind, tiers) in SETUPS {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let engine = engine(kind, tiers, folder.path());
        let result = execute(&engine, &ledger, &[calls(1, 1_000, 500)]).results.remove(0);
        assert!(result.status.is_success(), "{name}");
        assert_eq!(result.output[..], [0; 4], "{name}: none of them returned");
        assert!(result.gas_used > 500 * 1_700, "{name}: each pays for its frame and burns its gas");
        assert_eq!(engine.module_counts().compiled, 1, "{name}: the caller alone");
    }
}

/// Bytes of all files below a folder.
fn bytes_below(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the folder can be read"))
        .map(|entry| {
            let facts = entry.metadata().expect("the file is there");
            if facts.is_dir() { bytes_below(&entry.path()) } else { facts.len() }
        })
        .sum()
}

/// Data far apart make neither a large artifact nor a large file.
#[test]
fn data_at_both_ends_of_memory_stay_small() {
    const MODULES: u32 = 50;
    const BYTES_EACH: u64 = 64 * 1024;
    let far = |number: u32| module(&FAR_DATA().replace("\"z\"", &format!("\"\\{number:02x}\"")));
    let ledger = world_of((0..MODULES).map(far));
    for (name, kind, tiers) in SETUPS {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let config = EngineConfig { cache_dir: Some(folder.path().into()), tiers, ..EngineConfig::with_kind(kind) };
        let engine = Engine::new(config).expect("the engine starts");
        let result = execute(&engine, &ledger, &[calls(MODULES, u64::MAX, 1)]).results.remove(0);
        assert_eq!(result.output[..], MODULES.to_le_bytes(), "{name}: all of them returned");
        engine.settle();
        let (modules, in_memory) = engine.cached(esker_vm::Purpose::Execution);
        let on_disk = bytes_below(folder.path());
        println!("{name}: {modules} modules, {in_memory} bytes in memory, {on_disk} on disk");
        assert_eq!(modules, MODULES as usize + 1, "{name}");
        let most = u64::from(MODULES + 1) * BYTES_EACH;
        assert!(in_memory as u64 <= most && on_disk <= most, "{name}: {in_memory} in memory, {on_disk} on disk");
    }
}
