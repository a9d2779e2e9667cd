//! Runs a block on every engine and tier and holds that nobody can tell them apart.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::LazyLock;

use esker_runtime::block::{BuiltBlock, execute_block};
use esker_runtime::{BlockEnv, Transaction};
use esker_vm::{Engine, EngineConfig, EngineKind, TierPolicy};

use crate::world::{Ledger, config, env};

/// Gas of a block: room for the deepest attack.
pub const BLOCK_GAS: u64 = 60_000_000;

/// Every engine with every tier, and what to call it.
pub const SETUPS: [(&str, EngineKind, TierPolicy); 4] = [
    ("cranelift, baseline", EngineKind::Cranelift, TierPolicy::Baseline),
    ("cranelift, optimised", EngineKind::Cranelift, TierPolicy::Optimised),
    ("pulley, baseline", EngineKind::Pulley, TierPolicy::Baseline),
    ("pulley, optimised", EngineKind::Pulley, TierPolicy::Optimised),
];

static ENGINES: LazyLock<Vec<(&str, Engine)>> =
    LazyLock::new(|| SETUPS.map(|(name, kind, tiers)| (name, engine(kind, tiers))).into());

/// An engine of its own, with its modules in memory.
pub fn engine(kind: EngineKind, tiers: TierPolicy) -> Engine {
    let config = EngineConfig { tiers, ..EngineConfig::with_kind(kind) };
    Engine::new(config).expect("every engine starts on the machines that tests run on")
}

/// The engines that the tests of a binary share.
pub fn engines() -> &'static [(&'static str, Engine)] {
    &ENGINES
}

/// The block that these tests build.
pub fn block() -> BlockEnv {
    BlockEnv { gas_limit: BLOCK_GAS, ..env() }
}

/// Executes a block of these transactions.
///
/// # Panics
/// If one is invalid, or the node would fail.
pub fn execute(engine: &Engine, ledger: &Ledger, transactions: &[Transaction]) -> BuiltBlock {
    let config = config();
    esker_vm::execution(engine, |session| execute_block(session, ledger, &config, block(), transactions))
        .unwrap_or_else(|(index, error)| panic!("transaction {index}: {error}"))
}

/// Executes a block of these transactions on every engine and tier, and gives what all of them made of it.
///
/// # Panics
/// If one fails, or differs from another in anything: status (with the reason of a halt), gas, output, logs, changes, roots.
pub fn everywhere(what: &str, ledger: &Ledger, transactions: &[Transaction]) -> BuiltBlock {
    let blocks: Vec<_> = std::thread::scope(|scope| {
        let start = |(name, engine)| (name, scope.spawn(move || execute(engine, ledger, transactions)));
        let running: Vec<_> = engines().iter().map(|(name, engine)| start((*name, engine))).collect();
        running.into_iter().map(|(name, thread)| (name, thread.join())).collect()
    });
    let mut blocks = blocks.into_iter().map(|(name, block)| match block {
        Ok(block) => (name, block),
        Err(_) => panic!("{what}: {name} failed"),
    });
    let (first, built) = blocks.next().expect("there are engines");
    for (name, other) in blocks {
        for (one, other) in built.results.iter().zip(&other.results) {
            assert_eq!((one.status, one.gas_used), (other.status, other.gas_used), "{what}: {first} and {name} differ");
            assert!(one == other, "{what}: {first} and {name} differ in output, logs or refunds");
        }
        assert_eq!(built.receipts_root, other.receipts_root, "{what}: {first} and {name}");
        assert!(built.changes == other.changes, "{what}: {first} and {name} change the state differently");
    }
    built
}
