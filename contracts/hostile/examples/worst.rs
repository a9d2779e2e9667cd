//! Measures how long each attack keeps a node busy for the gas that it pays.
//!
//! ```text
//! cargo run --release -p esker-hostile --example worst                    every attack
//! cargo run --release -p esker-hostile --example worst -- cold frames     those whose names hold one of these
//! ```
//!
//! CPU time of the thread that executes, in nanoseconds a gas of the transaction, modules compiled before; for scale, a gas
//! is meant to last five. A file of compiled modules is at hand in the rows that say so. Which modules take the longest to
//! compile for their gas is the matter of `compile_search` in `vm/examples`.

#[path = "../tests/everywhere/mod.rs"]
mod everywhere;
#[path = "../../../runtime/tests/world/mod.rs"]
mod world;

use alloy_primitives::{Address, Bytes, TxKind};
use esker_hostile::{ATTACKS, Attack, CALL_MANY, module};
use esker_runtime::Transaction;
use esker_runtime::block::execute_block;
use esker_vm::abi::MeterVersion;
use esker_vm::{Code, Engine, EngineConfig, envelope, execution};
use everywhere::{SETUPS, block};
use world::*;

/// The kernel accounts for a running thread a few hundred times a second.
const MEASURED_NANOSECONDS: u64 = 60_000_000;
/// The quietest of that many counts.
const ROUNDS: u32 = 3;

/// CPU time of this thread so far, in nanoseconds.
fn cpu_nanoseconds() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux accounts for threads");
    text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number comes first")
}

/// A transaction on a state, and what the engine has for it beside the defaults.
struct Case {
    name: String,
    ledger: Ledger,
    call: Transaction,
    /// Modules kept in memory, and whether there is a folder for the others.
    kept: Option<(usize, bool)>,
}

impl Case {
    /// Nanoseconds a gas, and the gas.
    fn measure(&self, engine: &Engine) -> (f64, u64) {
        let config = config();
        let calls = std::slice::from_ref(&self.call);
        execution(engine, |session| {
            let run = || execute_block(session, &self.ledger, &config, block(), calls).expect("it is valid").gas_used;
            for (hash, code) in &self.ledger.codes {
                let code = Code { hash: hash.0.into(), envelope: code, meter: MeterVersion::V1 };
                session.prepare(code, u64::MAX).expect("all contracts here are acceptable");
            }
            let gas = run();
            engine.settle();
            let quietest = (0..ROUNDS).map(|_| {
                let (begun, mut runs, mut spent) = (cpu_nanoseconds(), 0, 0);
                while spent < MEASURED_NANOSECONDS {
                    run();
                    runs += 1;
                    spent = cpu_nanoseconds() - begun;
                }
                spent / runs
            });
            (quietest.min().expect("there are rounds") as f64 / gas as f64, gas)
        })
    }
}

fn attack(attack: &Attack) -> Case {
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, envelope::encode(&attack.module()).into());
    let mut call = transaction(0, TxKind::Call(CONTRACT), 0, Bytes::from_static(attack.input));
    call.gas_limit = attack.gas;
    Case { name: attack.name.to_owned(), ledger, call: signed(0, call), kept: None }
}

/// Calls of many contracts, or many calls; see `wat/call_many.wat`.
fn many(name: &str, modules: &[Vec<u8>], gas_each: u64, times: u32, kept: Option<(usize, bool)>) -> Case {
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, envelope::encode(&module(&CALL_MANY())).into());
    for (number, module) in (0_u32..).zip(modules) {
        let mut address = [0xd0; 20];
        address[16..].copy_from_slice(&number.to_le_bytes());
        ledger.put_contract(Address::from(address), envelope::encode(module).into());
    }
    let count = modules.len() as u32;
    let input = [&count.to_le_bytes()[..], &gas_each.to_le_bytes(), &times.to_le_bytes()].concat();
    let mut call = transaction(0, TxKind::Call(CONTRACT), 0, input);
    call.gas_limit = 30_000_000;
    Case { name: name.to_owned(), ledger, call: signed(0, call), kept }
}

/// A module that differs from others in a number, with that many instructions and pages of memory.
fn contract(number: u32, additions: usize, pages: u32) -> Vec<u8> {
    let work = "(local.set 0 (i32.add (local.get 0) (i32.load (local.get 0))))\n".repeat(additions);
    module(&format!(
        r#"(module (memory (export "memory") {pages})
          (func (export "call"))
          (func (local i32) (local.set 0 (i32.const {number})) {work}))"#
    ))
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = ATTACKS.iter().map(attack).collect();
    let small: Vec<_> = (0..300).map(|number| contract(number, 10, 1)).collect();
    let middle: Vec<_> = (0..300).map(|number| contract(number, 2_000, 1)).collect();
    // As large as a module can be, and not to be started with the gas that it is called with.
    let large = contract(0, 6_000, 8);
    cases.extend([
        many("300 cold contracts, in memory", &small, u64::MAX, 1, Some((1_024, false))),
        many("300 cold contracts, from their files", &small, u64::MAX, 1, Some((8, true))),
        many("300 cold contracts of 20 KB, in memory", &middle, u64::MAX, 1, Some((1_024, false))),
        many("300 cold contracts of 20 KB, from their files", &middle, u64::MAX, 1, Some((8, true))),
        many("500 calls too poor to start, with a file", std::slice::from_ref(&large), 0, 500, Some((1, true))),
        many("500 calls too poor to start, without", &[large], 0, 500, Some((1, false))),
    ]);
    cases
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    println!("{:48} {:>10} {}", "attack", "gas", SETUPS.map(|(name, ..)| format!("{name:>21}")).concat());
    for case in cases() {
        if !wanted.is_empty() && !wanted.iter().any(|part| case.name.contains(part)) {
            continue;
        }
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let measured = SETUPS.map(|(_, kind, tiers)| {
            let mut config = EngineConfig { tiers, ..EngineConfig::with_kind(kind) };
            if let Some((kept, on_disk)) = case.kept {
                config.cache_modules = kept;
                config.cache_dir = on_disk.then(|| folder.path().to_path_buf());
            }
            case.measure(&Engine::new(config).expect("the engine starts"))
        });
        let gas = measured[0].1;
        let times = measured.map(|(nanoseconds, _)| format!("{nanoseconds:>21.2}")).concat();
        println!("{:48} {gas:>10} {times}", case.name);
    }
}
